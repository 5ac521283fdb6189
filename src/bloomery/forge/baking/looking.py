"""What a prompt is baked and measured on outside a workspace, and what became of it, from disk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from math import nan
from pathlib import Path
from typing import NamedTuple

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core import machine
from bloomery.core.errors import FormatRefused, MissingFile, UserError
from bloomery.forge.baking.bake import Queries
from bloomery.forge.baking.completions import check_window, sample
from bloomery.forge.baking.divergence import Residual, divergence, residual
from bloomery.forge.baking.questions import B, Questions
from bloomery.forge.baking.scoring import prompted_accuracy
from bloomery.forge.baking.settings import BakeConfig, CyclesConfig
from bloomery.forge.editing import load_editable
from bloomery.forge.exams import Exam, exams, mean_rate, sit
from bloomery.forge.fitting import set_threads
from bloomery.forge.folders import load_model
from bloomery.forge.packed_folder import is_packed
from bloomery.forge.settings import ExamConfig, FitConfig
from bloomery.forge.stages.baking import BakingStageConfig
from bloomery.tasks.accuracy import Accuracy
from bloomery.tasks.ingredient import Ingredient
from bloomery.tasks.tokenizer import encode

SEED = 11  # of what is sampled to measure on: no bake's
PROBES = 48  # prompts of tasks that choose, and as many that measure
FEWEST = 4  # lines of a file


class Asked(NamedTuple):
    """Questions to learn from, to choose by when to stop, and to measure on; they share none."""

    learn: Sequence[str]
    choose: Sequence[str]
    measure: Sequence[str]


NOTHING = Asked((), (), ())


@dataclass(frozen=True, kw_only=True)
class Became:
    """What is left of a prompt's effect after a bake, and what else changed.

    `drift` is KL(before || baked), both unprompted, on questions that the prompt does not concern, as a share
    of the effect; None where there are no such questions. `prompted` is the given model's mean accuracy under
    the prompt.
    """

    residual: Residual
    drift: float | None
    before: Mapping[str, Accuracy]
    prompted: float | None
    after: Mapping[str, Accuracy]


def asked_of_tasks(
    mixture: Mapping[str, Ingredient],
    tokenizer: PreTrainedTokenizerBase,
    *,
    learn: int,
    seed: int,
) -> Asked:
    """Prompts of tasks: training prompts to learn from, held-out ones to choose by and to measure on."""
    words = BakingStageConfig(
        mixture=dict(mixture), exam=ExamConfig(selection=PROBES, test=PROBES), queries=learn, probes=PROBES,
        anchors=0, fit=FitConfig(steps=1), cycles=CyclesConfig(given={"prompt": "-"}),
    )  # fmt: skip
    found = Questions(words, tokenizer, seed)
    return Asked(found.trained(B)[:learn], found.held_out(B, "selection"), found.held_out(B, "test"))


def asked_of_file(path: Path) -> Asked:
    """Lines of a text: every second one is learned, the others choose and measure in turn.

    Raises: MissingFile; FormatRefused for what is no UTF-8; UserError for fewer than four different lines.
    """
    try:
        lines = list(
            dict.fromkeys(line for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
        )
    except (FileNotFoundError, IsADirectoryError) as error:
        raise MissingFile(f"there is no file {path}; name one with a question a line") from error
    except UnicodeDecodeError as error:
        raise FormatRefused(f"{path} is no UTF-8 text ({error.reason}); give a question a line") from error
    if len(lines) < FEWEST:
        raise UserError(
            f"{path} has {len(lines)} different lines, and at least {FEWEST} are needed; add some"
        )
    return Asked(lines[::2], lines[1::4], lines[3::4])


def together(asked: Sequence[Asked]) -> Asked:
    """All of them; a question that is learned neither chooses nor measures."""
    learn, choose, measure = ([one for part in parts for one in part] for parts in zip(*asked, strict=True))
    chosen = [one for one in choose if one not in learn]
    return Asked(learn, chosen, [one for one in measure if one not in {*learn, *chosen}])


def queries_of(asked: Asked, controls: Asked) -> Queries:
    """What a bake learns from, and is held where it was by."""
    return Queries(train=asked.learn, held_out=asked.choose, anchors=controls.learn)


def check_fits(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompt: str,
    asked: Asked,
    controls: Asked,
    config: BakeConfig,
    mixture: Mapping[str, Ingredient],
    exam: ExamConfig,
) -> None:
    """Raises: UserError where a question does not fit the model's window, also one that is asked last."""
    tested = [question for one in _examined(mixture, exam).values() for question in one.prompts()]
    for before, questions, new in (
        (prompt, chain(*asked), config.max_new_tokens),
        ("", chain(*controls), config.max_new_tokens),
        (prompt, tested, 1),
    ):
        head = encode(tokenizer, before)
        if rows := [(head, encode(tokenizer, one)) for one in questions]:
            check_window(model, before, rows, new)


def became(
    base: Path,
    baked: Path,
    prompt: str,
    asked: Asked,
    controls: Asked,
    config: BakeConfig,
    mixture: Mapping[str, Ingredient],
    exam: ExamConfig,
) -> Became:
    """The bake on questions that chose nothing; a folder of latent weights is read through its trits."""
    set_threads(machine.threads())
    before, after, tokenizer = _read(base), _read(baked), load_model(base)[1]
    write = partial(sample, before, tokenizer, max_new_tokens=config.max_new_tokens, seed=SEED)
    written = write(prompt, asked.measure, per_query=config.per_query, temperature=config.temperature)
    left = residual(before, before, after, tokenizer, written)
    drift = None
    if controls.measure:
        own = write("", controls.measure)
        drift = divergence(before, after, tokenizer, own) / left.base if left.base else nan
    given = _examined(mixture, exam)
    return Became(
        residual=left, drift=drift, before=sit(before, tokenizer, given), after=sit(after, tokenizer, given),
        prompted=prompted_accuracy(before, tokenizer, given, prompt) if given else None,
    )  # fmt: skip


def _examined(mixture: Mapping[str, Ingredient], exam: ExamConfig) -> dict[str, Exam]:
    return exams(mixture, exam, "test", fewer_ok=True)


def mean_or_none(results: Mapping[str, Accuracy]) -> float | None:
    """The tasks' mean accuracy, where there are tasks."""
    return mean_rate(results) if results else None


def _read(folder: Path) -> PreTrainedModel:
    return load_model(folder)[0] if is_packed(folder) else load_editable(folder).model
