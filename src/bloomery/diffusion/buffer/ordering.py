"""The entries of one task in order of score, the worst first; of equal scores the oldest first.

Blocks of a few hundred entries, each in order, and a sum tree of their sizes: an entry comes, goes or is
found by its place in the time of a search, a shift within a block and a walk through the tree.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .trees import SumTree

Real = NDArray[np.float64]
Whole = NDArray[np.int64]
WIDEST = 512  # entries in a block
NARROWEST = 16
FIRST = (-np.inf, -1)  # before every entry


class Ordering:
    """Slots by (score, age), where `ages` gives each slot's serial number.

    A block's head is what its first entry was when it was cut off: none of its entries comes before it, and
    all of the blocks before do.
    """

    def __init__(self, ages: memoryview) -> None:
        self._age: Callable[[int], int] = ages.__getitem__
        self.refill(np.empty(0), np.empty(0, np.int64))

    def refill(self, scores: Real, slots: Whole) -> None:
        """Take these instead, which are in order."""
        self.width = min(max(1 << len(scores).bit_length(), NARROWEST), WIDEST)
        filled = self.width if self.width < WIDEST else 3 * WIDEST // 4
        starts = range(0, max(len(scores), 1), filled)
        self._lay_out(np.empty((len(starts), self.width)), np.empty((len(starts), self.width), np.int64))
        for row, start in enumerate(starts):
            part = slots[start : start + filled]
            self.slots[row, : len(part)] = part
            self.scores[row, : len(part)] = scores[start : start + filled]
        sizes = np.array([len(slots[start : start + filled]) for start in starts], np.int64)
        self.sizes = SumTree(sizes)
        self._rows: Whole | None = None
        self.rows = list(range(len(starts)))  # of the blocks, in order
        self.free: list[int] = []
        self.heads = [FIRST, *(self._head(row) for row in self.rows[1:])]

    def __len__(self) -> int:
        return self.sizes.total

    def insert(self, score: float, slot: int) -> None:
        age = self._age(slot)
        block = bisect_right(self.heads, (score, age)) - 1
        if self.sizes[block] == self.width:
            self._make_room(block)
            block = bisect_right(self.heads, (score, age)) - 1
        start = self.rows[block] * self.width
        end = start + self.sizes[block]
        at = self._search(score, age, start, end)
        scores, slots = self._score, self._slot
        if at < end:
            scores[at + 1 : end + 1] = scores[at:end]
            slots[at + 1 : end + 1] = slots[at:end]
        scores[at], slots[at] = score, slot
        self.sizes.add(block, 1)

    def remove(self, score: float, slot: int) -> None:
        age = self._age(slot)
        block = bisect_right(self.heads, (score, age)) - 1
        start = self.rows[block] * self.width
        end = start + self.sizes[block]
        at = self._search(score, age, start, end)
        scores, slots = self._score, self._slot
        if at + 1 < end:
            scores[at : end - 1] = scores[at + 1 : end]
            slots[at : end - 1] = slots[at + 1 : end]
        self.sizes.add(block, -1)
        if end - start - 1 <= self.width // 8:
            self._join(block)

    def at(self, place: int) -> tuple[float, int]:
        """Score and slot at a place, from the worst."""
        block, offset = self.sizes.find(place)
        at = self.rows[block] * self.width + offset
        return self._score[at], self._slot[at]

    def alike(self, place: int) -> tuple[float, int, int]:
        """The score at a place, and the first place with it and the first beyond it."""
        block, offset = self.sizes.find(place)
        at = self.rows[block] * self.width + offset
        score = self._score[at]
        inside = 0 < offset < self.sizes[block] - 1
        if inside and self._score[at - 1] != score and self._score[at + 1] != score:
            return score, place, place + 1
        return score, *self.bounds(score)

    def bounds(self, score: float) -> tuple[int, int]:
        """How many entries are worse than a score, and how many no better."""
        return (
            self._count(bisect_left(self.heads, (score, -1)), bisect_left, score),
            self._count(bisect_left(self.heads, (score, np.inf)), bisect_right, score),
        )

    def at_all(self, places: Whole) -> tuple[Real, Whole]:
        """`at` of many. Shapes: (B,) -> (B,), (B,)"""
        block, offset = self.sizes.find_all(places)
        row = self._row_numbers()[block]
        return self.scores[row, offset], self.slots[row, offset]

    def alike_all(self, places: Whole) -> tuple[Whole, Whole]:
        """First place with the score at each place, and the first beyond. Shapes: (B,) -> (B,), (B,)"""
        block, offset = self.sizes.find_all(places)
        row, last = self._row_numbers()[block], self.sizes.nodes[self.sizes.size + block] - 1
        score, at_edge = self.scores[row, offset], (offset == 0) | (offset == last)
        below, above = self.scores[row, offset - 1], self.scores[row, np.minimum(offset + 1, last)]
        first, beyond = places.copy(), places + 1
        shared = np.flatnonzero(at_edge | (below == score) | (above == score))
        found, which = np.unique(score[shared], return_inverse=True)
        bounds = np.array([self.bounds(one) for one in found.tolist()], np.int64).reshape(-1, 2)[which]
        first[shared], beyond[shared] = bounds[:, 0], bounds[:, 1]
        return first, beyond

    def in_order(self) -> tuple[Real, Whole]:
        """All scores and slots. Shapes: (N,), (N,)"""
        sizes = [self.sizes[block] for block in range(len(self.rows))]
        pairs = list(zip(self.rows, sizes, strict=True))
        return (
            np.concatenate([self.scores[row, :size] for row, size in pairs]),
            np.concatenate([self.slots[row, :size] for row, size in pairs]),
        )

    def _search(self, score: float, age: int, start: int, end: int) -> int:
        """Where (score, age) is or belongs, between two places of one block."""
        low = bisect_left(self._score, score, start, end)
        high = bisect_right(self._score, score, low, end)
        return bisect_left(self._slot, age, low, high, key=self._age) if low < high else low

    def _count(self, blocks: int, search: Callable[..., int], score: float) -> int:
        """Entries before the score, which can only be in the first so many blocks."""
        if not blocks:
            return 0
        start = self.rows[blocks - 1] * self.width
        inside = search(self._score, score, start, start + self.sizes[blocks - 1]) - start
        return self.sizes.before(blocks - 1) + inside

    def _row_numbers(self) -> Whole:
        """`rows` as an array, made anew after blocks came or went."""
        if self._rows is None:
            self._rows = np.array(self.rows)
        return self._rows

    def _head(self, row: int) -> tuple[float, int]:
        at = row * self.width
        return self._score[at], self._age(self._slot[at])

    def _lay_out(self, scores: Real, slots: Whole) -> None:
        self.scores, self.slots = scores, slots
        self._score: Any = memoryview(scores.reshape(-1))  # type: ignore[arg-type]
        self._slot: Any = memoryview(slots.reshape(-1))  # type: ignore[arg-type]

    def _make_room(self, block: int) -> None:
        """A small task's one block doubles; beyond that a full block is halved."""
        if self.width < WIDEST:
            self.width *= 2
            self._lay_out(*(np.concatenate([a, np.empty_like(a)], 1) for a in (self.scores, self.slots)))
            return
        row, other, half = self.rows[block], self._free_row(), self.width // 2
        for rows in (self.scores, self.slots):
            rows[other, : self.width - half] = rows[row, half:]
        self.rows.insert(block + 1, other)
        self.heads.insert(block + 1, self._head(other))
        self._resize(block, block + 1, [half, self.width - half])

    def _free_row(self) -> int:
        if not self.free:
            rows = len(self.scores)
            self._lay_out(*(np.concatenate([a, np.empty_like(a)]) for a in (self.scores, self.slots)))
            self.free = list(range(2 * rows - 1, rows - 1, -1))
        return self.free.pop()

    def _join(self, block: int) -> None:
        """A block of few entries goes into the next or the one before, if they are few together."""
        size = self.sizes[block]
        first = block if block + 1 < len(self.rows) else block - 1
        if first < 0 or (size and self.sizes[first] + self.sizes[first + 1] > self.width // 2):
            return
        left, right = self.rows[first], self.rows[first + 1]
        here, there = self.sizes[first], self.sizes[first + 1]
        for rows in (self.scores, self.slots):
            rows[left, here : here + there] = rows[right, :there]
        self.free.append(self.rows.pop(first + 1))
        self.heads.pop(first + 1)
        self._resize(first, first + 2, [here + there])

    def _resize(self, start: int, end: int, sizes: Sequence[int]) -> None:
        """The blocks from `start` to `end` of the tree have these sizes now."""
        self._rows = None
        leaves = self.sizes.nodes[self.sizes.size :]
        self.sizes.rebuild(np.concatenate([leaves[:start], sizes, leaves[end:]])[: len(self.rows)])
