"""Functions with many more paths than they had."""

from collections.abc import Iterator

from bloomery.optimize.reviewing.checks.sight import Sight
from bloomery.optimize.reviewing.checks.sources import source
from bloomery.optimize.reviewing.finding import Finding, Severity
from bloomery.source.languages.complexity import Complexity, complexities
from bloomery.source.quality.complexity import MOST_PATHS

MANY_MORE = 5
DO = "take a part of it out into a function with a name, or a decision into a table"


def look(sight: Sight) -> Iterator[Finding]:
    for file in sight.change.files:
        before, after = _by_name(file.path, file.before), _by_name(file.path, file.after)
        for name, now in after.items():
            was = before[name].cyclomatic if name in before else None
            severity = _severity(was, now.cyclomatic)
            if severity:
                told = f", had {was}" if was is not None else ", and is new"
                what = f"{name} has {now.cyclomatic} paths{told}"
                yield Finding("complexity", file.path, now.symbol.line, severity, what, DO)


def _by_name(path: str, text: str | None) -> dict[str, Complexity]:
    read = source(path, text)
    return {one.symbol.name: one for one in complexities(read)} if read else {}


def _severity(was: int | None, now: int) -> Severity | None:
    if now > MOST_PATHS and (was is None or now > was):
        return "warning"
    return "note" if was is not None and now - was >= MANY_MORE else None
