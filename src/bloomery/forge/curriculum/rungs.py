"""Held-out problems on each rung of a ladder, apart from what chooses and measures elsewhere."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from statistics import fmean

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core.errors import ConfigError
from bloomery.forge.curriculum.ladder import Ladder
from bloomery.forge.exams import Part, exams
from bloomery.forge.settings import ExamConfig
from bloomery.tasks.accuracy import Accuracy, accuracy
from bloomery.tasks.ingredient import Ingredient
from bloomery.tasks.splitting import examples
from bloomery.tasks.task import Example, Task

Rung = dict[str, list[Example]]


def rung_problems(
    tasks: Mapping[str, Task],
    rungs: Sequence[Mapping[str, Sequence[int]]],
    mixture: Mapping[str, Ingredient],
    exam: ExamConfig,
    part: Part,
    count: int,
) -> list[Rung]:
    """For each rung up to `count` held-out problems of each task at the rung's difficulties.

    A prompt is for selection or for the test by its own hash, and none is among the other part's prompts of
    the recipe's exam.

    Raises: ConfigError where a task has no problem left on a rung.
    """
    other: Part = "test" if part == "selection" else "selection"
    taken = {
        prompt for one in exams(mixture, exam, other, fewer_ok=True).values() for prompt in one.prompts()
    }
    return [
        {name: _held_out(tasks[name], levels, exam.seed, part, taken, count) for name, levels in rung.items()}
        for rung in rungs
    ]


def levels_of(ladder: Ladder, home: Mapping[str, Sequence[int]] | None = None) -> list[dict[str, list[int]]]:
    """The difficulties of each rung; first those of rung 0, where they are given."""
    found = [{name: [level] for name, level in ladder.at(rung).items()} for rung in range(1, len(ladder) + 1)]
    return found if home is None else [{name: list(levels) for name, levels in home.items()}, *found]


def climbed_rates(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    tasks: Mapping[str, Task],
    rungs: Sequence[Rung],
) -> list[float]:
    """The model's mean accuracy over the tasks on each rung."""
    return [fmean(one.rate for one in results.values()) for results in sat(model, tokenizer, tasks, rungs)]


def sat(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    tasks: Mapping[str, Task],
    rungs: Sequence[Rung],
) -> list[dict[str, Accuracy]]:
    """The model's accuracy on each rung, by task."""
    return [
        {name: accuracy(model, tokenizer, given, tasks[name]) for name, given in rung.items()}
        for rung in rungs
    ]


def part_of(prompt: str) -> Part:
    """Half of the held-out prompts choose, the other half measure; by a byte that `side_of` does not read."""
    return "selection" if sha256(prompt.encode()).digest()[1] < 128 else "test"


def _held_out(
    task: Task, levels: Sequence[int], seed: int, part: Part, taken: set[str], count: int
) -> list[Example]:
    drawn = examples(
        task, "test", count=4 * count, seed=seed, difficulties=sorted(set(levels)), fewer_ok=True
    )
    found = [one for one in drawn if part_of(one.prompt) == part and one.prompt not in taken][:count]
    if not found:
        raise ConfigError(
            f"task '{task.name}' has no {part} prompts at difficulties {sorted(set(levels))} that the exam "
            "left over; make the mixture or the ladder's end harder"
        )
    return found
