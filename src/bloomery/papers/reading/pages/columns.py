"""The columns of a page: the left and right edges that many lines share."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bloomery.papers.reading.pages.lines import Run

_NEAR = 1.5  # points
_LONG = 20  # glyphs
_CANDIDATES = 50


@dataclass(frozen=True)
class Column:
    left: float
    right: float

    def holds(self, x0: float, x1: float) -> bool:
        return self.left - 3 * _NEAR <= x0 and x1 <= self.right + 3 * _NEAR


def columns(runs: Sequence[Run], numbers: Sequence[Run] = ()) -> list[Column]:
    """From left to right; a pair of edges counts that at least three long lines share.

    Where no `numbers` end at such an edge, as in ragged text, the page is one column, whose right edge is
    where several of them end.
    """
    shared = _shared(runs)
    at_edge = any(abs(number.x1 - column.right) < 2 * _NEAR for number in numbers for column in shared)
    return shared if at_edge else _by_numbers(runs, numbers) or shared


def _by_numbers(runs: Sequence[Run], numbers: Sequence[Run]) -> list[Column]:
    edges = [number.x1 for number in numbers]
    shared = [edge for edge in edges if sum(abs(edge - other) < _NEAR for other in edges) >= 2]
    prose = [run.x0 for run in runs if run.is_prose and len(run.glyphs) > 4]
    if not shared or not prose:
        return []
    left = min(prose, key=lambda x0: (-sum(abs(x0 - other) < _NEAR for other in prose), x0))
    return [Column(left, max(shared))]


def _shared(runs: Sequence[Run]) -> list[Column]:
    pairs = [(run.x0, run.x1) for run in runs if len(run.glyphs) >= _LONG]
    found: list[tuple[int, Column]] = []
    common = Counter((round(left), round(right)) for left, right in pairs).most_common(_CANDIDATES)
    for (left, right), _ in common:
        shared = [pair for pair in pairs if abs(pair[0] - left) < _NEAR and abs(pair[1] - right) < _NEAR]
        if len(shared) >= 3 and not any(_overlap(column, left, right) for _, column in found):
            found.append((len(shared), _middle(shared)))
        elif len(shared) >= 3:
            found = _with_better(found, len(shared), _middle(shared))
    return sorted((column for _, column in found), key=lambda column: column.left)


def column_of(places: Sequence[Column], x0: float, x1: float) -> int:
    """The index of the column in which something stands, else of the one that it begins in."""
    for index, column in enumerate(places):
        if column.holds(x0, x1):
            return index
    return max((index for index, column in enumerate(places) if column.left <= x0 + _NEAR), default=0)


def _middle(pairs: Sequence[tuple[float, float]]) -> Column:
    """The edges that are in the middle of those shared."""
    lefts, rights = (sorted(edges) for edges in zip(*pairs, strict=True))
    return Column(lefts[len(pairs) // 2], rights[len(pairs) // 2])


def _with_better(found: list[tuple[int, Column]], count: int, column: Column) -> list[tuple[int, Column]]:
    """Where edges overlap, those that most lines share."""
    against = [one for one in found if _overlap(one[1], column.left, column.right)]
    if any(one[0] >= count for one in against):
        return found
    return [*(one for one in found if one not in against), (count, column)]


def _overlap(column: Column, left: float, right: float) -> bool:
    return min(column.right, right) - max(column.left, left) > 5 * _NEAR
