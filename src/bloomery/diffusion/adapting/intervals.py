"""The gain of one model over another on the same noise, and an interval of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bloomery.core.errors import UserError

Real = NDArray[np.float64]
FEWEST = 8  # pairs a task: fewer resample to too few different means
RESAMPLES = 4000


@dataclass(frozen=True)
class Gain:
    """A mean difference and its interval."""

    mean: float
    low: float
    high: float


def paired(after: Real, before: Real, level: float, seed: int) -> Gain:
    """The mean over tasks of the mean paired difference; the interval misses it with chance `level`.

    Pairs are drawn anew within each task: what is claimed is claimed of these tasks.

    Shapes: after, before (T, m)
    Source: the percentile interval of Efron (1979), stretched by sqrt(m / (m - 1)), without which it is too
        short of few pairs
    """
    gaps = after - before
    tasks, pairs = gaps.shape
    if pairs < FEWEST:
        raise UserError(f"an interval is made of {FEWEST} pairs a task or more, not {pairs}")
    if not 0 < level < 1:
        raise UserError(f"an interval's level is between 0 and 1; got {level}")
    random = np.random.default_rng(seed)
    drawn = np.zeros(RESAMPLES)
    for task in gaps:
        drawn += task[random.integers(pairs, size=(RESAMPLES, pairs))].mean(1) / tasks
    mean = float(gaps.mean(1).mean())
    low, high = np.quantile(drawn, [level / 2, 1 - level / 2]) - mean
    stretch = float(np.sqrt(pairs / (pairs - 1)))
    return Gain(mean, mean + stretch * float(low), mean + stretch * float(high))


def unit_gain(after: Real, before: Real) -> float:
    """A gain without units, from 0 (none, or a loss) to 1.

    Half the difference of two halves' means is never more than the deviation of both together, so no gain has
    to be cut off. Shapes: (T, m)
    """
    spread = np.concatenate([after, before], 1).std(1)
    gaps = (after - before).mean(1)
    shares = np.divide(gaps, 2 * spread, out=np.zeros_like(gaps), where=spread > 0)
    return float(np.clip(shares.mean(), 0, 1))
