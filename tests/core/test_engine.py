import asyncio
import math
import os
import sys
import threading
import time
from importlib.util import find_spec

import pytest

from bloomery.core import engine
from bloomery.core.engine import Outcome, values_of
from bloomery.core.errors import CapabilityMissing, Failure, UnknownName

RAY = pytest.param(
    "ray",
    marks=[pytest.mark.slow, pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed")],
)
ENGINES = ["inline", "processes", RAY]
APART = ["processes", RAY]


@pytest.fixture(scope="module", autouse=True)
def _close_ray():
    yield
    if "ray" in sys.modules:
        sys.modules["ray"].shutdown()


def work():
    """A candidate's function, made here so that it travels by value wherever the tests are imported from."""

    class Breaks:
        def __reduce__(self):
            return int, ("no number",)

    def function(candidate):
        match candidate:
            case "raise":
                raise ValueError(f"bad {candidate}")
            case "exit":
                raise SystemExit(0)
            case "die":
                os._exit(0)
            case "unpicklable":
                return threading.Lock()
            case "threads":
                return os.environ.get("OMP_NUM_THREADS")
            case "pid":
                return os.getpid()
            case "cancelled":
                raise asyncio.CancelledError("no Exception, and none of ours")
            case "breaks when read":
                return Breaks()
        return [math.sin(candidate), {"candidate": candidate}]

    return function


@pytest.mark.parametrize("name", ENGINES)
def test_outcomes_come_in_the_order_of_the_candidates(name):
    def sleeps(delay_s):
        time.sleep(delay_s)
        return delay_s

    outcomes = engine.map(sleeps, {"slow": 0.2, "quick": 0.0, "middle": 0.05}, engine=name, workers=2)
    assert [(o.name, o.value, o.error) for o in outcomes] == [
        ("slow", 0.2, None),
        ("quick", 0.0, None),
        ("middle", 0.05, None),
    ]
    assert outcomes[0].duration_s >= 0.2


@pytest.mark.parametrize("name", APART)
def test_all_engines_give_the_same_results(name):
    candidates = {f"c{i}": i / 7 for i in range(7)} | {"bad": "raise", "gone": "exit", "odd": "unpicklable"}
    here = engine.map(work(), candidates, engine="inline")
    there = engine.map(work(), candidates, engine=name, workers=2)
    assert [(o.name, o.value, o.error) for o in there] == [(o.name, o.value, o.error) for o in here]


@pytest.mark.parametrize("name", ENGINES)
def test_an_exception_names_its_candidate_and_loses_nothing(name):
    outcomes = engine.map(work(), {"a": 1.0, "b": "raise", "c": 2.0}, engine=name, workers=2)
    assert [o.value for o in outcomes] == [
        [math.sin(1.0), {"candidate": 1.0}],
        None,
        [math.sin(2.0), {"candidate": 2.0}],
    ]
    error = outcomes[1].error
    assert error.startswith("candidate 'b' raised ValueError: bad raise\nTraceback")
    assert "in function" in error


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize(
    ("odd", "raised"), [("cancelled", "CancelledError"), ("breaks when read", "ValueError")]
)
def test_what_is_raised_on_the_way_back_or_beside_exceptions_loses_nothing_either(name, odd, raised):
    outcomes = engine.map(work(), {"a": 1.0, "b": odd, "c": 2.0}, engine=name, workers=2)
    assert [o.error is None for o in outcomes] == [True, False, True]
    assert outcomes[1].error.startswith(f"candidate 'b' raised {raised}")


@pytest.mark.parametrize("name", APART)
def test_a_dying_worker_is_its_candidates_failure_and_loses_nothing(name):
    candidates = {f"c{i}": float(i) for i in range(6)}
    candidates = {"first": "die"} | candidates | {"last": "die"}
    outcomes = engine.map(work(), candidates, engine=name, workers=2)
    assert [o.name for o in outcomes] == list(candidates)
    assert [o.value[0] for o in outcomes[1:-1]] == [math.sin(i) for i in range(6)]
    for outcome in (outcomes[0], outcomes[-1]):
        assert outcome.value is None
        assert outcome.error.startswith(f"candidate '{outcome.name}': its process died")


@pytest.mark.parametrize("name", ENGINES)
def test_a_candidate_that_cannot_be_pickled_fails_alone(name):
    outcomes = engine.map(work(), {"a": 1.0, "lock": threading.Lock()}, engine=name, workers=2)
    assert outcomes[0].error is None
    assert outcomes[1].error.startswith("candidate 'lock' raised TypeError")


@pytest.mark.parametrize("name", APART)
def test_workers_are_other_processes_with_one_thread(name, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    threads, pid = engine.map(work(), {"a": "threads", "b": "pid"}, engine=name, workers=2)
    assert threads.value == "1"
    assert pid.value != os.getpid()


@pytest.mark.parametrize("name", ENGINES)
def test_a_candidate_cannot_change_what_the_caller_holds(name):
    def spoils(candidate):
        candidate.append(1)
        return candidate

    mine: list[int] = []
    (outcome,) = engine.map(spoils, {"a": mine}, engine=name, workers=1)
    assert (outcome.value, mine) == ([1], [])


@pytest.mark.parametrize("name", ENGINES)
def test_progress_counts_every_candidate_once(name):
    seen = []
    candidates = {"a": 1.0, "b": "raise", "c": threading.Lock()}
    engine.map(work(), candidates, engine=name, workers=2, progress=lambda *event: seen.append(event))
    assert [(done, total) for done, total, _ in seen] == [(1, 3), (2, 3), (3, 3)]
    assert sorted(name for _, _, name in seen) == ["a", "b", "c"]


@pytest.mark.parametrize("name", ENGINES)
def test_no_candidates_give_no_outcomes(name):
    assert engine.map(work(), {}, engine=name) == []


def test_an_unknown_engine_names_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'processes'"):
        engine.map(work(), {"a": 1.0}, engine="process")


def test_a_missing_ray_says_how_to_install_it(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(engine, "import_module", missing)
    with pytest.raises(CapabilityMissing, match=r"bloomery\[ray\]"):
        engine.map(work(), {"a": 1.0}, engine="ray")


def test_values_are_by_name_and_every_failed_candidate_is_named():
    good = [Outcome("a", 0, None, 1.0), Outcome("b", None, None, 1.0)]
    assert values_of(good, "be examined") == {"a": 0, "b": None}
    bad = [*good, Outcome("c", None, "it broke", 1.0), Outcome("d", None, "so did it", 1.0)]
    with pytest.raises(Failure, match=r"^c could not run: it broke; d could not run: so did it$"):
        values_of(bad, "run")
