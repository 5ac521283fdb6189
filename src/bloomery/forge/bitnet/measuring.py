"""The consumer's view of a packed model: from disk, beside the model that it was made from."""

import time

from bloomery.core import machine
from bloomery.core.evidence import Measured
from bloomery.core.step import StepContext
from bloomery.forge.exams import exams, longest_prompt
from bloomery.forge.fitting import set_threads
from bloomery.forge.folders import load_model
from bloomery.forge.measuring import (
    FLOAT32,
    answer_latency_ms,
    as_measured,
    count_parameters,
    give_evidence,
    share,
)
from bloomery.forge.quietstar.keeping import answer_thinking
from bloomery.forge.sitting import claims_missed_by, sit_test
from bloomery.forge.stage import given
from bloomery.forge.stages.bitnet import (
    CLAIMS,
    FASTER,
    KEPT,
    LATENCY,
    OVER_ROUNDING,
    SMALLER,
    BitnetStageConfig,
    checks,
)


def measure_packed(context: StepContext) -> None:
    """How much accuracy and how many bytes are left, on examples that chose nothing."""
    config: BitnetStageConfig = context.config
    began = time.perf_counter()
    folders = {"packed": context.inputs["model"], "rounded": context.inputs["rounded"],
               "full": context.inputs[given("model")]}  # fmt: skip
    sat = sit_test(context, folders)
    rate, size = sat.rate, sat.size_bytes
    full_size = FLOAT32 * count_parameters(load_model(folders["full"])[0])
    found = {
        KEPT: Measured(value=share(rate["packed"], rate["full"]), baseline=rate["full"]),
        SMALLER: Measured(value=full_size / size["packed"], baseline=size["packed"]),
        CLAIMS: Measured(value=claims_missed_by(context, "pack")),
        OVER_ROUNDING: Measured(value=rate["packed"] - rate["rounded"], baseline=rate["rounded"]),
        **{f"accuracy: {task}": as_measured(result) for task, result in sat.results["packed"].items()},
    }
    took = time.perf_counter() - began
    give_evidence(context, checks(config), found, how=f"{__name__}.measure_packed", duration_s=took)
    answer_thinking(context, checks(config))


def clock_packed(context: StepContext) -> None:
    """Latency of the packed model and of the one it was made from: reported, never decided on."""
    set_threads(machine.threads())
    config: BitnetStageConfig = context.config
    longest, began = longest_prompt(exams(config.mixture, config.exam, "test")), time.perf_counter()
    packed, full = (
        answer_latency_ms(*load_model(context.inputs[name]), longest) for name in ("model", given("model"))
    )
    found = {LATENCY: packed, FASTER: Measured(value=full.value / packed.value, baseline=full.value)}
    took = time.perf_counter() - began
    give_evidence(context, checks(config), found, how=f"{__name__}.clock_packed", duration_s=took)
