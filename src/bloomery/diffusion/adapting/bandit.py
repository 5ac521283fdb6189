"""Which strategy comes next: by the gain that each brought for its cost, and by how little is known of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bloomery.core.errors import UserError


@dataclass
class Bandit:
    """Gains are in [0, 1]; costs are known, in any unit.

    Every strategy is tried once, in order; then the highest (mean + explore sqrt(2 ln N / n)) / cost. With
    equal costs and `explore` 1 this is UCB1. With `discount` below 1 old gains count less, since gains
    shrink as a model gets better.

    Source: UCB1 of Auer, Cesa-Bianchi, Fischer (2002); for costs fractional KUBE (arXiv 1204.1909); discount:
        arXiv 0805.3415 (discounted UCB)
    """

    costs: Sequence[float]
    explore: float = 1.0
    discount: float = 1.0
    counts: list[float] = field(default_factory=list)
    sums: list[float] = field(default_factory=list)
    tried: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.costs or min(self.costs) <= 0 or self.explore < 0 or not 0 < self.discount <= 1:
            raise UserError(
                f"a bandit has 1 strategy or more of cost above 0, explore >= 0 and 0 < discount <= 1; got"
                f" {self.costs}, {self.explore}, {self.discount}"
            )
        self.counts = self.counts or [0.0] * len(self.costs)
        self.sums = self.sums or [0.0] * len(self.costs)
        self.tried = self.tried or [False] * len(self.costs)

    def choose(self, most: float = math.inf) -> int | None:
        """A strategy that costs no more than `most`, the first of equals; None where there is none."""
        able = [arm for arm, cost in enumerate(self.costs) if cost <= most]
        fresh = [arm for arm in able if not self.tried[arm]]
        return fresh[0] if fresh else max(able, key=self.index, default=None)

    def index(self, arm: int) -> float:
        total = max(sum(self.counts), 1.0)
        bonus = self.explore * math.sqrt(2 * math.log(total) / self.counts[arm])
        return (self.sums[arm] / self.counts[arm] + bonus) / self.costs[arm]

    def known(self, arm: int) -> float | None:
        """The mean gain of a strategy; None before it was tried."""
        return self.sums[arm] / self.counts[arm] if self.tried[arm] else None

    def learn(self, arm: int, gain: float) -> None:
        """Raises: UserError of a gain outside [0, 1]"""
        if not 0 <= gain <= 1:
            raise UserError(f"a bandit learns gains from 0 to 1, not {gain}")
        self.counts = [count * self.discount for count in self.counts]
        self.sums = [total * self.discount for total in self.sums]
        self.counts[arm] += 1
        self.sums[arm] += gain
        self.tried[arm] = True

    def state(self) -> dict[str, Any]:
        return {"counts": list(self.counts), "sums": list(self.sums), "tried": list(self.tried)}
