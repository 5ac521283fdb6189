"""A comparison as evidence: the least that matters, and what has to hold beside a ratio."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from bloomery.core.evidence import Bar, Check, Evidence, Measured, judge, not_run
from bloomery.optimize.timing.deciding import Estimate

LEAST_GAIN = 1.05
"""The least ratio of times that is called a gain."""
LEAST_SAVED = 1.05
"""The least ratio of peaks of memory that is called a gain."""
MIB = 2**20

RESULTS = Check(
    name="timing.results",
    bar=Bar(op="==", value=0),
    unit="pairs",
    meaning="pairs of processes in which a timed execution gave another result than the original's",
)
GAIN = Check(
    name="timing.gain",
    bar=Bar(op=">=", value=LEAST_GAIN),
    unit="times",
    meaning="median ratio of the original's time to the candidate's, in the first execution or later ones",
)
SURE = Check(
    name="timing.sure",
    bar=Bar(op=">", value=1),
    unit="times",
    meaning="lower one-sided 99.5 % bound of that ratio",
)
SAVED = Check(
    name="memory.gain",
    bar=Bar(op=">=", value=LEAST_SAVED),
    unit="times",
    meaning="median ratio of the peaks of Python's allocations",
    required=False,
)
SURELY_SAVED = Check(
    name="memory.sure",
    bar=Bar(op=">", value=1),
    unit="times",
    meaning="lower one-sided 99.5 % bound of that ratio",
    required=False,
)
IMPORT = Check(
    name="timing.import",
    bar=Bar(op="<=", value=5),
    unit="ms",
    meaning="how much longer the module's import takes: work can be moved there, where nothing times it",
    required=False,
)
CHECKS = (RESULTS, GAIN, SURE, SAVED, SURELY_SAVED, IMPORT)


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """Everything that was measured, before it is judged."""

    found: bool
    cold: Estimate
    warm: Estimate
    memory: Estimate
    wall: float
    resident: tuple[float, float]
    import_ms: float
    compared: int
    different: int
    unstable: int
    trouble: str
    clock: str
    workload: str
    duration_s: float


@dataclass(frozen=True)
class Said:
    faster: bool
    smaller: bool
    trouble: str
    evidence: tuple[Evidence, ...]


def judged(seen: Judgement) -> Said:
    evidence = tuple(_evidence(seen))
    passed = {one.check for one in evidence if one.state == "passed"}
    return Said(
        faster={RESULTS.name, GAIN.name, SURE.name} <= passed,
        smaller={RESULTS.name, SAVED.name, SURELY_SAVED.name} <= passed,
        trouble=_trouble(seen) or _elsewhere(seen),
        evidence=evidence,
    )


def _trouble(seen: Judgement) -> str:
    if seen.different:
        return "a timed execution gave another result than the original's"
    return seen.trouble or ("" if seen.found else "nothing was timed")


def _elsewhere(seen: Judgement) -> str:
    """Whether processor time was saved that on the wall was not: it went to other threads or processes."""
    gain = seen.warm.ratio
    if seen.clock == "processor" and gain > 1 and seen.wall < 0.8 * math.sqrt(gain):
        return (
            f"its thread takes {gain:.3g} times less processor time, on the wall it is {seen.wall:.3g}"
            " times less: the work is done elsewhere"
        )
    return ""


def _evidence(seen: Judgement) -> Iterator[Evidence]:
    how = f"{seen.compared} pairs of fresh processes, {seen.clock} time, {seen.workload}"
    if seen.different or seen.compared > seen.unstable:
        yield judge(RESULTS, seen.different, how=how, duration_s=seen.duration_s)
    else:
        why = _trouble(seen) or "the original disagrees with itself in every pair"
        yield not_run(RESULTS, why, how=how)
    time_ = min(seen.cold, seen.warm, key=lambda one: one.ratio)
    away = _trouble(seen) or _elsewhere(seen)
    yield from _both(GAIN, SURE, time_, away, how)
    before, after = seen.resident
    grown = (
        f"its resident memory grows from {before / MIB:.1f} to {after / MIB:.1f} MiB"
        if after > 1.1 * before + MIB
        else ""
    )
    yield from _both(SAVED, SURELY_SAVED, seen.memory, _trouble(seen) or grown, how)
    if _trouble(seen):
        yield not_run(IMPORT, _trouble(seen), how=how)
    else:
        yield judge(IMPORT, seen.import_ms, how=how, duration_s=0.0)


def _both(gain: Check, sure: Check, found: Estimate, why: str, how: str) -> Iterator[Evidence]:
    if why:
        yield not_run(gain, why, how=how)
        yield not_run(sure, why, how=how)
        return
    measured = Measured(value=found.ratio, interval=found.interval, baseline=1.0)
    yield judge(gain, measured, how=how, duration_s=0.0)
    yield judge(sure, Measured(value=found.low, baseline=1.0), how=how, duration_s=0.0)
