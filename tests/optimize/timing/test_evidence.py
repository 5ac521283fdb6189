"""A ratio alone is no claim: the answers, the clock on the wall, resident memory and the import count too."""

import math
from dataclasses import replace

from bloomery.core.evidence import State
from bloomery.optimize.timing.comparing import pace_of
from bloomery.optimize.timing.deciding import Estimate
from bloomery.optimize.timing.evidence import CHECKS, Judgement, Said, judged
from bloomery.optimize.timing.running import Sample

MIB = 2**20
TWICE = Estimate(2.0, 1.8, 2.2, 10)
EQUAL = Estimate(1.0, 0.98, 1.02, 10)
USUAL = Judgement(
    found=True, cold=TWICE, warm=TWICE, memory=EQUAL, wall=1.9, resident=(30 * MIB, 30 * MIB), import_ms=0.1,
    compared=10, different=0, unstable=0, trouble="", clock="processor", workload="w", duration_s=1.0,
)  # fmt: skip


def state(said: Said, check: str) -> State:
    return next(one.state for one in said.evidence if one.check == check)


def test_twice_as_fast_in_every_way_is_faster_and_not_smaller() -> None:
    said = judged(USUAL)
    assert (said.faster, said.smaller, said.trouble) == (True, False, "")
    assert [one.check for one in said.evidence] == [one.name for one in CHECKS]


def test_a_gain_only_in_later_executions_or_only_in_the_first_is_none() -> None:
    assert not judged(replace(USUAL, cold=EQUAL)).faster
    assert not judged(replace(USUAL, warm=EQUAL)).faster


def test_a_gain_below_the_least_that_matters_is_none_however_sure() -> None:
    said = judged(replace(USUAL, cold=Estimate(1.04, 1.03, 1.05, 40)))
    assert not said.faster
    assert state(said, "timing.sure") is State.PASSED


def test_work_done_in_other_threads_shows_on_the_wall() -> None:
    tenfold = Estimate(100.0, 90.0, 110.0, 10)
    said = judged(replace(USUAL, cold=tenfold, warm=tenfold, wall=1.1))
    assert not said.faster
    assert "elsewhere" in said.trouble
    assert judged(replace(USUAL, cold=tenfold, warm=tenfold, wall=1.1, clock="wall")).faster


def test_a_busy_machine_blurs_the_wall_and_not_the_claim() -> None:
    assert judged(replace(USUAL, wall=1.3)).faster


def test_other_results_while_timed_are_no_gain() -> None:
    said = judged(replace(USUAL, different=1))
    assert not said.faster
    assert state(said, "timing.results") is State.FAILED
    assert state(said, "timing.gain") is State.NOT_RUN


def test_an_original_that_always_disagrees_with_itself_cannot_be_compared() -> None:
    said = judged(replace(USUAL, unstable=10))
    assert not said.faster
    assert state(said, "timing.results") is State.NOT_RUN


def test_memory_that_python_does_not_count_is_seen_in_pages() -> None:
    smaller = replace(USUAL, memory=TWICE)
    assert judged(smaller).smaller
    grown = judged(replace(smaller, resident=(30 * MIB, 60 * MIB)))
    assert not grown.smaller
    assert grown.faster
    assert state(grown, "memory.gain") is State.NOT_RUN


def test_work_moved_to_the_import_is_told() -> None:
    assert state(judged(replace(USUAL, import_ms=80.0)), "timing.import") is State.FAILED
    assert state(judged(USUAL), "timing.import") is State.PASSED


def test_short_executions_are_repeated_and_long_ones_are_not() -> None:
    def pace(ns: float) -> tuple[int, int, int]:
        found = pace_of(Sample(cold=ns, warm=ns, cold_wall=ns, warm_wall=ns))
        return found.cold, found.warm, found.loops

    assert pace(1e3) == (6, 7, 500)
    assert pace(5e6) == (6, 6, 1)
    assert pace(2e9) == (1, 0, 1)


def test_nothing_measured_claims_nothing() -> None:
    nothing = Estimate(math.nan, math.nan, math.nan, 0)
    said = judged(
        replace(USUAL, found=False, cold=nothing, warm=nothing, memory=nothing, wall=math.nan, compared=0)
    )
    assert {one.state for one in said.evidence} == {State.NOT_RUN}
