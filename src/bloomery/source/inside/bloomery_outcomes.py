"""A pytest plugin that writes down what became of each test, and which lines each test ran.

It runs in the interpreter of the project under test and imports nothing of Bloomery. Its job is the JSON
file that the environment variable BLOOMERY_JOB names: `record` (where to write, one JSON object a line, so
that a process that dies has told what it did until then), `wanted` (node ids; empty: all), `files` (sources
whose lines are recorded; empty: none), `backwards` (the last test first), `without` (node ids that are not
run), `test_s` (processor time that one test may use before it counts as failed; 0: as much as it wants).
"""

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

JOB: dict[str, Any] = json.loads(Path(os.environ["BLOOMERY_JOB"]).read_text())
_CONTEXTS = [""]
_coverage: Any = None


class TookTooLong(BaseException):
    """Raised in a test that used up its processor time; no handler for errors catches it."""


def tell(**event: Any) -> None:
    """Append one event; the line is on its way to the disk when this returns."""
    with Path(JOB["record"]).open("a") as record:
        record.write(json.dumps(event) + "\n")


def fixture_key(definition: Any) -> str:
    return f"{definition.baseid}::{definition.argname}"


if JOB["files"]:
    import coverage

    _coverage = coverage.Coverage(data_file=None, config_file=False, include=list(JOB["files"]))
    quiet = ["no-data-collected", "module-not-measured", "module-not-imported", "trace-changed", "no-ctracer"]
    _coverage.set_option("run:disable_warnings", quiet)
    _coverage.start()


def _enter(context: str) -> None:
    _CONTEXTS.append(context)
    if _coverage is not None:
        _coverage.switch_context(context)


def _leave() -> None:
    _CONTEXTS.pop()
    if _coverage is not None:
        _coverage.switch_context(_CONTEXTS[-1])


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = JOB["wanted"]
    kept = [item for item in items if not wanted or any(_is(item.nodeid, one) for one in wanted)]
    kept = [item for item in kept if item.nodeid not in JOB.get("without", ())]
    if len(kept) < len(items):
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept
    if JOB.get("backwards"):
        items.reverse()
    for item in items:
        definitions = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
        wide = {
            fixture_key(one) for chain in definitions.values() for one in chain if one.scope != "function"
        }
        marks = [[str(argument) for argument in mark.args] for mark in item.iter_markers("equation")]
        tell(event="collected", node=item.nodeid, marks=marks, fixtures=sorted(wide))


def _is(node: str, wanted: str) -> bool:
    return node == wanted or node.startswith((f"{wanted}[", f"{wanted}::"))


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.failed:
        tell(event="not collected", node=report.nodeid, text=str(report.longrepr))
    elif report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        tell(event="skipped", node=report.nodeid, reason=reason.removeprefix("Skipped: "))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    tell(event="started", node=item.nodeid)
    _enter(f"test {item.nodeid}")
    try:
        return (yield)
    finally:
        _leave()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    if not JOB.get("test_s"):
        return (yield)
    before = signal.signal(signal.SIGPROF, _give_up)
    signal.setitimer(signal.ITIMER_PROF, JOB["test_s"], 1.0)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _give_up(*_: Any) -> None:
    raise TookTooLong(f"it did not end within {JOB['test_s']:g} s of processor time")


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: Any) -> Iterator[None]:
    if fixturedef.scope == "function":
        return (yield)
    _enter(f"fixture {fixture_key(fixturedef)}")
    try:
        return (yield)
    finally:
        _leave()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Iterator[None]:
    report: Any = yield
    if call.excinfo is not None:
        report.bloomery_raised = call.excinfo.typename
        report.bloomery_checked = call.excinfo.errisinstance((AssertionError, pytest.fail.Exception))
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    tell(
        event="report",
        node=report.nodeid,
        when=report.when,
        outcome=report.outcome,
        expected=getattr(report, "wasxfail", None),
        reason=_reason(report),
        raised=getattr(report, "bloomery_raised", ""),
        checked=getattr(report, "bloomery_checked", False),
        duration_s=report.duration,
    )


def _reason(report: pytest.TestReport) -> str:
    said = report.longrepr
    if isinstance(said, tuple):
        return str(said[2]).removeprefix("Skipped: ")
    crash = getattr(said, "reprcrash", None)
    text = crash.message if crash is not None else str(said or "")
    return text[:2000]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if _coverage is not None:
        _coverage.stop()
        data = _coverage.get_data()
        for file in sorted(data.measured_files()):
            by_line = data.contexts_by_lineno(file)
            tell(event="lines", file=file, lines={str(line): by_line[line] for line in sorted(by_line)})
    tell(event="finished", status=int(exitstatus), python=sys.version.split()[0])
