"""What is faster is found faster, what is not is not, and who answers otherwise while timed is caught."""

from pathlib import Path

import pytest

from bloomery.core.errors import UserError
from bloomery.core.evidence import State
from bloomery.optimize.timing import Call, Comparison, Workload, compare

SLOW = (
    "def total(xs: list[int]) -> int:\n    out = 0\n    for x in xs:\n        out = out + x\n    return out\n"
)
FAST = "def total(xs: list[int]) -> int:\n    return sum(xs)\n"
LONG = Workload("total", (Call("total", (("", "list(range(40_000))"),)),))


def compared(folder: Path, original: str, candidate: str, *, trials: int = 8) -> Comparison:
    (folder / "m.py").write_text(original)
    return compare(folder, "m.py", {"m.py": candidate}, LONG, trials=trials)


def states(found: Comparison) -> dict[str, State]:
    return {one.check: one.state for one in found.evidence}


def test_a_candidate_that_answers_otherwise_while_it_is_timed_is_caught(tmp_path: Path) -> None:
    """It is right when its module is asked alone, and empty-handed beside the timer."""
    cheat = "import sys\n" + SLOW.replace("    out = 0\n", "    out = 0\n    xs = xs if not TIMED else []\n")
    cheat = cheat.replace("def total", "TIMED = 'timed' in sys.argv[0]\n\n\ndef total")
    found = compared(tmp_path, SLOW, cheat)
    assert not found.faster
    assert states(found)["timing.results"] is State.FAILED
    assert states(found)["timing.sure"] is State.NOT_RUN


def test_a_candidate_without_an_end_is_slower_and_not_timed(tmp_path: Path) -> None:
    endless = "def total(xs: list[int]) -> int:\n    while xs:\n        pass\n    return 0\n"
    found = compared(tmp_path, SLOW, endless)
    assert found.slower
    assert not found.faster
    assert set(states(found).values()) == {State.NOT_RUN}


def test_an_original_that_cannot_be_imported_is_not_timed(tmp_path: Path) -> None:
    found = compared(tmp_path, "import no_such_module\n", FAST)
    assert "no_such_module" in found.trouble
    assert not found.faster
    assert set(states(found).values()) == {State.NOT_RUN}


def test_results_that_differ_from_process_to_process_are_no_fault_of_the_candidate(tmp_path: Path) -> None:
    where = "import os\n\n\ndef total(xs: list[int]) -> str:\n    return f'{sum(xs)} {os.getcwd()}'\n"
    found = compared(tmp_path, where, where)
    assert states(found)["timing.results"] is State.NOT_RUN
    assert not found.faster


def test_too_few_trials_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="at least 8 trials"):
        compared(tmp_path, SLOW, FAST, trials=7)


@pytest.mark.slow
def test_a_faster_candidate_is_found_faster_and_the_other_way_round_slower(tmp_path: Path) -> None:
    found = compared(tmp_path, SLOW, FAST)
    assert found.faster
    assert found.interval[0] > 1
    back = compared(tmp_path, FAST, SLOW)
    assert back.slower
    assert not back.faster


@pytest.mark.slow
def test_a_cache_that_helps_from_the_second_equal_call_on_is_not_faster(tmp_path: Path) -> None:
    cache = (
        "KNOWN = {}\n\n\ndef total(xs: list[int]) -> int:\n    key = len(xs), xs[-1]\n"
        "    if key not in KNOWN:\n        KNOWN[key] = _total(xs)\n    return KNOWN[key]\n\n\n"
    ) + SLOW.replace("def total", "def _total")
    found = compared(tmp_path, SLOW, cache)
    assert found.warm_ratio > 10
    assert not found.faster


@pytest.mark.slow
def test_a_candidate_that_holds_less_at_once_is_smaller(tmp_path: Path) -> None:
    lists = "def total(xs: list[int]) -> int:\n    return sum([x * 3 for x in xs])\n"
    lazy = "def total(xs: list[int]) -> int:\n    return sum(x * 3 for x in xs)\n"
    found = compared(tmp_path, lists, lazy)
    assert found.smaller
    assert found.memory_ratio > 10
    assert not compared(tmp_path, lazy, lazy).smaller
