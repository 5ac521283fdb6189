"""Tests that a change adds and that cannot fail."""

from collections.abc import Iterator
from pathlib import Path

from bloomery.optimize.reviewing.change import Changed
from bloomery.optimize.reviewing.checks.sight import Sight
from bloomery.optimize.reviewing.finding import Finding, Severity, added
from bloomery.source.python import parse
from bloomery.source.unfailing import unfailing

DO = "compare what the code gives with what it has to give, and see the test fail once"


def look(sight: Sight) -> Iterator[Finding]:
    for file in sight.change.python:
        name = Path(file.path).name
        if file.parsed_after is not None and (name.startswith("test_") or name.endswith("_test.py")):
            old = _found(sight.sides.before, file.was, file) if file.parsed_before is not None else ()
            yield from added(old, _found(sight.sides.after, file.path, file))


def _found(side: Path, path: str, file: Changed) -> Iterator[Finding]:
    for one in unfailing(parse(side / path), side):
        severity: Severity = "error" if one.whole else "warning"
        what = f"{one.test}: {one.reason}"
        yield Finding("tests that cannot fail", file.path, one.line, severity, what, DO)
