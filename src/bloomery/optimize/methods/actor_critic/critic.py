"""What will come of a proposal, said before it is measured: whether it is accepted, and its score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

PENALTY = 1.0
"""Of the squared weights: about one observation's worth against each feature."""
ROUNDS = 25
SMALL = 1e-9


@dataclass
class Critic:
    """Logistic regression for acceptance, ridge regression for the score of what is accepted.

    Features are numbers by name; one that was never seen weighs nothing. Without observations it says a half.
    """

    names: list[str] = field(default_factory=list)
    acceptance: np.ndarray = field(default_factory=lambda: np.zeros(0))
    score: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def taught(cls, seen: Sequence[Mapping[str, Any]]) -> "Critic":
        """By observations as they are kept: `features`, `accepted`, `reward`."""
        names = sorted({name for one in seen for name in one["features"]})
        if not names:
            return cls()
        x = np.array([[one["features"].get(name, 0.0) for name in names] for one in seen])
        y = np.array([float(one["accepted"]) for one in seen])
        good = y > 0
        rewards = np.array([one["reward"] for one in seen])
        return cls(names, logistic(x, y), ridge(x[good], rewards[good] - 0.5))

    def acceptance_of(self, features: Mapping[str, float]) -> float:
        """The probability that it is accepted."""
        return float(_sigmoid(self._row(features) @ self.acceptance)) if self.names else 0.5

    def predict(self, features: Mapping[str, float]) -> tuple[float, float]:
        """The probability that it is accepted, and the score that is expected of it, from 0 to 1."""
        chance = self.acceptance_of(features)
        best = 0.5 + float(self._row(features) @ self.score) if self.names else 0.5
        return chance, chance * min(1.0, max(0.0, best))

    def reasons(self, features: Mapping[str, float]) -> list[tuple[str, float]]:
        """What each feature adds to the log odds of acceptance, the weightiest first."""
        added = self._row(features) * self.acceptance
        found = [(name, float(one)) for name, one in zip(self.names, added, strict=True) if one]
        return sorted(found, key=lambda pair: (-abs(pair[1]), pair[0]))

    def _row(self, features: Mapping[str, float]) -> np.ndarray:
        return np.array([features.get(name, 0.0) for name in self.names])


def logistic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Weights of the largest penalised likelihood, by Newton's method.

    Source: Hastie, Tibshirani & Friedman, The Elements of Statistical Learning, 2nd ed., section 4.4.1 (the
    step) and formula 4.31 (a penalty; here of squares).
    """
    weights = np.zeros(x.shape[1])
    for _ in range(ROUNDS):
        p = _sigmoid(x @ weights)
        slope = x.T @ (y - p) - PENALTY * weights
        bend = (x * (p * (1 - p))[:, None]).T @ x + PENALTY * np.eye(x.shape[1])
        step = np.linalg.solve(bend, slope)
        weights = weights + step
        if float(np.abs(step).max()) < SMALL:
            break
    return weights


def ridge(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The same book's formula 3.44; zeros without observations."""
    return np.linalg.solve(x.T @ x + PENALTY * np.eye(x.shape[1]), x.T @ y)


def _sigmoid(value: Any) -> Any:
    return 1 / (1 + np.exp(-np.clip(value, -40, 40)))
