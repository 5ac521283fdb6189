"""What ruff objects to, by the project's own settings, and did not before."""

from collections.abc import Iterator

from bloomery.optimize.reviewing.checks.asking import new
from bloomery.optimize.reviewing.checks.sight import Sight
from bloomery.optimize.reviewing.finding import Finding
from bloomery.optimize.validating.objecting import Objection, by_ruff


def look(sight: Sight) -> Iterator[Finding]:
    """Raises: CapabilityMissing without ruff."""
    for _, finding in new(sight, by_ruff, _told):
        yield finding


def _told(one: Objection) -> Finding:
    do = f"see {one.url}" if one.url else "mend it"
    return Finding("lint", one.path, one.line, "warning", f"{one.code}: {one.what}", do)
