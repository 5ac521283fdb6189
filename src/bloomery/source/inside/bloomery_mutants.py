"""A pytest plugin that puts mutants in the place of functions, in memory only.

Its job (see bloomery_outcomes) holds one of two things. `serve`: a source by its path; importing that file
gives this text. `trials`: mutants that are tried one after the other, each in a fork of this process, which
has collected the tests and run none: the mutant's code object takes the place of the original's in every
function object that has it. A module that is imported only later gets the mutant's text.
"""

import gc
import json
import math
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest
from bloomery_outcomes import JOB, tell

MORE_MEMORY_BYTES = 4 << 30
WALL_FACTOR, WALL_MORE_S = 4, 10
_served: dict[str, str] = dict(JOB.get("serve", {}))
_load: Callable[[SourceFileLoader, str], CodeType | None] = SourceFileLoader.get_code


def _get_code(loader: SourceFileLoader, name: str) -> CodeType | None:
    path = os.path.realpath(loader.path)
    if path not in _served:
        return _load(loader, name)
    tell(event="served", file=path)
    return compile(_served[path], loader.path, "exec", dont_inherit=True)


SourceFileLoader.get_code = _get_code  # type: ignore[method-assign, assignment]


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _failed.append(report.failed)


_failed: list[bool] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    try:
        return (yield)
    finally:
        if JOB["stop"] and any(_failed) and "trials" not in JOB:
            item.session.shouldstop = "a test has killed the mutant"


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    if "trials" not in JOB:
        return None
    known = _functions({trial["path"] for trial in JOB["trials"]})
    items = {item.nodeid: item for item in session.items}
    for trial in JOB["trials"]:
        waiting = [node for node in trial["tests"] if node in items]
        while waiting:
            started = _fork(trial, [items[node] for node in waiting], known)
            timed_out = started is not None and not trial["stop"]
            waiting = waiting[waiting.index(started) + 1 :] if timed_out and started in waiting else []
        tell(event="trial over", trial=trial["id"])
    return True


def _functions(paths: set[str]) -> dict[tuple[str, str, int], list[FunctionType]]:
    """Every function object of the given files, by file, name and first line."""
    real: dict[str, str] = {}
    found: dict[tuple[str, str, int], list[FunctionType]] = {}
    for one in gc.get_objects():
        if type(one) is FunctionType:
            code = one.__code__
            path = real.setdefault(code.co_filename, os.path.realpath(code.co_filename))
            if path in paths:
                found.setdefault((path, code.co_name, code.co_firstlineno), []).append(one)
    return found


def _fork(
    trial: dict[str, Any], items: list[pytest.Item], known: dict[Any, list[FunctionType]]
) -> str | None:
    """Try one mutant in a child; the test in which the child had to be ended, if it had to."""
    tell(event="trial", trial=trial["id"])
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        try:
            _limit(trial["limit_s"])
            if _swap(trial, known):
                _run(items, trial["stop"])
        except BaseException as error:  # edge: a forked child, which must never return into the session
            tell(event="unswapped", reason=f"its trial broke off: {error!r}")
        finally:
            os._exit(0)
    status, in_time = _wait(child, WALL_FACTOR * trial["limit_s"] + WALL_MORE_S)
    if status == 0:
        return None
    code = os.waitstatus_to_exitcode(status)
    by = "time" if not in_time or code == -signal.SIGXCPU else "crash"
    started = _last_started()
    tell(event="ended", node=started, by=by, code=code)
    return started


def _last_started() -> str:
    """The test that this trial began last; empty where it began none."""
    for line in reversed(Path(JOB["record"]).read_text().splitlines()):
        event = json.loads(line)
        if event["event"] in {"trial", "started"}:
            return str(event.get("node", ""))
    return ""


def _limit(limit_s: float) -> None:
    seconds = math.ceil(limit_s)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 2))
    with suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + MORE_MEMORY_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _wait(child: int, limit_s: float) -> tuple[int, bool]:
    until = time.monotonic() + limit_s
    pause_s = 0.001
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status, True
        time.sleep(pause_s)
        pause_s = min(0.02, pause_s * 1.5)
    os.kill(child, 9)
    return os.waitpid(child, 0)[1], False


def _swap(trial: dict[str, Any], known: dict[Any, list[FunctionType]]) -> bool:
    """Whether the mutant is in place: in the functions that there are, or in the file not yet imported."""
    if not trial["text"]:
        return True  # a control: the tests as they are, in a fork
    path, name, line = trial["path"], trial["name"], trial["line"]
    functions = known.get((path, name, line), [])
    if not functions:
        if any(os.path.realpath(getattr(m, "__file__", None) or "") == path for m in [*sys.modules.values()]):
            tell(event="unswapped", reason="no function object holds its code")
            return False
        _served[path] = trial["text"]
        return True
    code = _code_at(compile(trial["text"], functions[0].__code__.co_filename, "exec"), name, line)
    for function in functions:
        if code is None or code.co_freevars != function.__code__.co_freevars:
            tell(event="unswapped", reason="its code closes over other names")
            return False
        function.__code__ = code
    tell(event="served", file=path)
    return True


def _code_at(code: CodeType, name: str, line: int) -> CodeType | None:
    waiting = [code]
    while waiting:
        one = waiting.pop()
        if one.co_name == name and one.co_firstlineno == line:
            return one
        waiting.extend(constant for constant in one.co_consts if isinstance(constant, CodeType))
    return None


def _run(items: list[pytest.Item], stop: bool) -> None:
    _failed.clear()
    for item, following in zip(items, [*items[1:], None], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if stop and any(_failed):
            return
