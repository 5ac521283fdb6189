"""Folders of models sit exams, each in a worker process, with the threads that their consumer will use."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from bloomery.core import machine
from bloomery.core.engine import values_of
from bloomery.core.step import StepContext
from bloomery.forge.exams import Part, exams, sit
from bloomery.forge.fitting import set_threads
from bloomery.forge.folders import load_model
from bloomery.forge.settings import ExamConfig
from bloomery.tasks.accuracy import Accuracy
from bloomery.tasks.ingredient import Ingredient

Results = dict[str, Accuracy]


def sit_folders(
    context: StepContext,
    folders: Mapping[str, Path],
    mixture: Mapping[str, Ingredient],
    exam: ExamConfig,
    part: Part,
) -> dict[str, Results]:
    """Each model's accuracies. Raises: Failure naming the models that could not be examined."""
    sitting = partial(_sit, mixture=mixture, exam=exam, part=part, threads=machine.threads())
    outcomes = context.map(sitting, {name: str(path) for name, path in folders.items()})
    return values_of(outcomes, "be examined")


def _sit(
    folder: str, *, mixture: Mapping[str, Ingredient], exam: ExamConfig, part: Part, threads: int
) -> Results:
    set_threads(threads)
    model, tokenizer = load_model(Path(folder))
    return sit(model, tokenizer, exams(mixture, exam, part))
