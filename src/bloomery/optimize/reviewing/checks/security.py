"""What bandit finds and did not before."""

from collections.abc import Iterator

from bloomery.optimize.reviewing.change import Changed
from bloomery.optimize.reviewing.checks.asking import new
from bloomery.optimize.reviewing.checks.sight import Sight
from bloomery.optimize.reviewing.finding import Finding, Severity
from bloomery.optimize.validating.objecting import Objection, by_bandit

SEVERITY: dict[str, Severity] = {"high": "error", "medium": "warning", "low": "note"}
_IN_TESTS = {"B101"}  # asserts
_PASSWORDS = {"B105", "B106", "B107"}  # whose text repeats what may be one


def look(sight: Sight) -> Iterator[Finding]:
    """Raises: CapabilityMissing without bandit."""
    for file, finding in new(sight, by_bandit, _told):
        if not _is_idle(file, finding):
            yield finding


def _is_idle(file: Changed, finding: Finding) -> bool:
    return file.is_test and finding.what.partition(":")[0] in _IN_TESTS


def _told(one: Objection) -> Finding:
    what = one.what.partition(":")[0] if one.code in _PASSWORDS else one.what
    severity = SEVERITY.get(one.severity, "note")
    return Finding("security", one.path, one.line, severity, f"{one.code}: {what}", f"see {one.url}")
