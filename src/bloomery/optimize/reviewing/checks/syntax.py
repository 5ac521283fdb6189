"""Python that is none."""

from collections.abc import Iterator
from pathlib import Path

from bloomery.optimize.reviewing.checks.sight import Sight
from bloomery.optimize.reviewing.finding import Finding
from bloomery.source.python import NotPython, parse_text

DO = "mend it: nothing can run this file"


def look(sight: Sight) -> Iterator[Finding]:
    for file in sight.change.python:
        if file.after is None:
            continue
        try:
            parse_text(file.after, Path(file.path))
        except NotPython as error:
            yield Finding("syntax", file.path, error.line or 1, "error", str(error), DO)
