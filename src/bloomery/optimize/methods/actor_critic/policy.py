"""Which proposal is worth measuring next: a contextual bandit over proposers and their operators."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

ALPHA = 0.6
"""The width of the bound. The paper's inequality asks for 1 + sqrt(ln(2 / delta) / 2) and its experiments, as
this, for less."""


@dataclass
class Arm:
    """What was seen of one arm: `gram` is A, `moment` is b of algorithm 1."""

    gram: np.ndarray
    moment: np.ndarray
    pulls: int = 0
    total: float = 0.0

    @property
    def mean(self) -> float:
        return self.total / self.pulls if self.pulls else math.nan


@dataclass
class LinUcb:
    """A linear estimate of the reward for each arm, and how unsure it is.

    Source: Li, Chu, Langford & Schapire 2010, A Contextual-Bandit Approach to Personalized News Article
    Recommendation: algorithm 1, LinUCB with disjoint linear models, and the choice by its formula (5).
    Differs: what has never been tried starts from the mean of all rewards, not from 0.
    """

    size: int
    alpha: float = ALPHA
    arms: dict[str, Arm] = field(default_factory=dict)

    @property
    def mean(self) -> float:
        """Of all rewards so far; a half before the first."""
        pulls = sum(arm.pulls for arm in self.arms.values())
        return sum(arm.total for arm in self.arms.values()) / pulls if pulls else 0.5

    def value(self, name: str, context: Sequence[float]) -> float:
        """The reward that is expected of an arm."""
        x, arm = np.asarray(context), self._arm(name)
        theta = np.linalg.solve(arm.gram, arm.moment)
        return float(theta @ x) + self.mean * self._unknown(arm, x)

    def bound(self, name: str, context: Sequence[float]) -> float:
        """The largest reward that is still believed of an arm."""
        x, arm = np.asarray(context), self._arm(name)
        return self.value(name, context) + self.alpha * math.sqrt(float(x @ np.linalg.solve(arm.gram, x)))

    def choose(self, offers: Sequence[tuple[str, Sequence[float]]]) -> int:
        """The place of the offer with the largest bound; of equal ones the first."""
        bounds = [self.bound(name, context) for name, context in offers]
        return bounds.index(max(bounds))

    def learn(self, name: str, context: Sequence[float], reward: float) -> None:
        x = np.asarray(context, dtype=float)
        arm = self.arms.setdefault(name, self._arm(name))
        arm.gram = arm.gram + np.outer(x, x)
        arm.moment = arm.moment + reward * x
        arm.pulls += 1
        arm.total += reward

    def learn_all(self, seen: Iterable[Mapping[str, Any]]) -> "LinUcb":
        """From observations as they are kept: `arm`, `context`, `reward`."""
        for one in seen:
            self.learn(one["arm"], one["context"], one["reward"])
        return self

    def _arm(self, name: str) -> Arm:
        return self.arms.get(name) or Arm(np.eye(self.size), np.zeros(self.size))

    def _unknown(self, arm: Arm, x: np.ndarray) -> float:
        """How much of a context an arm knows nothing of: 1 before the first pull, then towards 0."""
        return float(x @ np.linalg.solve(arm.gram, x)) / float(x @ x)
