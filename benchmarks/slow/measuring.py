"""What a case is timed on, and light measurements in one process, which claim nothing.

They are interleaved, so that a slow moment of the machine meets all alike.
"""

import copy
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.slow.corpus import Case
from bloomery.optimize.timing import LEAST_GAIN, Call, Workload

__all__ = ["LEAST_GAIN", "interleaved", "loaded", "outcome", "ratio", "seconds", "workload_of"]

ROUNDS = (5, 15)
TIME_S = 0.25  # for all rounds of one comparison, beyond the fewest
LEAST_S = 0.0005  # a shorter call is repeated within a round
REPEATS = 200

Run = Callable[..., Any]


def workload_of(case: Case) -> Workload:
    """The large input of a case, every argument as an expression."""
    given = case.large()
    texts = [repr(value) for value in given]
    if tuple(map(eval, texts)) != given:
        raise ValueError(f"{case.name}: an argument is another one when it is read back")
    return Workload(case.name, (Call(case.name, tuple(("", text) for text in texts)),), "large input")


def loaded(program: str, name: str) -> Run:
    module: dict[str, Any] = {"__name__": "case"}
    exec(compile(program, name, "exec"), module)
    return module[name]


def outcome(run: Run, arguments: tuple[Any, ...]) -> str:
    """What it returns, raises and leaves of its arguments, with every type: equal ones behave alike."""
    given = copy.deepcopy(arguments)
    try:
        told = f"returned {run(*given)!r}"
    except Exception as error:  # edge: whatever a program under comparison raises is its answer
        told = f"raised {type(error).__name__}"
    return f"{told}, left {given!r}"


def seconds(run: Run, arguments: tuple[Any, ...], repeats: int) -> float:
    copies = [copy.deepcopy(arguments) for _ in range(repeats)]
    begun = time.thread_time()  # which does not count what other processes take
    for given in copies:
        run(*given)
    return (time.thread_time() - begun) / repeats


def interleaved(runs: Sequence[Run], arguments: tuple[Any, ...]) -> list[list[float]]:
    """Seconds a call of each, one after another in each round, in turning order."""
    alone = [min(seconds(run, arguments, 1) for _ in range(2)) for run in runs]
    repeats = [max(1, min(REPEATS, round(LEAST_S / max(one, 1e-9)))) for one in alone]
    taken: list[list[float]] = [[] for _ in runs]
    begun = time.perf_counter()
    for turn in range(ROUNDS[1]):
        if turn >= ROUNDS[0] and time.perf_counter() - begun > TIME_S:
            break
        for at in sorted(range(len(runs)), key=lambda at: (at + turn) % len(runs)):
            taken[at].append(seconds(runs[at], arguments, repeats[at]))
    return taken


def ratio(slow: Sequence[float], fast: Sequence[float]) -> float:
    """The least of each: what disturbs a measurement only adds to it."""
    return min(slow) / min(fast)
