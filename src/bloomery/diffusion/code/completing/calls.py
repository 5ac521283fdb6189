"""Who called which automaton, by position: as lists where few did, as arrays where masks let many."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bloomery.diffusion.code.completing.grammar import MODES, PLAIN, Grammar

Column = dict[int, int]
Words = npt.NDArray[np.uint64]
Caller = tuple[int, int, int]  # the place after the call, the starts of the caller, the place that called
MANY = 12  # positions: from here on an array is faster than a list
_WORD = 64


class Calls:
    """Who called at each position of a canvas; `rows` has them by the places after, ordered as in `sites`."""

    def __init__(self, grammar: Grammar, columns: list[Column]) -> None:
        self.grammar, self.columns = grammar, columns
        self.lists: list[dict[int, list[Caller]] | None] = [None]
        self.width = 1
        self.arrays: dict[int, Words] = {}
        self.filled: dict[int, int] = {}

    def trim(self, length: int) -> None:
        del self.lists[length:]
        self.lists.append(None)
        self.filled = {called: min(filled, length) for called, filled in self.filled.items()}

    def widen(self, length: int) -> None:
        """Makes room for starts up to a length."""
        width = -(-length // _WORD)
        if width > self.width:
            self.width = width
            self.arrays.clear()
            self.filled.clear()

    def at(self, position: int, called: int) -> list[Caller]:
        known = self.lists[position]
        if known is None:
            known = self.lists[position] = self._listed(position)
        return known.get(called, [])

    def _listed(self, position: int) -> dict[int, list[Caller]]:
        known: dict[int, list[Caller]] = {}
        calls = self.grammar.calls
        for place, starts in self.columns[position].items():
            if place % MODES == PLAIN:
                for called, after in calls[place // MODES]:
                    known.setdefault(called, []).append((after * MODES, starts, place))
        return known

    def rows(self, called: int, upto: int) -> Words:
        """For each position before `upto`, the starts that reach each place after a call."""
        filled, rows = self.filled.get(called, 0), self.arrays.get(called)
        if rows is None or len(rows) < upto:
            room = np.zeros((max(2 * upto, _WORD), len(self.grammar.sites[called]), self.width), np.uint64)
            if rows is not None:
                room[:filled] = rows[:filled]
            rows = self.arrays[called] = room
        for position in range(filled, upto):
            rows[position] = self._row(position, called)
        self.filled[called] = max(filled, upto)
        return rows

    def _row(self, position: int, called: int) -> Words:
        sites = dict.fromkeys(self.grammar.sites[called], 0)
        for place, starts, _ in self.at(position, called):
            sites[place] |= starts
        return words(sites.values(), self.width)

    def reached(self, called: int, starts: int, upto: int) -> list[tuple[int, int]]:
        """The places after the calls made at `starts`, with the starts of the callers."""
        rows = self.rows(called, upto)
        found = np.bitwise_or.reduce(rows[positions(starts)], axis=0)
        sites = self.grammar.sites[called]
        return [(sites[at], number(found[at])) for at in np.flatnonzero(found.any(axis=1))]


def words(numbers: object, width: int) -> Words:
    joined = b"".join(each.to_bytes(8 * width, "little") for each in numbers)  # type: ignore[attr-defined]
    return np.frombuffer(joined, np.uint64).reshape(-1, width)


def number(row: Words) -> int:
    return int.from_bytes(row.tobytes(), "little")


def positions(bits: int) -> npt.NDArray[np.intp]:
    """Of the ones."""
    data = np.frombuffer(bits.to_bytes(-(-bits.bit_length() // 8), "little"), np.uint8)
    return np.flatnonzero(np.unpackbits(data, bitorder="little"))
