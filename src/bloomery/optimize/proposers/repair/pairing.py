"""Two edits at once, where none alone is enough: those first whose halves each mend some of the tests."""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bloomery.optimize.proposers.repair.candidates import Program
from bloomery.optimize.proposers.repair.edits import Change, Edit

FIRSTS, SEEN, SECONDS = 40, 150, 600
See = Callable[[Sequence[Edit]], Mapping[int, Sequence[bool]]]


@dataclass(frozen=True)
class Half:
    """An edit that changes what the failing tests see: which of them it mends, how many others it breaks."""

    edit: Edit
    mends: frozenset[int]
    breaks: int

    @property
    def worth(self) -> float:
        return (1 + 2 * len(self.mends)) / (1 + self.breaks) * self.edit.score


def pairs(near: Sequence[Edit], see: See, program: Program, failing: int, *, cost: int) -> Iterator[Edit]:
    """A half that was seen to matter with another such, or with any edit of the cheap classes."""
    known = sorted(near, key=lambda edit: (edit.cost, -edit.score))[:SEEN]
    halves = sorted(_halves(known, see(known), failing), key=lambda half: -half.worth)
    cheap = [*program.edits(1, SECONDS), *program.edits(2, SECONDS)]
    found: list[tuple[float, int, Edit, Edit, int]] = []
    for half in halves[:FIRSTS]:
        lead = min(set(range(failing)) - half.mends, default=0)
        for other in halves:
            if other.worth <= half.worth and half.mends | other.mends == set(range(failing)):
                found.append((10 * half.worth * other.worth, len(found), half.edit, other.edit, lead))
        for edit in cheap:
            found.append(
                (half.worth * edit.score * _closeness(half.edit, edit), len(found), half.edit, edit, lead)
            )
    for _, _, first, second, lead in sorted(found, key=lambda one: (-one[0], one[1])):
        if not _overlap(first, second):
            yield _both(first, second, cost, lead)


def _halves(edits: Sequence[Edit], seen: Mapping[int, Sequence[bool]], failing: int) -> Iterator[Half]:
    for place, passed in seen.items():
        mends = frozenset(test for test, holds in enumerate(passed[:failing]) if holds)
        yield Half(edits[place], mends, sum(not holds for holds in passed[failing:]))


def _closeness(one: Edit, other: Edit) -> float:
    return 3.0 if one.line == other.line else 1.5 if one.unit == other.unit else 1.0


def _both(first: Edit, second: Edit, cost: int, lead: int) -> Edit:
    return replace(
        first,
        operator=f"{first.operator} and {second.operator}",
        cost=cost,
        size=first.size + second.size,
        score=first.score * second.score,
        changes=(*first.changes, *second.changes),
        removes=first.removes + second.removes,
        parts=(first, second),
        lead=lead,
    )


def _overlap(one: Edit, other: Edit) -> bool:
    """Whether one edit changes a place within what the other replaces."""
    for first in one.changes:
        for second in other.changes:
            if first.slot == second.slot or _holds(first, second) or _holds(second, first):
                return True
    return False


def _holds(outer: Change, inner: Change) -> bool:
    return any(node is inner.parent for old in outer.old for node in ast.walk(old))
