"""When a ratio is surely above one: intervals, and the looks at which a comparison may end.

Design: fixed looks after 10, 20, 40, ... pairs, the last when all are made. At each a claim may be made, at
the one-sided level 0.005 divided by the number of looks, so that the chance of a wrong claim at any of them
is at most 0.005 whatever depends on what (Bonferroni's inequality; it gives up a little of the power of the
bounds of Pocock 1977 or O'Brien and Fleming 1979 and asks for no normality). Ending without a claim, as soon
as none is in sight, can only lower that chance.

Source: the bound on the median is the wider one of the bootstrap's percentile interval (Efron 1979) and the
order statistics' interval, which is exact for any distribution (Thompson 1936). Under exchange of equals the
random order of each pair makes the ratio's median one, whatever the machine is busy with.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

ERROR = 0.005
"""The chance of a wrong claim in one comparison: one side, all looks together."""
FIRST_LOOK = 10
FEWEST = 8
GLANCE = 3
"""After so many pairs a comparison ends where nothing is in sight."""
RESAMPLES = 4000


@dataclass(frozen=True)
class Estimate:
    """The median of ratios, with both one-sided bounds."""

    ratio: float
    low: float
    high: float
    pairs: int

    @property
    def interval(self) -> tuple[float, float]:
        return self.low, self.high

    def sure(self, least: float) -> bool:
        """More than none, and at least as much as matters."""
        return self.low > 1 and self.ratio >= least

    def surely_less(self, least: float) -> bool:
        return self.high < 1 and self.ratio <= 1 / least

    def idle(self, least: float) -> bool:
        """No loss that matters, and nearer to no gain than to one that does."""
        return 1 / least < self.ratio < (1 + least) / 2


def looks(trials: int, first: int = FIRST_LOOK) -> tuple[int, ...]:
    """After how many pairs a claim may be made."""
    found = []
    at = first
    while at < trials:
        found.append(at)
        at *= 2
    return (*found, trials)


def planned(trials: int, error: float) -> tuple[tuple[int, ...], float]:
    """The looks, and the error of each: the first when so few pairs can bound anything at that error."""
    first = FIRST_LOOK
    while first < trials and not exact_rank(first, error / len(looks(trials, first))):
        first += 1
    found = looks(trials, first)
    return found, error / len(found)


def estimate(before: Sequence[float], after: Sequence[float], *, error: float, seed: int) -> Estimate:
    """Of the ratios before / after, pair by pair; `error`: of each bound."""
    import numpy as np

    ratios = np.sort(np.log(np.asarray(before) / np.asarray(after)))
    drawn = np.random.default_rng(seed).choice(ratios, size=(RESAMPLES, len(ratios)))
    boot = np.sort(np.median(drawn, axis=1))
    cut = math.floor(error * RESAMPLES)
    rank = exact_rank(len(ratios), error)
    low = -math.inf if rank == 0 else float(min(boot[cut], ratios[rank - 1]))
    high = math.inf if rank == 0 else float(max(boot[-cut - 1], ratios[-rank]))
    return Estimate(math.exp(float(np.median(ratios))), math.exp(low), math.exp(high), len(ratios))


def exact_rank(count: int, error: float) -> int:
    """The largest k for which the k-th smallest of `count` values is above the median at most that often."""
    rank, below = 0, 0.0
    while rank < count:
        below += math.comb(count, rank) / 2**count
        if below > error:
            break
        rank += 1
    return rank
