"""Every way to read a canvas: an Earley chart over automata, its starts as the bits of integers.

`columns[j][place]` has bit i where the automaton of that place, begun at i, has read the positions from i to
j.
A position holds a set of terminals, so masks cost no search: all that they may be is read at once.
Source: Earley 1970, with regular right sides; deduction over all starts in one word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bloomery.diffusion.code.completing.calls import MANY, Calls, Column
from bloomery.diffusion.code.completing.grammar import MODES, PLAIN, Grammar


class Chart:
    """The columns of a canvas. `read` takes up what it has from the first position that differs."""

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self.tokens: list[int] = []
        self.columns: list[Column] = [{}]
        self.done: list[dict[int, int]] = [{}]
        self.calls = Calls(grammar, self.columns)
        self._first = {grammar.starts[0] * MODES: 1}
        self.columns[0].update(self._first)

    def read(self, tokens: Sequence[int]) -> bool:
        """Makes this the chart of these tokens; whether any reading of them is a program."""
        same = 0
        for ours, theirs in zip(self.tokens, tokens, strict=False):
            if ours != theirs:
                break
            same += 1
        self.trim(same)
        self.calls.widen(len(tokens))
        return all(self.grow(token) for token in tokens[same:]) and self.accepts()

    def accepts(self) -> bool:
        return any(self.columns[-1].get(place, 0) & 1 for place in self.grammar.ends[0])

    def trim(self, length: int) -> None:
        """Keeps what the first positions alone decide."""
        del self.columns[length + 1 :], self.done[length + 1 :], self.tokens[length:]
        self.calls.trim(length)
        column = self.columns[length]
        for place in (start * MODES for start in self.grammar.starts):
            if place in column:
                column[place] &= ~(1 << length)
                if not column[place]:
                    del column[place]
        if not length:
            self.columns[0].update(self._first)

    def grow(self, token: int) -> bool:
        """Reads one more; whether any beginning of a program goes on so."""
        self._predict(token)
        onward: Column = {}
        edges = self.grammar.edges(token)
        for place, starts in self.columns[-1].items():
            for after in edges[place]:
                onward[after] = onward.get(after, 0) | starts
        self.tokens.append(token)
        self.columns.append(onward)
        self.calls.lists.append(None)
        self.done.append(self._completed(onward))
        return bool(onward)

    def _predict(self, token: int) -> None:
        """The automata that may begin here with that token."""
        grammar, column, at = self.grammar, self.columns[-1], len(self.tokens)
        wanted: set[int] = set()
        for place in column:
            if place % MODES == PLAIN:
                wanted.update(grammar.begun[place // MODES])
        for called in wanted:
            if grammar.first[called] & token:
                place = grammar.starts[called] * MODES
                column[place] = column.get(place, 0) | 1 << at

    def _completed(self, column: Column) -> dict[int, int]:
        """Ends the automata that are at their end here, and moves on those that called them, to the last."""
        ended, done, waiting = self.grammar.ended, dict[int, int](), dict[int, int]()
        for place in ended.keys() & column.keys():
            waiting[ended[place]] = waiting.get(ended[place], 0) | column[place]
        while waiting:
            called = max(waiting)  # the inner ones, so that most are ended once
            new = waiting.pop(called) & ~done.get(called, 0)
            done[called] = done.get(called, 0) | new
            for place, starts in self._callers(called, new):
                more = starts & ~column.get(place, 0)
                if more:
                    column[place] = column.get(place, 0) | more
                    if place in ended:
                        waiting[ended[place]] = waiting.get(ended[place], 0) | more
        return done

    def _callers(self, called: int, starts: int) -> Iterator[tuple[int, int]]:
        if starts.bit_count() >= MANY:
            yield from self.calls.reached(called, starts, len(self.columns) - 1)
            return
        while starts:
            at = starts.bit_length() - 1
            starts ^= 1 << at
            for place, more, _ in self.calls.at(at, called):
                yield place, more
