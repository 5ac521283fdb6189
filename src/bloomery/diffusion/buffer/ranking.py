"""How likely a rank is drawn: rank r, 1 the best, weighs r^-alpha.

The law knows order alone, so no rescaling of rewards moves it, and it has no length of its own: for alpha < 1
the best share f of the entries gets about f^(1 - alpha) of the draws, however many entries there are. At 0
all are alike. Equal scores share their ranks' weight evenly.
"""

from bisect import bisect_right
from typing import Any

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]
Whole = NDArray[np.int64]


class RankLaw:
    """P(rank) of up to `most` entries.

    Source: arXiv 1511.05952 (prioritized experience replay), section 3.3, rank-based
    Differs: ranks are exact at any time, and equal scores equally likely.
    """

    def __init__(self, alpha: float, most: int) -> None:
        weights = np.arange(1, most + 1, dtype=np.float64) ** -alpha
        self.sums = np.concatenate([np.zeros(1), np.cumsum(weights)])  # of the best 0, 1, 2, ... ranks
        self._sum: Any = memoryview(self.sums)  # type: ignore[arg-type]

    def draw(self, u: float, entries: int) -> int:
        """The rank, from 0, at which a uniform number of [0, 1) falls.

        The last number below 1, times the sum, still rounds to less than the sum: no rank is beyond the last.
        """
        return bisect_right(self._sum, u * self._sum[entries], 0, entries + 1) - 1

    def draw_all(self, u: Real, entries: int) -> Whole:
        """`draw` of many. Shapes: (B,) -> (B,)"""
        sums = self.sums[: entries + 1]
        return np.searchsorted(sums, u * sums[-1], "right") - 1

    def probability(self, better: int, alike: int, entries: int) -> float:
        """Of one of `alike` entries of equal score, when `better` are above them."""
        return (self._sum[better + alike] - self._sum[better]) / (alike * self._sum[entries])

    def probability_all(self, better: Whole, alike: Whole, entries: int) -> Real:
        """`probability` of many. Shapes: (B,), (B,) -> (B,)"""
        return (self.sums[better + alike] - self.sums[better]) / (alike * self.sums[entries])
