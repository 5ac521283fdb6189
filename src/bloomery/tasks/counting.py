"""Exact counts behind chance levels."""

from fractions import Fraction
from functools import cache
from math import comb


@cache
def expected_largest_count(draws: int, values: int) -> float:
    """The mean of the largest count when `draws` values are drawn evenly from `values` different ones."""
    at_most = [_ways_with_counts_at_most(draws, values, largest) for largest in range(draws + 1)]
    total = values**draws
    return float(sum(Fraction(total - ways, total) for ways in at_most[:-1]))


def _ways_with_counts_at_most(draws: int, values: int, largest: int) -> int:
    """Sequences of `draws` values in which none of the `values` occurs more than `largest` times."""
    ways = [1] + [0] * draws
    for _ in range(values):
        ways = [
            sum(comb(length, here) * ways[length - here] for here in range(min(largest, length) + 1))
            for length in range(draws + 1)
        ]
    return ways[draws]


@cache
def sums(terms: int, values: int) -> tuple[int, ...]:
    """How many sequences of `terms` numbers from 0 to `values - 1` have the sum s, for each s."""
    if terms == 0:
        return (1,)
    shorter = sums(terms - 1, values)
    longest = len(shorter) + values - 1
    return tuple(sum(shorter[max(0, s - values + 1) : s + 1]) for s in range(longest))
