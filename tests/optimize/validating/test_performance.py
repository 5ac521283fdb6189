"""What a comparison of times becomes as evidence; the comparison itself has tests of its own."""

import math

import pytest

from bloomery.core.errors import CapabilityMissing
from bloomery.core.evidence import State
from bloomery.optimize.timing import Comparison
from bloomery.optimize.validating.checks import performance as checks
from bloomery.optimize.validating.checks.performance import performance


def compared(ratio: float = 1.0, low: float = 0.9, **facts: object) -> Comparison:
    given = {
        "ratio": ratio, "interval": (low, ratio + 0.1), "faster": False, "slower": False, "smaller": False,
        "memory_ratio": 1.0, "memory_interval": (0.98, 1.02), "workload": "calls", "pairs": 40,
        "evidence": (),
    }  # fmt: skip
    return Comparison(**{**given, **facts})


@pytest.fixture
def judged(shop, monkeypatch):
    def by(found: Comparison, goal: str = "speed", level: str = "paranoid"):
        monkeypatch.setattr(checks, "_compared", lambda site: found)
        with shop.site(shop.edited("found + one", "one + found"), goal=goal, level=level) as site:
            answers = performance(site)
        return {one.evidence.check: one for one in answers}

    return by


def test_what_is_faster_has_its_ratio_and_its_interval(judged) -> None:
    found = judged(compared(2.0, 1.8, faster=True))["faster"]
    assert found.evidence.state is State.PASSED
    assert (found.evidence.measured, found.evidence.interval) == (2.0, (1.8, 2.1))


def test_a_ratio_whose_bound_does_not_exclude_no_gain_fails_with_that_bound(judged) -> None:
    found = judged(compared(1.2, 0.97))["faster"]
    assert found.evidence.state is State.FAILED
    assert found.evidence.measured == 0.97
    assert "it is 1.2 times as fast (between 0.97 and 1.3)" in found.mend


def test_a_sure_gain_that_is_too_small_to_be_called_one_is_no_pass(judged) -> None:
    found = judged(compared(1.03, 1.01))["faster"]
    assert found.evidence.state is State.NOT_RUN
    assert "less than what is called a gain" in found.evidence.reason


def test_a_slower_version_fails_from_level_strict_on_and_an_equal_one_passes(judged) -> None:
    slower = judged(compared(0.5, 0.4, slower=True), level="strict")
    assert slower["performance"].evidence.state is State.FAILED
    assert slower["performance"].evidence.required
    assert judged(compared(), level="strict")["performance"].evidence.state is State.PASSED
    assert "performance" not in judged(compared(), level="standard")


def test_memory_is_judged_by_its_own_interval(judged) -> None:
    found = judged(compared(memory_ratio=0.5, memory_interval=(0.4, 0.6)), goal="memory")
    assert found["memory"].evidence.state is found["smaller"].evidence.state is State.FAILED
    saved = judged(compared(smaller=True, memory_ratio=3.0, memory_interval=(2.9, 3.1)), goal="memory")
    assert saved["memory"].evidence.state is saved["smaller"].evidence.state is State.PASSED
    assert saved["smaller"].evidence.measured == 3.0


def test_what_could_not_be_timed_is_not_run_and_says_why(judged, shop, monkeypatch) -> None:
    lost = judged(compared(math.nan, math.nan, trouble="the original could not be timed: it waits"))
    assert {one.evidence.state for one in lost.values()} == {State.NOT_RUN}
    assert "it waits" in lost["faster"].evidence.reason

    def missing(site):
        raise CapabilityMissing("no call of what is changed is known")

    monkeypatch.setattr(checks, "_compared", missing)
    with shop.site(shop.edited("found + one", "one + found"), level="strict") as site:
        found = performance(site)
    assert {one.evidence.reason for one in found} == {"no call of what is changed is known"}


@pytest.mark.slow  # forty pairs of processes at most
def test_a_function_that_is_made_faster_is_found_to_be(shop) -> None:
    slow = "[p for p in prices if all(p <= q for q in prices)][0]"
    shop.commit(shop.edited("sorted(prices)[0]", slow))
    verdict = shop.validate(shop.edited(slow, "sorted(prices)[0]"), goal="speed")
    assert verdict.accepted
    assert verdict.of("faster").measured > 1
