"""The consumer's view of a champion: from disk, beside parents and rivals, on examples that chose nothing."""

import json
import time
from collections.abc import Mapping
from statistics import fmean
from typing import Any

from bloomery.core.config import build
from bloomery.core.evidence import Measured, not_run
from bloomery.core.step import StepContext
from bloomery.forge.evomerge.examining import Bench, bench_of
from bloomery.forge.evomerge.parents import examined
from bloomery.forge.exams import Part, mean_rate, record_by_difficulty
from bloomery.forge.judging import LATENCY, MEMORY
from bloomery.forge.measuring import as_measured, clock, furthest, give_evidence
from bloomery.forge.merging.recipe import MergeRecipe
from bloomery.forge.sitting import Results
from bloomery.forge.stage import given
from bloomery.forge.stages.cognate import NAMES as PARENTS
from bloomery.forge.stages.evomerge import EvomergeStageConfig, checks


def measure_champion(context: StepContext) -> None:
    """Every check of the gate, and how far the champion is above what it has to be compared with."""
    claims, began = json.loads(context.inputs["claims"].read_text()), time.perf_counter()
    rivals = {name: build(MergeRecipe, recipe) for name, recipe in claims["rivals"].items()}
    bench, champion = _bench(context, "test"), str(context.inputs["model"])
    parents = dict(zip(PARENTS, bench.parents, strict=True))
    results = examined(context, bench, {"champion": champion, **parents, **rivals})
    again = examined(context, _bench(context, "selection"), {"champion": champion})["champion"]
    for name, result in results.items():
        record_by_difficulty(context, name, result)
        context.metric(f"test accuracy/{name}", mean_rate(result), 0)
    found = _gains(results, list(rivals)) | {
        "claims measured again": Measured(value=furthest(claims["scores"]["champion"], again)),
        **{f"accuracy: {task}": as_measured(result) for task, result in results["champion"].items()},
    }
    took, cid = time.perf_counter() - began, context.inputs["model"].name
    told: dict[str, Any] = {"how": f"{__name__}.measure_champion", "inputs": [cid]}
    give_evidence(context, checks(context.config), found, how=told["how"], duration_s=took)
    for check in checks(context.config):
        if check.name not in (*found, LATENCY, MEMORY):
            context.evidence(not_run(check, "no parent answered anything right", **told))


def _bench(context: StepContext, part: Part) -> Bench:
    config: EvomergeStageConfig = context.config
    return bench_of(
        context.inputs, parents=PARENTS, mixture=config.mixture, exam=config.exam, part=part, name=given
    )


def _gains(results: Mapping[str, Results], rivals: list[str]) -> dict[str, Measured]:
    """The champion's mean accuracy against the parents' best and mean, and against each rival's."""
    rate = {name: mean_rate(result) for name, result in results.items()}
    best, mean = max(rate[name] for name in PARENTS), fmean(rate[name] for name in PARENTS)
    over = {"the best parent": best} | {name: rate[name] for name in rivals}
    gains = {
        f"over {name}": Measured(value=rate["champion"] - base, baseline=base) for name, base in over.items()
    }
    if mean > 0.0:  # a share of nothing is no number
        gains["over the mean parent"] = Measured(value=rate["champion"] / mean - 1, baseline=mean)
    return gains


def clock_champion(context: StepContext) -> None:
    """Latency and memory of the champion on this machine."""
    clock(context, checks(context.config))
