"""An adaptive staircase: at which difficulty a solver solves a given share of problems, and how sure that is.

Source: Watson and Pelli 1983 (QUEST): ask where the threshold is believed to be, and update the belief
Differs: the slope is not fixed but integrated over, as in Kontsevich and Tyler 1999; questions are put at the
belief's quartiles in turn, several at a time, until the interval is narrow or a count is reached.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle
from math import log

import numpy as np
from numpy.typing import NDArray

from bloomery.core.errors import ConfigError

TARGET = 0.75
LAPSE = 0.02  # of the problems that are easy for it a solver still gets so many wrong
SLOPES = (0.01, 0.02, 0.04, 0.08, 0.16)  # as shares of the range of difficulties
STEEPEST = 0.2  # levels
GRID = 241
PLACES = (0.5, 0.25, 0.75)

Ask = Callable[[int, int], int]


@dataclass(frozen=True)
class Assessment:
    """The difficulty at which `target` of the problems are solved; `low` to `high` holds it at 95 %.

    Units: difficulty levels, not rounded; an end of the range stands for everything beyond it.
    """

    threshold: float
    low: float
    high: float
    target: float
    asked: dict[int, int]
    solved: dict[int, int]

    @property
    def answers(self) -> int:
        return sum(self.asked.values())


def assess(
    ask: Ask,
    levels: Sequence[int],
    *,
    chance: Callable[[int], float],
    target: float = TARGET,
    at_once: int = 8,
    most: int = 240,
    width: float = 1.0,
) -> Assessment:
    """Ask `ask(level, count)`, which says how many were solved, until the interval is `width` levels wide.

    It ends after `most` problems in any case.

    Raises: ConfigError where guessing alone reaches the target at some level, or there is no level.
    """
    belief = _Belief(levels, chance, target)
    asked, solved = dict.fromkeys(levels, 0), dict.fromkeys(levels, 0)
    places = cycle(PLACES)
    while sum(asked.values()) < most:
        low, high = belief.quantile(0.025), belief.quantile(0.975)
        if any(asked.values()) and high - low <= width:
            break
        level = belief.nearest(belief.quantile(next(places)))
        count = min(at_once, most - sum(asked.values()))
        right = ask(level, count)
        belief.update(level, right, count)
        asked[level] += count
        solved[level] += right
    middle, low, high = (belief.quantile(share) for share in (0.5, 0.025, 0.975))
    return Assessment(
        threshold=middle, low=low, high=high, target=target,
        asked={level: count for level, count in asked.items() if count},
        solved={level: solved[level] for level, count in asked.items() if count},
    )  # fmt: skip


class _Belief:
    """A grid over threshold and slope. Shapes: log_weight (GRID, slopes)."""

    def __init__(self, levels: Sequence[int], chance: Callable[[int], float], target: float) -> None:
        if not levels:
            raise ConfigError("a staircase needs at least one difficulty")
        self.levels, self.chance, self.target = sorted(levels), chance, target
        for level in self.levels:
            if not chance(level) < target < chance(level) + (1 - chance(level)) * (1 - LAPSE):
                raise ConfigError(
                    f"at difficulty {level} guessing solves {chance(level):.2f} and no solver more than "
                    f"{1 - LAPSE}: a target of {target} tells nothing; choose one between them"
                )
        first, last = self.levels[0], self.levels[-1]
        margin = max(1.0, 0.05 * (last - first))
        self.thresholds = np.linspace(first - margin, last + margin, GRID)
        self.slopes = np.unique([max(STEEPEST, share * (last - first)) for share in SLOPES])
        self.log_weight = np.zeros((GRID, len(self.slopes)))

    def update(self, level: int, right: int, count: int) -> None:
        p = solving(level, self.thresholds[:, None], self.slopes, self.chance(level), self.target)
        self.log_weight += right * np.log(p) + (count - right) * np.log(1 - p)

    def quantile(self, share: float) -> float:
        weight = np.exp(self.log_weight - self.log_weight.max()).sum(1)
        reached = np.cumsum(weight) / weight.sum()
        found = float(np.interp(share, reached, self.thresholds))
        return min(max(found, self.levels[0]), self.levels[-1])

    def nearest(self, place: float) -> int:
        return min(self.levels, key=lambda level: abs(level - place))


def solving(
    level: float, threshold: NDArray[np.float64], slope: NDArray[np.float64], chance: float, target: float
) -> NDArray[np.float64]:
    """The probability to solve a problem of a level: `target` at the threshold, chance far above it."""
    most = (1 - chance) * (1 - LAPSE)
    share = (target - chance) / most
    offset = log(share / (1 - share))
    return chance + most / (1 + np.exp(np.clip((level - threshold) / slope - offset, -50, 50)))


def reached(rates: Sequence[float], target: float = TARGET) -> int:
    """How many rungs from the first on are solved at `target` without a gap."""
    return next((number for number, rate in enumerate(rates) if rate < target), len(rates))
