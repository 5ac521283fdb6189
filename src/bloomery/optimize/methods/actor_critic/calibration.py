"""How far a critic can be trusted: what it said before, beside what was measured after."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BINS = 5


@dataclass(frozen=True)
class Forecast:
    """Said before: the chance of acceptance and the score; measured after: both."""

    chance: float
    score: float
    accepted: bool
    reward: float


@dataclass(frozen=True)
class Calibration:
    """`brier`: the mean squared error of the chances, beside that of always saying the base rate.

    `reliability` and `resolution` are parts of it in bins: how far chances are from frequencies (0 is best),
    and how far frequencies are from the base rate (more is better). `rank`: Spearman's correlation of scores
    and rewards; None where all are equal.
    """

    count: int
    brier: float
    brier_of_base_rate: float
    reliability: float
    resolution: float
    rank: float | None
    bins: tuple[tuple[float, float, int], ...]


def calibrated(forecasts: Sequence[Forecast]) -> Calibration | None:
    """None before the first forecast.

    Source: Brier 1950 for the score; Murphy 1973, A New Vector Partition of the Probability Score, for the
    parts of it.
    """
    if not forecasts:
        return None
    chance = np.array([one.chance for one in forecasts])
    came = np.array([float(one.accepted) for one in forecasts])
    base = float(came.mean())
    place = np.minimum((chance * BINS).astype(int), BINS - 1)
    bins = []
    reliability = resolution = 0.0
    for at in sorted(set(place.tolist())):
        said, got = float(chance[place == at].mean()), float(came[place == at].mean())
        count = int((place == at).sum())
        reliability += count * (said - got) ** 2 / len(forecasts)
        resolution += count * (got - base) ** 2 / len(forecasts)
        bins.append((said, got, count))
    return Calibration(
        count=len(forecasts),
        brier=float(((chance - came) ** 2).mean()),
        brier_of_base_rate=base * (1 - base),
        reliability=reliability,
        resolution=resolution,
        rank=spearman([one.score for one in forecasts], [one.reward for one in forecasts]),
        bins=tuple(bins),
    )


def spearman(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Pearson's correlation of ranks, equal values sharing the mean of theirs."""
    a, b = ranks(one), ranks(other)
    if len(one) < 2 or float(a.std()) == 0 or float(b.std()) == 0:
        return None
    return float(np.corrcoef(a, b)[0, 1])


def ranks(values: Sequence[float]) -> np.ndarray:
    array = np.asarray(values, dtype=float)
    order = np.argsort(array, kind="stable")
    found = np.empty(len(array))
    found[order] = np.arange(len(array), dtype=float)
    for value in np.unique(array):
        found[array == value] = found[array == value].mean()
    return found
