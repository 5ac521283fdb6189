"""How far a measured rate may be from the true one."""

from collections.abc import Sequence
from itertools import product
from math import sqrt

Z_95 = 1.959963984540054


def wilson(correct: float, total: int, z: float = Z_95) -> tuple[float, float]:
    """The Wilson score interval of a rate, 95 % by default; (0, 1) where nothing was counted.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, 1927
    """
    if total == 0:
        return 0.0, 1.0
    rate = correct / total
    centre = (rate + z * z / (2 * total)) / (1 + z * z / total)
    half = z * sqrt(rate * (1 - rate) / total + z * z / (4 * total * total)) / (1 + z * z / total)
    return (0.0 if correct == 0 else centre - half), (1.0 if correct == total else centre + half)


def paired_difference(first: Sequence[bool], second: Sequence[bool], z: float = Z_95) -> tuple[float, float]:
    """The interval of the difference of two rates, first minus second, counted on the same examples.

    Units: 95 % by default; (-1, 1) where nothing was counted.
    Source: R. G. Newcombe, Improved confidence intervals for the difference between binomial proportions
    based on paired data, 1998, method 10: Wilson's intervals, squared and added, and the pairs' correlation.
    """
    pairs = list(zip(first, second, strict=True))
    if not pairs:
        return -1.0, 1.0
    total = len(pairs)
    a, b, c, d = (sum(pair == kind for pair in pairs) for kind in product((True, False), repeat=2))
    rates = (a + b) / total, (a + c) / total
    (low_1, high_1), (low_2, high_2) = (wilson(count, total, z) for count in (a + b, a + c))
    phi, difference = _correlation(a, b, c, d), rates[0] - rates[1]
    down = _apart(rates[0] - low_1, high_2 - rates[1], phi)
    up = _apart(high_1 - rates[0], rates[1] - low_2, phi)
    return difference - down, difference + up


def _correlation(a: int, b: int, c: int, d: int) -> float:
    """Of two yes-or-no outcomes, by how often they were both, one, the other, and neither; where positive,
    half a pair is taken off the evidence for it."""
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    if margins == 0:
        return 0.0
    together, total = a * d - b * c, a + b + c + d
    corrected = max(together - total / 2, 0.0) if together > 0 else float(together)
    return corrected / sqrt(margins)


def _apart(one: float, other: float, phi: float) -> float:
    return sqrt(max(one * one - 2 * phi * one * other + other * other, 0.0))
