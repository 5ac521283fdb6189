"""What a review says of a place, and what it could not look at."""

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from bloomery.core.evidence import State

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True)
class Finding:
    """One place that a check objects to: what is wrong there, and what to do about it."""

    check: str
    path: str
    line: int
    severity: Severity
    what: str
    do: str


@dataclass(frozen=True)
class Looked:
    """What one check found; `not_run` says why it could not look."""

    check: str
    findings: tuple[Finding, ...] = ()
    not_run: str = ""

    @property
    def state(self) -> State:
        """Failed where there is an error; what was not looked at is never passed."""
        if self.not_run:
            return State.NOT_RUN
        return State.FAILED if any(one.severity == "error" for one in self.findings) else State.PASSED


class NotLooked(Exception):
    """A check has nothing to go by, and says why."""


Key = Callable[[Finding], Hashable]


def said(finding: Finding) -> Hashable:
    """Equal for what is said of the same thing when its lines have moved."""
    return finding.path, re.sub(r"\d+", "#", finding.what)


def by_line(text: str | None) -> Key:
    """Equal for the same objection to lines of the same text."""
    lines = (text or "").splitlines()

    def key(finding: Finding) -> Hashable:
        there = 0 < finding.line <= len(lines)
        return finding.path, finding.what, lines[finding.line - 1].strip() if there else ""

    return key


def added(
    before: Iterable[Finding], after: Iterable[Finding], keys: tuple[Key, Key] = (said, said)
) -> Iterator[Finding]:
    """Those after that were not there before; of several equal ones the last."""
    left = Counter(map(keys[0], before))
    for finding in after:
        name = keys[1](finding)
        left[name] -= 1
        if left[name] < 0:
            yield finding
