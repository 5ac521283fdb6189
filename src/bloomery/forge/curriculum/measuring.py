"""The consumer's view of a taught model: from disk, in its shipped form, beside the model that was given."""

import json
import time
from collections.abc import Mapping, Sequence
from math import isnan, nan
from typing import Any

from bloomery.core import machine
from bloomery.core.evidence import Measured
from bloomery.core.step import StepContext
from bloomery.forge.curriculum.claiming import rates_left, selection_rates
from bloomery.forge.curriculum.course import load_ladder
from bloomery.forge.curriculum.forgetting import forgetting, matrix_of
from bloomery.forge.curriculum.principles import left_of
from bloomery.forge.curriculum.staircase import reached
from bloomery.forge.curriculum.tutoring import rates_on_disk
from bloomery.forge.exams import exams, longest_prompt, mean_rate, record_by_difficulty
from bloomery.forge.fitting import set_threads
from bloomery.forge.folders import load_model
from bloomery.forge.judging import CLAIMS, LATENCY
from bloomery.forge.measuring import answer_latency_ms, as_measured, furthest, give_evidence, share
from bloomery.forge.quietstar.keeping import answer_thinking
from bloomery.forge.sitting import sit_folders
from bloomery.forge.stage import given
from bloomery.forge.stages.curriculum import (
    FORGOTTEN,
    FRONTIER,
    KEPT,
    OVER_UNIFORM,
    RESIDUAL,
    ROOM,
    RUNGS,
    SELF_COST,
    SELF_MODEL,
    TEMPERATURE,
    CurriculumStageConfig,
    checks,
)
from bloomery.tasks.intervals import wilson

Rates = Mapping[str, Sequence[float]]


def measure_taught(context: StepContext) -> None:
    """How far up the ladder the shipped model solves, and what it kept of what it could before."""
    set_threads(machine.threads())
    config: CurriculumStageConfig = context.config
    began, rungs = time.perf_counter(), load_ladder(context.inputs["ladder"])
    folders = {"taught": context.inputs["model"], "given": context.inputs[given("model")]}
    results = sit_folders(context, folders, config.mixture, config.exam, "test")
    again = sit_folders(context, {"taught": folders["taught"]}, config.mixture, config.exam, "selection")
    claims = json.loads(context.inputs["claims"].read_text())
    logs: dict[str, Any] = claims["logs"]
    rates = {name: rates_on_disk(folder, config, rungs) for name, folder in folders.items()}
    rates |= {name: logs[name]["rates"] for name in ("climb", "uniform") if name in logs}
    for name, result in results.items():
        record_by_difficulty(context, name, result)
        context.metric(f"test accuracy/{name}", mean_rate(result), 0)
    for name, found in rates.items():
        for place, rate in enumerate(found, start=1):
            context.metric(f"rung accuracy/{name}", rate, place)
    mean = {name: mean_rate(result) for name, result in results.items()}
    off = [abs(a - b) for a, b in zip(claims["rungs"], selection_rates(context), strict=True)]
    measured = {
        RUNGS: _gained(rates, config.staircase.target),
        KEPT: Measured(value=share(mean["taught"], mean["given"]), baseline=mean["given"]),
        CLAIMS: Measured(value=max(furthest(claims["scores"], again["taught"]), *off)),
        **{f"accuracy: {task}": as_measured(results["taught"][task]) for task in config.bars.accuracy},
        FORGOTTEN: _forgotten(context, logs),
        **_baked(context),
    }
    took = time.perf_counter() - began
    give_evidence(context, checks(config), measured, how=f"{__name__}.measure_taught", duration_s=took)
    for step, told in _logged(rates, logs, config).items():  # what only the step that did it could measure
        give_evidence(context, checks(config), told, how=f"{ROOM}.{step}, as it logged it", duration_s=0.0)
    answer_thinking(context, checks(config))


def _gained(rates: Rates, target: float) -> Measured:
    before, after = reached(rates["given"], target), reached(rates["taught"], target)
    return Measured(value=after - before, baseline=before)


def _forgotten(context: StepContext, logs: Mapping[str, Any]) -> Measured:
    """What the shipped model lost of the climb's best looks, beside a climb without replay and dreams."""
    bare = logs["unrehearsed"]["forgotten"] if "unrehearsed" in logs else None
    lost = forgetting(matrix_of(logs["climb"]["matrix"]), rates_left(context))
    return Measured(value=lost, baseline=bare)


def _baked(context: StepContext) -> dict[str, Measured]:
    """What the shipped model lacks of each prompt's effect on the model before the first bake."""
    wanted = context.config.principles
    folders = [context.inputs[name] for name in ("unbaked", "model")] if wanted.prompts else []
    left = [left_of(wanted.bake, one, *folders, seed=context.seed).ratio for one in wanted.prompts.values()]
    if not left:
        return {}
    return {RESIDUAL: Measured(value=nan if any(map(isnan, left)) else max(left))}


def _logged(
    rates: Rates, logs: Mapping[str, Any], config: CurriculumStageConfig
) -> dict[str, dict[str, Measured]]:
    """By the step that measured it: the climb beside uniform training, what the model knows of itself."""
    found = {}
    if "uniform" in logs:
        found["tutoring.train_evenly"] = _compared(rates, config)
    if "introspect" in logs:
        found["introspecting.introspect"] = _known(logs["introspect"], config)
    return found


def _compared(rates: Rates, config: CurriculumStageConfig) -> dict[str, Measured]:
    target = config.staircase.target
    ours, theirs = (reached(rates[name], target) for name in ("climb", "uniform"))
    frontier = min(reached(rates["given"], target), len(rates["given"]) - 1)
    peer = rates["uniform"][frontier]
    return {
        OVER_UNIFORM: Measured(value=ours / max(1, theirs), baseline=theirs),
        FRONTIER: Measured(value=rates["climb"][frontier] - peer, baseline=peer),
    }


def _known(log: Mapping[str, Any], config: CurriculumStageConfig) -> dict[str, Measured]:
    own, control = log["self-model"], log["control"]
    told, chance = log[log["kept"]]["temperature"], 1 / len(config.self_model.temperatures)
    interval = wilson(round(told * log["texts"]), log["texts"])
    best = log["best temperature"]
    return {
        SELF_MODEL: Measured(value=own["explained"] - control["explained"], baseline=control["explained"]),
        SELF_COST: Measured(value=own["accuracy"] - control["accuracy"], baseline=control["accuracy"]),
        TEMPERATURE: Measured(value=told, interval=interval, chance=chance, baseline=best),
    }


def clock_taught(context: StepContext) -> None:
    """Latency of the shipped model: reported, never decided on."""
    set_threads(machine.threads())
    config: CurriculumStageConfig = context.config
    longest, began = longest_prompt(exams(config.mixture, config.exam, "test")), time.perf_counter()
    found = {LATENCY: answer_latency_ms(*load_model(context.inputs["model"]), longest)}
    took = time.perf_counter() - began
    give_evidence(context, checks(config), found, how=f"{__name__}.clock_taught", duration_s=took)
