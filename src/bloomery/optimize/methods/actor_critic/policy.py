"""Which proposal is worth measuring next: a contextual bandit over proposers and their operators."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

ALPHA = 0.1
"""The width of the bound. The theorem's, sqrt(ln(2TK / delta) / 2), explores for longer than a run of ours
lasts; this was chosen on one half of a corpus and looked at on the other (benchmarks/policy.py)."""


@dataclass
class LinUcb:
    """One linear estimate of the reward of all offers, each by its features, and how unsure it is.

    Features are numbers by name; what was never seen before is as unsure as it is large.

    Source: Chu, Li, Reyzin & Schapire 2011, Contextual Bandits with Linear Payoff Functions, algorithm 1
    (LinUCB): A and b are `gram` and `moment`.
    """

    alpha: float = ALPHA
    names: dict[str, int] = field(default_factory=dict)
    gram: np.ndarray = field(default_factory=lambda: np.eye(0))
    moment: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def value(self, features: Mapping[str, float]) -> float:
        """The reward that is expected."""
        return float(np.linalg.solve(self.gram, self.moment) @ self._row(features)[0]) if self.names else 0.0

    def bound(self, features: Mapping[str, float]) -> float:
        """The largest reward that is still believed."""
        x, unseen = self._row(features)
        known = float(x @ np.linalg.solve(self.gram, x)) if self.names else 0.0
        return self.value(features) + self.alpha * math.sqrt(known + unseen)

    def choose(self, offers: Sequence[Mapping[str, float]]) -> int:
        """The place of the offer with the largest bound; of equal ones the first."""
        bounds = [self.bound(one) for one in offers]
        return bounds.index(max(bounds))

    def learn(self, features: Mapping[str, float], reward: float) -> None:
        for name in features:
            self.names.setdefault(name, len(self.names))
        size, more = len(self.moment), len(self.names) - len(self.moment)
        grown = np.eye(size + more)
        grown[:size, :size] = self.gram
        self.gram, self.moment = grown, np.concatenate([self.moment, np.zeros(more)])
        x, _ = self._row(features)
        self.gram += np.outer(x, x)
        self.moment += reward * x

    def learn_all(self, seen: Iterable[Mapping[str, Any]]) -> "LinUcb":
        """From observations as they are kept: `features` and `reward`."""
        for one in seen:
            self.learn(one["features"], one["reward"])
        return self

    def _row(self, features: Mapping[str, float]) -> tuple[np.ndarray, float]:
        """The numbers of the features that were seen, and the sum of squares of the others."""
        x = np.zeros(len(self.names))
        unseen = 0.0
        for name, value in features.items():
            if name in self.names:
                x[self.names[name]] = value
            else:
                unseen += value * value
        return x, unseen
