"""Whether a canvas can still be completed, what a position of it may be, and which of several commits fit.

A canvas is a row of sets of terminals: a token is one (or the few that a word may be), a mask all that it may
become. A mask stands for exactly one terminal; `may_pad` lets it stand for none, too.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from bloomery.core.errors import UserError
from bloomery.diffusion.code.completing.chart import Chart
from bloomery.diffusion.code.completing.counting import may_balance, settled
from bloomery.diffusion.code.completing.grammar import PAD, TRIVIA, Grammar
from bloomery.diffusion.code.completing.languages import grammar
from bloomery.diffusion.code.completing.networks import LINE
from bloomery.diffusion.code.completing.useful import useful

Cell = str | Collection[str] | None  # a terminal, several that it may be, or a mask


class Committed(NamedTuple):
    """What of the proposals was kept, and what would have left nothing to complete."""

    canvas: list[int]
    kept: list[int]
    refused: list[int]
    misspelled: list[int]  # those refused for what their pieces spell, not by the grammar


class Completer:
    """The completions of one canvas after another; what stays the same to the left is not read again."""

    def __init__(self, grammar: Grammar) -> None:
        self.grammar, self._chart = grammar, Chart(grammar)

    def completable(self, canvas: Sequence[int]) -> bool:
        return may_balance(self.grammar, canvas) and self._chart.read(settled(self.grammar, canvas))

    def admissible(self, canvas: Sequence[int], since: int = 0) -> list[int]:
        """For each position, from `since` on, the terminals that some completion of the canvas has there."""
        return useful(self._chart, since) if self.completable(canvas) else [0] * (len(canvas) - since)

    def commit(self, canvas: Sequence[int], proposals: Sequence[tuple[int, int]]) -> Committed:
        """As many proposals (position, terminals) as fit together, the first ones first.

        Each may be admissible alone and not with the others. What is kept is completable together; what is
        refused would not be, beside those kept before it.
        """
        found, kept, refused, left = list(canvas), [], [], list(range(len(proposals)))
        while left:
            fits = self._most(found, [proposals[at] for at in left])
            found = _with(found, [proposals[at] for at in left[:fits]])
            kept += left[:fits]
            refused += left[fits : fits + 1]
            left = left[fits + 1 :]
        return Committed(found, kept, refused, [])

    def _most(self, canvas: list[int], proposals: list[tuple[int, int]]) -> int:
        """How many from the first on fit together."""
        if self.completable(_with(canvas, proposals)):
            return len(proposals)
        fits, too_many = 0, len(proposals)
        while too_many - fits > 1:
            half = (fits + too_many) // 2
            if self.completable(_with(canvas, proposals[:half])):
                fits = half
            else:
                too_many = half
        return fits


def _with(canvas: list[int], proposals: Iterable[tuple[int, int]]) -> list[int]:
    found = list(canvas)
    for position, terminals in proposals:
        found[position] &= terminals
    return found


def cells(canvas: Iterable[Cell], grammar: Grammar, wild: int) -> list[int]:
    """A canvas by names as sets of terminals; None is a mask."""
    return [
        wild if cell is None else grammar.bits([cell] if isinstance(cell, str) else cell) for cell in canvas
    ]


def wild(grammar: Grammar, *, trivia: bool = False, may_pad: bool = False) -> int:
    """What a mask may become: any terminal; with `trivia` remarks, spaces and idle line breaks, too."""
    barred = set() if trivia else {*TRIVIA, LINE, "EDGE"}
    barred = (barred - {PAD}) if may_pad else (barred | {PAD})
    return grammar.bits(terminal for terminal in grammar.terminals if terminal not in barred)


def completable(
    canvas: Iterable[Cell], language: str, *, trivia: bool = False, may_pad: bool = False
) -> bool:
    """Whether some program of the language has these terminals, with one terminal for each None.

    Raises: UnknownName for a language or a terminal.
    """
    known = grammar(language)
    return _completer(language).completable(cells(canvas, known, wild(known, trivia=trivia, may_pad=may_pad)))


def admissible(
    canvas: Sequence[Cell], position: int, language: str, *, trivia: bool = False, may_pad: bool = False
) -> frozenset[str]:
    """What a position may be in some completion of the canvas.

    Raises: UnknownName; UserError for a position outside of it.
    """
    if not 0 <= position < len(canvas):
        raise UserError(f"position {position} of a canvas of {len(canvas)}")
    known = grammar(language)
    found = _completer(language).admissible(cells(canvas, known, wild(known, trivia=trivia, may_pad=may_pad)))
    return frozenset(known.names(found[position]))


@functools.lru_cache(maxsize=8)
def _completer(language: str) -> Completer:
    return Completer(grammar(language))
