"""What needs no chart: brackets and blocks that cannot come out even, neighbours that do not go together."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence

from bloomery.diffusion.code.completing.grammar import Grammar

PAIRS = (("(", ")"), ("[", "]"), ("{", "}"), ("INDENT", "DEDENT"))


def may_balance(grammar: Grammar, canvas: Sequence[int]) -> bool:
    """Never false of a canvas that can be completed."""
    return all(_is_even(canvas, opens, closes) for opens, closes in _pairs(grammar))


@functools.lru_cache(maxsize=32)
def _pairs(grammar: Grammar) -> tuple[tuple[int, int], ...]:
    known = [pair for pair in PAIRS if pair[0] in grammar.index and pair[1] in grammar.index]
    return tuple((grammar.bits([opens]), grammar.bits([closes])) for opens, closes in known)


def _is_even(canvas: Sequence[int], opens: int, closes: int) -> bool:
    """Whether the depth may stay at zero or above and end at zero; only its bounds are kept."""
    low = high = 0
    for cell in canvas:
        high += 1 if cell & opens else -1 if cell == closes else 0
        low -= 1 if cell & closes else -1 if cell == opens else 0
        if high < 0:
            return False
        low = max(low, 0)
    return low == 0


def settled(grammar: Grammar, canvas: Sequence[int]) -> list[int]:
    """Without what cannot stand beside a neighbour that is decided, trivia between them aside."""
    found = list(canvas)
    if not grammar.neighbours:
        return found
    places = [at for at, cell in enumerate(found) if cell & ~grammar.trivia]
    for at, after in itertools.pairwise(places):
        for left, right in grammar.neighbours:
            if not found[at] & ~left:
                found[after] &= ~right
    for at, after in reversed(list(itertools.pairwise(places))):
        for left, right in grammar.neighbours:
            if not found[after] & ~right:
                found[at] &= ~left
    return found
