"""The consumer's view of a model that thinks: from disk, on examples that chose nothing."""

import json
import statistics
import time
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from statistics import fmean

from bloomery.core import machine
from bloomery.core.evidence import Measured
from bloomery.core.step import StepContext
from bloomery.forge.exams import exams, longest_prompt, mean_rate, record_by_difficulty
from bloomery.forge.fitting import set_threads
from bloomery.forge.folders import load_model
from bloomery.forge.judging import CLAIMS
from bloomery.forge.measuring import furthest, give_evidence, share
from bloomery.forge.quietstar.conditions import CONDITIONS, Condition
from bloomery.forge.quietstar.examining import Thinking, examine_folders, think, under
from bloomery.forge.quietstar.teaching import JUDGED
from bloomery.forge.sitting import sit_folders
from bloomery.forge.stage import given
from bloomery.forge.stages.quietstar import (
    AGREED,
    ENDED,
    KEPT,
    LATENCY,
    LENGTH,
    LIKELY,
    OVER,
    QuietstarStageConfig,
    checks,
)
from bloomery.tasks.intervals import paired_difference
from bloomery.tasks.tokenizer import begin, encode

REPEATS = 5


def measure_thinking(context: StepContext) -> None:
    """Whether thinking is worth it, and whether the model still answers without."""
    config: QuietstarStageConfig = context.config
    began, model = time.perf_counter(), {"model": context.inputs["model"]}
    direct = sit_folders(
        context, model | {"given": context.inputs[given("model")]}, config.mixture, config.exam, "test"
    )
    examined = partial(
        examine_folders, context, model, config.thought_about(), config.exam, tokens=config.thoughts.tokens
    )
    test, again = examined("test")["model"], examined("selection")["model"]
    _record(context, test)
    rate = {name: mean_rate(results) for name, results in direct.items()}
    found = {
        KEPT: Measured(value=share(rate["model"], rate["given"]), baseline=rate["given"]),
        CLAIMS: Measured(value=_broken_claims(context, again)),
        **{OVER[name]: worth(test, name) for name in CONDITIONS if name in OVER},
        **_coherence(test),
    }
    took = time.perf_counter() - began
    give_evidence(context, checks(config), found, how=f"{__name__}.measure_thinking", duration_s=took)


def worth(results: Mapping[str, Thinking], rival: Condition) -> Measured:
    """The lower end of the interval of what own thoughts are worth over `rival`, all tasks' pairs together.

    The gate asks it of each rival by itself and opens only if all agree, so that no correction is due.
    """
    own, other = ([hit for one in results.values() for hit in one.right[name]] for name in ("own", rival))
    low, high = paired_difference(own, other)
    return Measured(value=low, interval=(low, high), baseline=fmean(other))


def _broken_claims(context: StepContext, again: Mapping[str, Thinking]) -> float:
    claims = json.loads(context.inputs["claims"].read_text())
    claimed = claims["scores"][claims["best"]]
    return max(furthest(claimed[condition], under(condition, again)) for condition in JUDGED)


def _coherence(results: Mapping[str, Thinking]) -> dict[str, Measured]:
    found = [one.coherence for one in results.values()]
    return {
        ENDED: Measured(value=fmean(one.ended for one in found)),
        AGREED: Measured(value=fmean(one.agreed for one in found)),
        LIKELY: Measured(value=fmean(one.likely for one in found)),
        LENGTH: Measured(value=fmean(one.tokens for one in results.values())),
    }


def _record(context: StepContext, results: Mapping[str, Thinking]) -> None:
    """Curves by condition, and the scores of each task's thoughts."""
    for condition in CONDITIONS:
        record_by_difficulty(context, condition, under(condition, results))
    for task, one in results.items():
        for name, value in {**asdict(one.coherence), "tokens": one.tokens}.items():
            context.metric(f"thoughts/{name}/{task}", value, 0)


def clock_thinking(context: StepContext) -> None:
    """The time that a thought takes: reported, never decided on."""
    set_threads(machine.threads())
    config: QuietstarStageConfig = context.config
    model, tokenizer = load_model(context.inputs["model"])
    prompt = longest_prompt(exams(config.thought_about(), config.exam, "test"))
    ids, began, times = begin(tokenizer) + encode(tokenizer, prompt), time.perf_counter(), []
    for _ in range(REPEATS + 1):
        started = time.perf_counter()
        think(model, tokenizer, [ids], tokens=config.thoughts.tokens)
        times.append((time.perf_counter() - started) * 1e3)
    kept = sorted(times[1:])  # the first one warms up
    found = {LATENCY: Measured(value=statistics.median(kept), interval=(kept[0], kept[-1]))}
    took = time.perf_counter() - began
    give_evidence(context, checks(config), found, how=f"{__name__}.clock_thinking", duration_s=took)
