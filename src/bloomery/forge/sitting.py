"""Folders of models sit exams, each in a worker process, with the threads that their consumer will use."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bloomery.core import machine
from bloomery.core.engine import values_of
from bloomery.core.step import StepContext
from bloomery.forge.exams import Part, exams, mean_rate, record_by_difficulty, sit
from bloomery.forge.fitting import set_threads
from bloomery.forge.folders import load_model
from bloomery.forge.judging import JudgedConfig
from bloomery.forge.measuring import furthest
from bloomery.forge.packed_folder import weights_size
from bloomery.forge.settings import ExamConfig
from bloomery.tasks.accuracy import Accuracy
from bloomery.tasks.ingredient import Ingredient

Results = dict[str, Accuracy]


@dataclass(frozen=True, kw_only=True)
class Sat:
    """What models did on the test examples, by their names, and the bytes of their weights on disk."""

    results: Mapping[str, Results]
    rate: Mapping[str, float]
    size_bytes: Mapping[str, int]


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


def sit_test(context: StepContext, folders: Mapping[str, Path]) -> Sat:
    """Each model on the recipe's test examples; accuracy over difficulty and over bytes become metrics."""
    config: JudgedConfig = context.config
    results = sit_folders(context, folders, config.mixture, config.exam, "test")
    rate = {name: mean_rate(result) for name, result in results.items()}
    size = {name: weights_size(folder) for name, folder in folders.items()}
    for name, result in results.items():
        record_by_difficulty(context, name, result)
        context.metric(f"test accuracy/{name}", rate[name], size[name])
    return Sat(results=results, rate=rate, size_bytes=size)


def claims_missed_by(context: StepContext, step: str) -> float:
    """How far what `step` claimed of the stage's model is from what it does now on the same examples."""
    config: JudgedConfig = context.config
    claimed = json.loads(context.inputs["claims"].read_text())["scores"][step]
    ours = {"model": context.inputs["model"]}
    return furthest(claimed, sit_folders(context, ours, config.mixture, config.exam, "selection")["model"])


def _sit(
    folder: str, *, mixture: Mapping[str, Ingredient], exam: ExamConfig, part: Part, threads: int
) -> Results:
    set_threads(threads)
    model, tokenizer = load_model(Path(folder))
    return sit(model, tokenizer, exams(mixture, exam, part))
