"""The process that measures: what a fork may take is its own time, not that of a busy machine."""

import importlib.util
import time
from pathlib import Path

import pytest

from bloomery.optimize import equivalence, timing

INSIDE = Path(timing.__file__).parent / "inside" / "timed.py"
BESIDE = Path(equivalence.__file__).parent / "inside"  # what is laid beside it


@pytest.fixture
def timed(monkeypatch):
    monkeypatch.syspath_prepend(BESIDE)
    spec = importlib.util.spec_from_file_location("timed_for_tests", INSIDE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def slept() -> dict:
    time.sleep(0.6)
    return {"told": 1}


def test_a_fork_that_sleeps_or_runs_too_long_is_ended(timed) -> None:
    def runs() -> dict:
        while True:
            pass

    for work in (slept, runs):
        seen = timed.forked(work, 0.2)
        assert (seen["trouble"], seen["own_s"] >= 0.2) == ("more than 0.2 s", True)
    assert timed.forked(slept, 60)["told"] == 1


def test_what_a_fork_waits_for_a_processor_is_not_its_own_time(timed, monkeypatch) -> None:
    began = time.monotonic()
    monkeypatch.setattr(timed, "_kept_waiting_s", lambda child: 0.9 * (time.monotonic() - began))
    seen = timed.forked(slept, 0.3)
    assert seen["told"] == 1
    assert seen["own_s"] < 0.3


def test_the_system_says_how_long_a_process_waited(timed) -> None:
    waited = timed._kept_waiting_s(1)
    assert 0 <= waited < time.clock_gettime(time.CLOCK_BOOTTIME)
    assert timed._kept_waiting_s(2**30) == 0.0
