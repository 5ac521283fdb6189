"""How far a measured rate may be from the true one."""

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
