"""The consumer's view of a compressed model: from disk, beside what it was made from and the other branch."""

import time

from bloomery.core.evidence import Measured
from bloomery.core.step import StepContext
from bloomery.forge.folders import load_model
from bloomery.forge.measuring import (
    FLOAT32,
    as_measured,
    clock,
    count_parameters,
    give_evidence,
    share,
)
from bloomery.forge.quietstar.keeping import answer_thinking
from bloomery.forge.sitting import claims_missed_by, sit_test
from bloomery.forge.stage import given
from bloomery.forge.stages.compression import (
    CLAIMS,
    KEPT,
    KEPT_IN_ALL,
    OVER_RIVAL,
    SMALLER,
    CompressionStageConfig,
    checks,
)


def measure_compressed(context: StepContext) -> None:
    """How much accuracy and how many bytes are left, on examples that chose nothing."""
    config: CompressionStageConfig = context.config
    began = time.perf_counter()
    folders = {"compressed": context.inputs["model"], "other_branch": context.inputs["rival"],
               "ternary": context.inputs[given("model")], "full": context.inputs[given("full")]}  # fmt: skip
    sat = sit_test(context, folders)
    rate, size = sat.rate, sat.size_bytes
    full_size = FLOAT32 * count_parameters(load_model(folders["full"])[0])
    found = {
        KEPT: Measured(value=share(rate["compressed"], rate["ternary"]), baseline=rate["ternary"]),
        KEPT_IN_ALL: Measured(value=share(rate["compressed"], rate["full"]), baseline=rate["full"]),
        SMALLER: Measured(value=full_size / size["compressed"], baseline=size["compressed"]),
        CLAIMS: Measured(value=claims_missed_by(context, "choose")),
        OVER_RIVAL: Measured(value=rate["compressed"] - rate["other_branch"], baseline=rate["other_branch"]),
        **{f"accuracy: {task}": as_measured(result) for task, result in sat.results["compressed"].items()},
    }
    took = time.perf_counter() - began
    give_evidence(context, checks(config), found, how=f"{__name__}.measure_compressed", duration_s=took)
    answer_thinking(context, checks(config))


def clock_compressed(context: StepContext) -> None:
    """Latency of the compressed model on this machine."""
    clock(context, checks(context.config))
