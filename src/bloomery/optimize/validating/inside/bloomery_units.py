"""A pytest plugin that runs the tests of each file in a process of their own, and notes what they look at.

Everything is collected once; then there is a fork for each file (a unit), so that no unit sees what another
one left behind. Beside what bloomery_outcomes tells of each test, it tells which files of the project a test
opened, of which Hypothesis took the constants as examples, and whether it did what keeps its lines from being
seen (other processes, other tracers).
Its job (see bloomery_outcomes) holds `tree`, `last` (the name of a test to run at the end of every unit),
`decisive` (tests of which one that fails decides: what comes after it is not run), and
seconds: `import_s` for all imports, `limits_s` by unit, `limit_s` for other units.
"""

import faulthandler
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, ClassVar

import bloomery_outcomes
import pytest
from bloomery_outcomes import JOB, tell

TREE = os.path.realpath(JOB["tree"]) + os.sep
APART = frozenset({
    "subprocess.Popen", "os.system", "os.fork", "os.forkpty", "os.exec", "os.posix_spawn", "os.spawn",
    "pty.spawn", "sys.settrace", "sys.setprofile",
})  # fmt: skip
COVERAGE = os.path.dirname(sys.modules["coverage"].__file__ or "") if JOB["files"] else ""  # noqa: PTH120
CONSTANTS = os.path.join("hypothesis", "internal", "constants_ast.py")  # noqa: PTH118
IMPORTER = "<frozen importlib._bootstrap_external>"


class Here:
    """What was noted since it was last told."""

    listens = True
    opened: ClassVar[set[str]] = set()
    quoted: ClassVar[set[str]] = set()
    apart: ClassVar[set[str]] = set()


def _listen(event: str, arguments: tuple[Any, ...]) -> None:
    if not Here.listens:
        return
    if event == "open":
        if isinstance(arguments[0], str | bytes) and not _is_an_import(sys._getframe(1)):
            names = Here.quoted if _is_for_constants(sys._getframe(1)) else Here.opened
            _note(os.fsdecode(arguments[0]), names)
    elif event == "_thread.start_new_thread":
        if not _is_a_plain_thread(arguments[0]):
            Here.apart.add(event)
    elif event in APART and not (event == "sys.settrace" and _is_coverages(sys._getframe(1))):
        Here.apart.add(event)


def _is_an_import(frame: Any) -> bool:
    """Whether a file is opened to be compiled as a module; who else reads a source sees its text."""
    code, caller = frame.f_code, frame.f_back
    reads = code.co_filename == IMPORTER and code.co_name == "get_data"
    return reads and caller is not None and caller.f_code.co_name == "get_code"


def _is_for_constants(frame: Any) -> bool:
    """Whether Hypothesis reads a source for the constants in it, which it uses as examples."""
    for _ in range(4):  # Path.open, Path.read_bytes
        if frame.f_code.co_filename.endswith(CONSTANTS):
            return True
        frame = frame.f_back
        if frame is None:
            break
    return False


def _is_a_plain_thread(function: Any) -> bool:
    """Whether the threading module starts it, which installs the tracer in it."""
    return getattr(function, "__name__", "") == "_bootstrap"


def _is_coverages(frame: Any) -> bool:
    """Whether a tracer is set by coverage.py, or by the threading module in its name."""
    code = frame.f_code
    if code.co_filename == threading.__file__:
        hook = getattr(threading.gettrace(), "__func__", None)
        code = getattr(hook, "__code__", code)
    return os.path.dirname(code.co_filename) == COVERAGE  # noqa: PTH120


def _note(path: str, names: set[str]) -> None:
    path = path if os.path.isabs(path) else os.path.join(os.getcwd(), path)  # noqa: PTH117, PTH118, PTH109
    path = os.path.normpath(path)
    if path.startswith(TREE):
        names.add(path[len(TREE) :])


sys.addaudithook(_listen)
faulthandler.dump_traceback_later(float(JOB["import_s"]), exit=True)  # an import that hangs says where


def _told(kind: str, name: str) -> None:
    noted = {"opened": Here.opened, "quoted": Here.quoted, "apart": Here.apart}
    if any(noted.values()):
        tell(event="looked", kind=kind, name=name, **{key: sorted(names) for key, names in noted.items()})
    for names in noted.values():
        names.clear()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    _told("unit", _unit(item))
    try:
        return (yield)
    finally:
        _told("test", item.nodeid)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The test that must fail is no test of the project: it comes last in each unit."""
    last.extend(item for item in items if item.name == JOB["last"])
    items[:] = [item for item in items if item.name != JOB["last"]]


last: list[pytest.Item] = []


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    faulthandler.cancel_dump_traceback_later()
    _told("import", "")
    _tell_lines("import")
    units: dict[str, list[pytest.Item]] = {}
    for item in session.items:
        units.setdefault(_unit(item), []).append(item)
    for name, items in units.items():
        code = _in_fork(name, items)
        if code != 0 and any(item.nodeid in DECISIVE for item in items):
            if code != DECIDED:  # it had to be ended: its tests did not come to their end
                tell(event="decided", node=name)
            break
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    if bloomery_outcomes._coverage is not None:
        bloomery_outcomes._coverage.stop()
        bloomery_outcomes._coverage = None  # its lines were told unit by unit


DECIDED = 87  # the exit status of a unit in which a decisive test failed
DECISIVE = frozenset(JOB["decisive"])


class Decided:
    """The test that decided; empty as long as none did."""

    by = ""


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed and report.nodeid in DECISIVE and not Decided.by:
        Decided.by = report.nodeid
        tell(event="decided", node=report.nodeid)


def _unit(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def _in_fork(name: str, items: list[pytest.Item]) -> int | None:
    sys.stdout.flush()
    sys.stderr.flush()
    began = time.monotonic()
    Here.listens = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        child = os.fork()
    Here.listens = True
    if child == 0:
        try:
            os.setpgid(0, 0)  # here and in the parent: whoever comes first
            _run(name, [*items, *last])
            if Decided.by:
                os._exit(DECIDED)
        except BaseException as error:  # edge: a forked child, which must never return into the session
            tell(event="broke off", unit=name, reason=repr(error))
        finally:
            os._exit(0)
    with suppress(PermissionError, ProcessLookupError):
        os.setpgid(child, child)
    code = _wait(child, float(JOB["limits_s"].get(name, JOB["limit_s"])))
    tell(event="unit", unit=name, code=0 if code == DECIDED else code, seconds=time.monotonic() - began)
    return code


def _run(name: str, items: list[pytest.Item]) -> None:
    session = items[0].session
    for item, following in zip(items, [*items[1:], None], strict=True):
        if Decided.by and item not in last:
            session._setupstate.teardown_exact(None)  # what was to stay for the tests that are left out
            continue
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.shouldfail or session.shouldstop:
            break
    _told("unit", name)
    _tell_lines(name)


def _tell_lines(unit: str) -> None:
    measured = bloomery_outcomes._coverage
    if measured is None:
        return
    Here.listens = False
    measured.stop()
    data = measured.get_data()
    for file in sorted(data.measured_files()):
        by_context: dict[str, list[int]] = {}
        for line, contexts in data.contexts_by_lineno(file).items():
            for context in contexts:
                by_context.setdefault(context, []).append(line)
        tell(event="ran", unit=unit, file=os.path.realpath(file)[len(TREE) :], lines=by_context)
    measured.start()
    Here.listens = True


def _wait(child: int, limit_s: float) -> int | None:
    """The exit status; None: it had to be ended."""
    until, pause_s = time.monotonic() + limit_s, 0.001
    while time.monotonic() < until:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            _end(child)
            return os.waitstatus_to_exitcode(status)
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.5, 0.05)
    _end(child)
    os.waitpid(child, 0)
    return None


def _end(group: int) -> None:
    """End what a unit left behind, and itself."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
