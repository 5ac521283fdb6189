"""What is left of thinking: a model's accuracy after its own thoughts, beside the given model's."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean

from bloomery.core import machine
from bloomery.core.engine import values_of
from bloomery.core.evidence import Check, Measured, judge, not_run
from bloomery.core.step import StepContext
from bloomery.forge.exams import exams
from bloomery.forge.fitting import set_threads
from bloomery.forge.folders import load_model
from bloomery.forge.judging import THINKING, JudgedConfig, thought_about
from bloomery.forge.measuring import share
from bloomery.forge.quietstar.examining import generated, own_accuracy
from bloomery.forge.quietstar.settings import ThoughtsConfig
from bloomery.forge.quietstar.tokens import knows_thoughts
from bloomery.forge.settings import ExamConfig
from bloomery.forge.stage import given
from bloomery.tasks.ingredient import Ingredient

HOW = f"{__name__}.answer_thinking"


def thinking_of(
    context: StepContext,
    folders: Mapping[str, Path],
    mixture: Mapping[str, Ingredient],
    exam: ExamConfig,
    thoughts: ThoughtsConfig | None,
) -> dict[str, float | None]:
    """Each model's mean accuracy after its own thought, over the test examples of what is thought about.

    None where the model's tokenizer has no thought tokens, or where nothing is thought about.
    """
    about = thought_about(mixture, thoughts)
    if thoughts is None or not about:
        return dict.fromkeys(folders)
    thinking = partial(_think, mixture=about, exam=exam, tokens=thoughts.tokens, threads=machine.threads())
    outcomes = context.map(thinking, {name: str(path) for name, path in folders.items()})
    return values_of(outcomes, "think")


def answer_thinking(
    context: StepContext, checks: Iterable[Check], *, shipped: Callable[[], float | None] | None = None
) -> None:
    """Evidence of what the stage's model kept of the given one's thinking, where a check asks for it.

    `shipped` measures the stage's model where it is not simply asked.
    """
    asked = [check for check in checks if check.name == THINKING]
    if not asked:
        return
    config: JudgedConfig = context.config
    began = time.perf_counter()
    folders = {"given": context.inputs[given("model")]}
    if shipped is None:
        folders["model"] = context.inputs["model"]
    found = thinking_of(context, folders, config.mixture, config.exam, config.thoughts)
    now = found["model"] if shipped is None else shipped()
    _answer(context, asked[0], now, found["given"], time.perf_counter() - began)


def _answer(context: StepContext, check: Check, now: float | None, before: float | None, took: float) -> None:
    cid = context.inputs["model"].name
    for name, rate in {"model": now, "given": before}.items():
        if rate is not None:
            context.metric(f"thinking/{name}", rate, 0)
    if now is None or before is None:
        whose = "the given model's" if before is None else "the model's"
        context.evidence(not_run(check, f"{whose} tokenizer has no thought tokens", inputs=[cid], how=HOW))
        return
    kept = Measured(value=share(now, before), baseline=before)
    context.evidence(judge(check, kept, how=HOW, duration_s=took, inputs=[cid]))


def _think(
    folder: str, *, mixture: Mapping[str, Ingredient], exam: ExamConfig, tokens: int, threads: int
) -> float | None:
    set_threads(threads)
    model, tokenizer = load_model(Path(folder))
    if not knows_thoughts(tokenizer):
        return None
    asked = generated(exams(mixture, replace(exam, data_sets=()), "test", fewer_ok=True)).values()
    return fmean(own_accuracy(model, tokenizer, one, tokens=tokens) for one in asked)
