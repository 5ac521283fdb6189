"""What stands around a hole, without what makes no difference there.

Two beginnings of programs after which a chart looks the same have the same completions; so what stands
between the two points may go: most of the statements that are over. Ends of programs are beginnings of the
mirrored language.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from bloomery.diffusion.code.completing.calls import positions
from bloomery.diffusion.code.completing.chart import Chart
from bloomery.diffusion.code.completing.grammar import MODES, Grammar
from bloomery.diffusion.code.completing.languages import grammar

NEAREST = 3  # cells beside the hole that stay, for what may not come right after what


def shortened_before(cells: Sequence[int], language: str) -> list[int] | None:
    """A beginning of a program with the same completions; none where it has no completion.

    Cells are sets of terminals, neither spelled nor trivia.
    """
    return shortened(cells, grammar(language))


def shortened_after(cells: Sequence[int], language: str) -> list[int] | None:
    """An end of a program that completes the same beginnings; none where it completes none."""
    plain, mirror = grammar(language), grammar(language, mirror=True)
    found = shortened([_renamed(cell, plain, mirror) for cell in reversed(cells)], mirror)
    return None if found is None else [_renamed(cell, mirror, plain) for cell in reversed(found)]


def _renamed(cell: int, ours: Grammar, theirs: Grammar) -> int:
    return theirs.bits(ours.names(cell))


def shortened(cells: Sequence[int], known: Grammar) -> list[int] | None:
    """A beginning of a text with the same completions; none where it has no completion."""
    chart, looks = Chart(known), _Looks(known)
    seen, stays = [-1], max(len(cells) - NEAREST, 0)
    for at, cell in enumerate(cells):
        chart.calls.widen(len(chart.tokens) + 1)
        if not chart.grow(cell):
            return None
        look = looks.of(chart, cell)
        before = seen.index(look) if look in seen and at < stays else len(seen)
        if before < len(seen):
            chart.trim(before)
            looks.trim(before)
            del seen[before + 1 :]
        else:
            seen.append(look)
    return list(chart.tokens)


class _Looks:
    """What decides how a text may go on, by number: the places, each with all that it may return to."""

    def __init__(self, known: Grammar) -> None:
        self.grammar = known
        self.numbers: dict[object, int] = {}
        self.returns: list[dict[int, int]] = []  # by position and automaton

    def of(self, chart: Chart, cell: int) -> int:
        """The cell counts, too: some may not come right after others."""
        self.returns += [{} for _ in range(len(chart.columns) - len(self.returns))]
        found = [
            (place, self._starts(chart, place, starts))
            for place, starts in chart.columns[-1].items()
            if self._matters(place)
        ]
        return self._number((cell, frozenset(found)))

    def trim(self, length: int) -> None:
        del self.returns[length:]

    def _number(self, look: object) -> int:
        return self.numbers.setdefault(look, len(self.numbers))

    @functools.cache  # noqa: B019  (looks live as long as one shortening)
    def _matters(self, place: int) -> bool:
        """Whether anything goes on from there; what has ended was returned from already."""
        state, mode = divmod(place, MODES)
        owner = self.grammar.owner[state]
        return not owner or bool(self.grammar.calls[state] or self.grammar.onward(state, mode))

    def _starts(self, chart: Chart, place: int, starts: int) -> frozenset[int]:
        owner = self.grammar.owner[place // MODES]
        return frozenset(self._return(chart, int(start), owner) for start in positions(starts))

    def _return(self, chart: Chart, start: int, called: int) -> int:
        """The callers at a position, each with what it may return to itself."""
        known = self.returns[start]
        if called not in known:
            known[called] = self._number(object())  # for callers that are begun by themselves: like no other
            callers = chart.calls.at(start, called) if called else []
            found = frozenset((after, self._starts(chart, after, begun)) for after, begun, _ in callers)
            known[called] = self._number((called, found))
        return known[called]
