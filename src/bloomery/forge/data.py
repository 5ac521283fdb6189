"""What a stage trains on: generated tasks and recorded data sets in one mixture."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from transformers import PreTrainedTokenizerBase

from bloomery.core.errors import ConfigError, Failure
from bloomery.forge.quietstar.rows import ThoughtRows
from bloomery.forge.quietstar.settings import ThoughtsConfig
from bloomery.forge.quietstar.tokens import knows_thoughts
from bloomery.forge.settings import FitConfig, is_data_set
from bloomery.tasks.batches import length_of, pieces
from bloomery.tasks.datasets.catalog import SOURCES
from bloomery.tasks.datasets.formatting import training_examples
from bloomery.tasks.ingredient import Ingredient
from bloomery.tasks.mixture import Mixture
from bloomery.tasks.registry import task as task_of
from bloomery.tasks.splitting import draw_from, side_of
from bloomery.tasks.task import Example, Task
from bloomery.training.loader import Dataset

Parts = list[tuple[Task, float, Sequence[int]]]


@dataclass(frozen=True)
class Recorded:
    """A data set's training split as a task without a difficulty knob.

    One prompt of eight is held out by its hash, as with generated tasks: it can choose between candidates.
    """

    name: str
    records: Sequence[Example]
    version: int = 1

    @property
    def difficulties(self) -> range:
        return range(1)

    def example(self, rng: random.Random, difficulty: int) -> Example:
        return self.records[rng.randrange(len(self.records))]

    def score(self, example: Example, text: str) -> float:
        return float(text == example.answer)

    def chance(self, difficulty: int) -> float:
        raise Failure(f"data set '{self.name}' is examined by its own scorer, which knows its chance level")

    def cost(self, difficulty: int) -> int:
        return 1


def training_data(config: FitConfig, tokenizer: PreTrainedTokenizerBase, *, seed: int) -> Mixture:
    """As many examples as the training sees; item i is a function of the seed and i.

    Raises: ConfigError where no example of a data set fits `seq_len`.
    """
    parts = [
        (_fitting(task, tokenizer, config.seq_len), weight, levels)
        for task, weight, levels in task_parts(config.mixture)
    ]
    return Mixture(parts, tokenizer, seq_len=config.seq_len, seed=seed, length=config.examples())


def training_rows(
    config: FitConfig, tokenizer: PreTrainedTokenizerBase, thoughts: ThoughtsConfig | None, *, seed: int
) -> Dataset:
    """The same with thoughts before some answers, where they are wanted and the tokenizer has their tokens.

    Raises: ConfigError where the longest of them does not fit `seq_len`, too.
    """
    data = training_data(config, tokenizer, seed=seed)
    if thoughts is None or not knows_thoughts(tokenizer):
        return data
    rows = ThoughtRows(data, thoughts)
    rows.check_room()
    return rows


def training_texts(config: FitConfig, *, seed: int, generated: int = 2000) -> Iterator[str]:
    """Texts for a tokenizer: what the data sets train on, and some examples of each generated task."""
    rng = random.Random(f"texts/{seed}")
    for task, _, levels in task_parts(config.mixture):
        if isinstance(task, Recorded):
            shown = [one for one in task.records if side_of(one.prompt) == "train"]
        else:
            shown = [draw_from(task, "train", rng, rng.choice(levels)) for _ in range(generated)]
        yield from (example.prompt + example.answer for example in shown)


def task_parts(mixture: Mapping[str, Ingredient]) -> Parts:
    """The tasks of a mixture with their weights and difficulties."""
    return [_part(name, given) for name, given in mixture.items() if given.weight > 0]


def _part(name: str, given: Ingredient) -> tuple[Task, float, Sequence[int]]:
    if is_data_set(name):
        return _recorded(name), given.weight, (0,)
    task = task_of(name, **given.options)
    return task, given.weight, given.difficulties or tuple(task.difficulties)


@cache
def _recorded(name: str) -> Recorded:
    if "train" not in SOURCES[name].splits:
        raise ConfigError(
            f"data set '{name}' is for evaluation and has no training split; take it out of the mixture"
        )
    return Recorded(name, training_examples(name)[0])


def _fitting(task: Task, tokenizer: PreTrainedTokenizerBase, seq_len: int) -> Task:
    """A recorded task without the examples that are longer than a row."""
    if not isinstance(task, Recorded):
        return task
    short = [one for one in task.records if length_of(pieces(one, tokenizer)) <= seq_len]
    if not short:
        raise ConfigError(f"no example of '{task.name}' fits seq_len={seq_len}; raise it")
    return replace(task, records=short)
