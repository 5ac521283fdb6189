"""The consumer's view of what cognate hands on: loaded from disk, on examples that chose nothing."""

import json
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from bloomery.core import machine
from bloomery.core.evidence import Measured, judge, measure
from bloomery.core.step import StepContext
from bloomery.forge.exams import (
    Exam,
    exams,
    mean_depth,
    mean_rate,
    record_by_difficulty,
    sit,
    timed_sit,
)
from bloomery.forge.fitting import set_threads
from bloomery.forge.folders import load_model
from bloomery.forge.measuring import (
    as_measured,
    clock,
    count_parameters,
    furthest,
    future_leak,
)
from bloomery.forge.stages.cognate import (
    DEPTH_HELPS,
    HALTING_COSTS,
    HALTING_SAVES,
    HARDER_IS_DEEPER,
    MEMORY_HELPS,
    CognateStageConfig,
    checks,
)
from bloomery.tasks.accuracy import Accuracy


def measure_model(context: StepContext) -> None:
    """The consumer's view: the handed-on model, loaded from disk, on examples that chose nothing."""
    set_threads(machine.threads())
    config: CognateStageConfig = context.config
    model, tokenizer = load_model(context.inputs["model"])
    given = exams(config.mixture, config.exam, "test")
    usual, seconds = timed_sit(model, tokenizer, given)
    record_by_difficulty(context, "model", usual)
    parameters = count_parameters(model)
    probe = next(iter(given.values())).prompts()[0]
    by_name = {check.name: check for check in checks(config)}
    answers: dict[str, Any] = {
        "parameters, at least": lambda: parameters,
        "parameters, at most": lambda: parameters,
        "leak from the future": partial(future_leak, model, tokenizer, probe),
        "claims measured again": partial(_broken_claims, context, model, tokenizer),
    }
    cid = context.inputs["model"].name
    how = f"{__name__}.measure_model"
    for name, answer in answers.items():
        context.evidence(measure(by_name[name], answer, inputs=[cid], how=how))
    for task in config.bars.accuracy:
        check, result = by_name[f"accuracy: {task}"], as_measured(usual[task])
        context.evidence(judge(check, result, inputs=[cid], how=how, duration_s=seconds[task]))
    _ablations(context, model, tokenizer, given, usual)


def _broken_claims(context: StepContext, model: Any, tokenizer: Any) -> float:
    """How far the claimed accuracies are from those measured here on the same examples."""
    config: CognateStageConfig = context.config
    claims = json.loads(context.inputs["claims"].read_text())
    claimed = claims["scores"][claims["best"]]
    again = sit(model, tokenizer, exams(config.mixture, config.exam, "selection"))
    return furthest(claimed, again)


def _ablations(
    context: StepContext,
    model: Any,
    tokenizer: Any,
    given: Mapping[str, Exam],
    usual: Mapping[str, Accuracy],
) -> None:
    """Without memory, at one recursion step, and at all of them, on the same examples."""
    deepest = model.config.max_recursion
    everywhere: dict[str, dict[str, Any]] = {
        "without memory": {"memory_enabled": False},
        "one step": {"recursion_steps": 1},
        "all steps": {"recursion_steps": deepest},
    }
    results, began = {}, time.perf_counter()
    for done, (name, options) in enumerate(everywhere.items()):
        context.progress(done, len(everywhere), name)
        results[name] = sit(model, tokenizer, given, **options)
        record_by_difficulty(context, name, results[name])
    rate = {name: mean_rate(result) for name, result in results.items()} | {"usual": mean_rate(usual)}
    answers = {
        MEMORY_HELPS: Measured(value=rate["usual"] - rate["without memory"], baseline=rate["without memory"]),
        DEPTH_HELPS: Measured(value=rate["all steps"] - rate["one step"], baseline=rate["one step"]),
        HALTING_SAVES: Measured(value=deepest / mean_depth(usual)),
        HALTING_COSTS: Measured(value=rate["all steps"] - rate["usual"], baseline=rate["usual"]),
        HARDER_IS_DEEPER: Measured(value=_deepening(usual)),
    }
    cid, took = context.inputs["model"].name, time.perf_counter() - began
    for check, answer in answers.items():
        how = f"{__name__}._ablations"
        context.evidence(judge(check, answer, inputs=[cid], how=how, duration_s=took))


def _deepening(usual: Mapping[str, Accuracy]) -> float:
    ends = [(one.by_difficulty[min(one.by_difficulty)], one.by_difficulty[max(one.by_difficulty)])
            for one in usual.values()]  # fmt: skip
    return sum((hard.answer_steps or 0.0) - (easy.answer_steps or 0.0) for easy, hard in ends) / len(ends)


def clock_model(context: StepContext) -> None:
    """Latency and memory of the handed-on model on this machine."""
    clock(context, checks(context.config))
