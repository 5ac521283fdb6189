"""What a comparison of times becomes as evidence; the comparison itself has tests of its own."""

import math

import pytest

from bloomery.core.errors import CapabilityMissing
from bloomery.core.evidence import State
from bloomery.optimize import timing
from bloomery.optimize.timing import ERROR, Call, Comparison, Workload
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
    def by(*found: Comparison, goal: str = "speed", level: str = "paranoid"):
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


SLOW = compared(0.5, 0.4, slower=True, workload="total (1 call, recorded)")
FAST = compared(2.0, 1.8, faster=True, workload="cheapest (1 call, recorded)")


def test_what_is_faster_on_one_workload_and_slower_on_another_is_refused(judged) -> None:
    """Each comparison by itself would have decided otherwise."""
    found = judged(FAST, SLOW)
    assert found["faster"].evidence.state is found["performance"].evidence.state is State.FAILED
    assert found["faster"].evidence.measured == 0.4
    assert found["faster"].mend.startswith("on total (1 call, recorded) it is 0.5 times as fast")
    alone = judged(FAST)
    assert alone["faster"].evidence.state is alone["performance"].evidence.state is State.PASSED


def test_one_proven_gain_is_enough_where_nothing_is_slower_and_every_workload_is_named(judged) -> None:
    found = judged(compared(1.01, 0.99, workload="total (2 calls, written)"), FAST)["faster"]
    assert found.evidence.state is State.PASSED
    assert found.evidence.measured == 2.0
    assert "total (2 calls, written): 1.01 times as fast" in found.evidence.how
    assert "cheapest (1 call, recorded): 2 times as fast" in found.evidence.how


def test_how_much_faster_it_is_says_the_least_gain_and_not_the_first(judged) -> None:
    large = compared(9.0, 8.5, faster=True, workload="total (1 call, generated, size 800)")
    least = compared(3.0, 1.1, faster=True, workload="total (1 call, generated, size 8)")
    for found in (judged(large, least, FAST), judged(least, large, FAST)):
        assert (found["faster"].evidence.measured, found["faster"].evidence.interval) == (3.0, (1.1, 3.1))
    saved = [compared(smaller=True, memory_ratio=9.0 - at, memory_interval=(4.0 - at, 10.0)) for at in (0, 2)]
    assert judged(*saved, goal="memory")["smaller"].evidence.interval == (2.0, 10.0)


def test_a_workload_that_the_original_cannot_do_is_left_out_and_one_with_other_results_decides(
    judged,
) -> None:
    nothing = {"ratio": math.nan, "low": math.nan}
    untimed = compared(**nothing, trouble="the original could not be timed: it waits", untimed=True)
    assert judged(FAST, untimed)["faster"].evidence.state is State.PASSED
    other = compared(**nothing, trouble="a timed execution gave another result than the original's")
    assert judged(FAST, other)["faster"].evidence.state is State.NOT_RUN


@pytest.fixture
def timed(shop, monkeypatch):
    """Which files and workloads are compared, and how often each may be wrong."""
    seen = []

    def workloads(root, path, texts, *, recorded, **_):
        seen.append(("recorded", recorded.trouble))
        return [Workload(name, (Call(name),)) for name in ("total", "cheapest", "total", "total")]

    def compare(root, path, texts, workload, *, seed, error):
        seen.append((path, workload.name, error))
        return compared()

    monkeypatch.setattr(timing, "workloads", workloads)
    monkeypatch.setattr(timing, "compare", compare)

    def by(texts):
        with shop.site(texts, level="basic", goal="speed") as site:
            performance(site)
        return seen

    return by


def test_each_function_is_timed_and_the_chance_of_a_wrong_claim_is_shared(shop, timed) -> None:
    first, *compared_ = timed(shop.edited("found + one", "one + found"))
    assert first == ("recorded", "tests are not run at level basic")
    assert [name for _, name, _ in compared_] == ["total", "cheapest", "total"]
    assert sum(error for *_, error in compared_) == pytest.approx(ERROR)


def test_every_file_with_other_code_is_timed(shop, timed) -> None:
    names = [f"src/shop/m{at}.py" for at in range(5)]
    shop.commit(dict.fromkeys(names, "def total(): return 1\n"))
    texts = dict.fromkeys(names[:4], "def total(): return 2\n")
    texts[names[4]] = "# the same\ndef total(): return 1\n"
    compared_ = [one for one in timed(texts | {"src/shop/new.py": "x = 1\n"}) if one[0] != "recorded"]
    assert [path for path, *_ in compared_] == names[:4]
    assert {error for *_, error in compared_} == {ERROR / 4}


@pytest.mark.slow  # forty pairs of processes at most
def test_a_function_that_is_made_faster_is_found_to_be(shop) -> None:
    slow = "[p for p in prices if all(p <= q for q in prices)][0]"
    shop.commit(shop.edited("sorted(prices)[0]", slow))
    verdict = shop.validate(shop.edited(slow, "sorted(prices)[0]"), goal="speed")
    assert verdict.accepted
    assert verdict.of("faster").measured > 1


@pytest.mark.slow  # two comparisons
def test_a_change_that_helps_one_function_and_slows_another_is_refused(shop) -> None:
    slow = "[p for p in prices if all(p <= q for q in prices)][0]"
    shop.commit(shop.edited("sorted(prices)[0]", slow))
    ((path, text),) = shop.edited(slow, "sorted(prices)[0]").items()
    again = "sum(prices[at : at + 1][0] for at in range(len(prices)))"
    worse = text.replace("    return found\n", f"    return {again}\n")
    verdict = shop.validate({path: worse}, goal="speed")
    assert verdict.of("faster").state is State.FAILED
    assert "total" in verdict.suggestions["faster"]
    assert "cheapest" in verdict.of("faster").how


def test_an_interval_without_an_end_is_told_as_none(judged) -> None:
    found = judged(compared(1.2, 0.0, interval=(0.0, math.inf)))["faster"]
    assert found.evidence.state is State.FAILED
    assert found.evidence.interval is None
