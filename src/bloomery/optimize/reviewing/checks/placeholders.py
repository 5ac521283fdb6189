"""Functions that a change adds and that do not do their work."""

from collections.abc import Iterator

from bloomery.optimize.reviewing.checks.sight import Sight
from bloomery.optimize.reviewing.finding import Finding, added
from bloomery.source.placeholders import placeholders
from bloomery.source.python import Parsed

DO = "write the work, or raise an error that says what is missing"


def look(sight: Sight) -> Iterator[Finding]:
    for file in sight.change.python:
        if not file.is_test:
            yield from added(_found(file.path, file.parsed_before), _found(file.path, file.parsed_after))


def _found(path: str, parsed: Parsed | None) -> Iterator[Finding]:
    for one in placeholders(parsed) if parsed else ():
        what = f"{one.symbol} stands for work that is not done: {one.reason}"
        yield Finding("placeholders", path, one.line, "warning", what, DO)
