"""What the verbs that train share: their options, and how trainings outside a workspace show themselves."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from bloomery.cli.options import opened
from bloomery.cli.progress import Watch, watching

if TYPE_CHECKING:
    from bloomery.forge.settings import ExamConfig
    from bloomery.tasks.accuracy import Accuracy
    from bloomery.tasks.ingredient import Ingredient

Steps = Annotated[int, typer.Option(help="Optimizer steps.", min=1)]
Rate = Annotated[float, typer.Option("--lr", help="Learning rate at its highest.", min=0)]
Batch = Annotated[int, typer.Option(help="Examples in an optimizer step.", min=1)]
SeqLen = Annotated[int, typer.Option(help="Tokens in a row, at most.", min=2)]
Every = Annotated[int, typer.Option(help="Optimizer steps between checkpoints.", min=1)]
Seed = Annotated[int, typer.Option(help="Of all that is drawn; equal seeds give equal folders.", min=0)]
RESUME = "; resume to go on"  # how a stage's pause ends


class Part(NamedTuple):
    """A part of the work: how much it is beside the others, and how many times it counts its steps anew."""

    work: int
    times: int = 1


class Parts:
    """Names the parts of a verb's work for a watch that knows them by name.

    A part begins where a total of 0 is told with its name, or where the one before has been counted as often
    as it is.
    """

    def __init__(self, watch: Watch, parts: Mapping[str, Part]) -> None:
        self.watch, self.parts = watch, dict(parts)
        self.name = next(iter(parts))
        self.time, self.last = 0, (0, 0)

    def __call__(self, done: int, total: int, text: str) -> None:
        if total == 0:
            self._begin(text)
            return
        before, of = self.last
        if of and (total != of or done < before):
            self._count_anew()
        self.last = (done, total)
        times = self.parts[self.name].times
        self.watch(self.name, self.time * total + done, times * total, text)

    def _count_anew(self) -> None:
        names = list(self.parts)
        self.time += 1
        if self.time < self.parts[self.name].times:
            return
        if self.name == names[-1]:
            self.time -= 1
            return
        self._begin(names[names.index(self.name) + 1])

    def _begin(self, name: str) -> None:
        self.name, self.time, self.last = name, 0, (0, 0)
        self.watch(name, 0, 0, "")


@contextmanager
def training(parts: Mapping[str, Part]) -> Iterator[Callable[[int, int, str], None]]:
    """A watch for the parts of a verb's work; a pause says that the same command goes on."""
    from bloomery.core.log import set_level
    from bloomery.core.step import Paused

    set_level("warning")
    try:
        with watching({name: part.work for name, part in parts.items()}) as watch:
            yield Parts(watch, parts)
    except Paused as paused:
        raise Paused(f"{str(paused).removesuffix(RESUME)}; the same command goes on") from paused


def given_folder(base: str, output: Path, workspace: Path) -> Path:
    """The base model's folder, once it is known that the output can be written.

    Raises: UserError where the output holds something; MissingFile, UnknownName, DamagedArtifact.
    """
    from bloomery.forge.folders import check_free
    from bloomery.forge.library import model_folder
    from bloomery.forge.resumable import forget_finished

    forget_finished(output)
    check_free(output)
    return model_folder(opened(workspace), base)


def graded_mixture(tasks: Sequence[str], difficulties: Sequence[int]) -> "dict[str, Ingredient]":
    """The tasks to learn from and to be examined in, in equal parts.

    Raises: UserError without a task, or for one that has no exact scorer; UnknownName.
    """
    from bloomery.core.errors import UserError
    from bloomery.forge.compression.calibration_rows import mixture_of
    from bloomery.forge.exams import NUMBER_PROBLEMS
    from bloomery.forge.settings import is_data_set
    from bloomery.tasks.datasets.formatting import QUESTIONS

    if not tasks:
        raise UserError("no task is named to learn from; give --task NAME")
    for name in tasks:
        if is_data_set(name) and name not in (*QUESTIONS, *NUMBER_PROBLEMS):
            raise UserError(f"'{name}' has no exact scorer here; name another task than that")
    return mixture_of(tasks, difficulties)


def exam_of(count: int) -> "ExamConfig":
    """As many held-out examples that may choose as there are that measure; they share none."""
    from bloomery.forge.settings import ExamConfig

    return ExamConfig(selection=count, test=count)


def told(results: "Mapping[Any, Accuracy]") -> dict[str, Any]:
    """Accuracies for JSON, by task."""
    return {name: {**vars(result), "rate": result.rate} for name, result in results.items()}
