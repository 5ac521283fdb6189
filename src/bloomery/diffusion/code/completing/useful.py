"""What each position of a canvas may be, exactly: the terminals on some reading of the whole.

The chart holds what the left allows; going back over it leaves what the right allows too.
"""

from __future__ import annotations

import numpy as np

from bloomery.diffusion.code.completing.calls import MANY, Column, Words, number, positions, words
from bloomery.diffusion.code.completing.chart import Chart


def useful(chart: Chart, since: int = 0) -> list[int]:
    """The terminals of each position from `since` on; all are empty where nothing completes the canvas."""
    return _Back(chart).terminals(since)


class _Back:
    """The part of each column that is on a reading of the whole."""

    def __init__(self, chart: Chart) -> None:
        self.chart, self.grammar = chart, chart.grammar
        self.columns: list[Column] = [{} for _ in chart.columns]
        self.owed: dict[int, Words] = {}

    def terminals(self, since: int) -> list[int]:
        length = len(self.chart.tokens)
        found = [0] * (length - since)
        if not self.chart.accepts():
            return found
        for place in self.grammar.ends[0]:
            self._mark(length, place, 1)
        self._return(length)
        for at in range(length - 1, since - 1, -1):
            self._collect(at)
            found[at - since] = self._back(at)
            self._return(at)
        return found

    def _mark(self, at: int, place: int, starts: int) -> int:
        """Which of these starts are new."""
        column = self.columns[at]
        new = starts & self.chart.columns[at].get(place, 0) & ~column.get(place, 0)
        if new:
            column[place] = column.get(place, 0) | new
        return new

    def _back(self, at: int) -> int:
        """Over the token at a position: its terminals that lead to something useful."""
        edges, after, found = self.grammar.edges(self.chart.tokens[at]), self.columns[at + 1], 0
        column = self.columns[at]
        for place, starts in self.chart.columns[at].items():
            for onward, terminals in edges[place].items():
                both = starts & after.get(onward, 0)
                if both:
                    column[place] = column.get(place, 0) | both
                    found |= terminals
        return found

    def _return(self, at: int) -> None:
        """From callers that go on here to the ends of what they called, until nothing is new."""
        done, column = self.chart.done[at], self.columns[at]
        seen: dict[int, tuple[int, ...]] = {}
        waiting = set(done)
        while waiting:
            called = min(waiting)  # the outer ones, so that most are looked at once
            waiting.discard(called)
            here = tuple(column.get(site, 0) for site in self.grammar.sites[called])
            if not any(here) or seen.get(called) == here:
                continue
            seen[called] = here
            starts = self._returned(at, called, here)
            if sum(bool(self._mark(at, end, starts)) for end in self.grammar.ends[called]):
                waiting |= self.grammar.enders[called] & done.keys()

    def _returned(self, at: int, called: int, here: tuple[int, ...]) -> int:
        """Where the calls began that the useful places here come from; their callers are useful, too."""
        if self.chart.done[at][called].bit_count() >= MANY:
            return self._returned_in_rows(at, called, here)
        after, found, starts = (
            dict(zip(self.grammar.sites[called], here, strict=True)),
            0,
            self.chart.done[at][called],
        )
        while starts:
            start = starts.bit_length() - 1
            starts ^= 1 << start
            for place, callers, caller in self.chart.calls.at(start, called):
                both = callers & after[place]
                if both:
                    found |= 1 << start
                    self._mark(start, caller, both)
        return found

    def _returned_in_rows(self, at: int, called: int, here: tuple[int, ...]) -> int:
        rows = self.chart.calls.rows(called, at)
        if called not in self.owed:
            self.owed[called] = np.zeros((len(self.columns), *rows.shape[1:]), np.uint64)
        sites = np.array([site for site, starts in enumerate(here) if starts])
        starts = positions(self.chart.done[at][called])
        chosen = np.ix_(starts, sites)
        both = rows[chosen] & words([here[site] for site in sites], rows.shape[2])
        self.owed[called][chosen] |= both
        return sum(1 << int(start) for start in starts[both.any(axis=(1, 2))])

    def _collect(self, at: int) -> None:
        """What later positions found useful here."""
        for called, owed in self.owed.items():
            row = owed[at]
            sites = self.grammar.sites[called]
            after = {sites[site]: number(row[site]) for site in np.flatnonzero(row.any(axis=1))}
            if after:
                for place, callers, caller in self.chart.calls.at(at, called):
                    self._mark(at, caller, callers & after.get(place, 0))
