"""Half-open intervals of whole numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    start: int
    end: int

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"{self.end} < {self.start}")

    @property
    def length(self) -> int:
        return self.end - self.start

    def overlaps(self, other: Interval) -> bool:
        return self.start < other.end and other.start < self.end

    def shifted(self, by: int) -> Interval:
        return Interval(self.start + by, self.end + by)


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Without overlaps, in order.

    >>> merged([Interval(3, 5), Interval(1, 3)])
    [Interval(start=1, end=5)]
    """
    found: list[Interval] = []
    for one in sorted(intervals, key=lambda interval: interval.start):
        if found and one.start <= found[-1].end:
            found[-1] = Interval(found[-1].start, max(found[-1].end, one.end))
        else:
            found.append(one)
    return found


def covered(intervals: Iterable[Interval]) -> int:
    return sum(one.length for one in merged(intervals))
