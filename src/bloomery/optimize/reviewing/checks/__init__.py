"""What a change is looked at for. A new check adds one line to CHECKS: its name, and where it looks.

Each takes a `Sight` and gives findings; it raises `NotLooked`, or CapabilityMissing for a missing tool, where
it has nothing to go by.
"""

from collections.abc import Callable, Iterable
from pkgutil import resolve_name

from bloomery.core.errors import UnknownName
from bloomery.optimize.reviewing.checks.sight import Sight
from bloomery.optimize.reviewing.finding import Finding

Look = Callable[[Sight], Iterable[Finding]]
_HERE = "bloomery.optimize.reviewing.checks"
CHECKS: dict[str, str] = {  # the cheap ones first
    "syntax": f"{_HERE}.syntax:look",
    "secrets": f"{_HERE}.secrets:look",
    "placeholders": f"{_HERE}.placeholders:look",
    "public API": f"{_HERE}.api:look",
    "complexity": f"{_HERE}.complexity:look",
    "quality": f"{_HERE}.quality:look",
    "lint": f"{_HERE}.lint:look",
    "security": f"{_HERE}.security:look",
    "tests that cannot fail": f"{_HERE}.unfailing:look",
    "untested lines": f"{_HERE}.untested:look",
    "types": f"{_HERE}.types:look",
}


def check(name: str) -> Look:
    """Raises: UnknownName."""
    if name not in CHECKS:
        raise UnknownName("check", name, CHECKS)
    found: Look = resolve_name(CHECKS[name])
    return found


__all__ = ["CHECKS", "Look", "Sight", "check"]
