"""Scores of texts as rewards of samples (`guiding.rewards`): one finite number from 0 to 1 for each."""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from bloomery.core.errors import Failure, UserError
from bloomery.diffusion.code.quality.scores import expect_weights
from bloomery.diffusion.guiding.rewards import Reward

Score = Callable[[str], float]


@dataclass
class Guarded:
    """A score that others wrote: where it raises, or says no finite number, the text is worth 0.

    What went wrong is counted in `failed`; nothing is worth more by failing. A number outside of 0 to 1 is
    another scale, on which cut numbers would all be alike.

    Raises: UserError for such a number.
    """

    score: Score
    failed: Counter[str] = field(default_factory=Counter)

    def __call__(self, text: str) -> float:
        try:
            found = float(self.score(text))
        except Failure:  # a capability that is missing is no property of the text
            raise
        except Exception as error:  # edge: a function of the user's
            self.failed[f"{type(error).__name__}: {error}"] += 1
            return 0.0
        if not math.isfinite(found):
            self.failed[f"{found}"] += 1
            return 0.0
        if not 0 <= found <= 1:
            raise UserError(
                f"a score is from 0 to 1; this one says {found:g} of a text of {len(text)} characters: "
                "scale it, such as by its greatest value"
            )
        return found


def combined(parts: Mapping[str, tuple[Score, float]]) -> Score:
    """The weighted mean of several scores, each guarded.

    Raises: ConfigError for weights that are negative, not finite, or all 0.
    """
    weights = [weight for _, weight in parts.values()]
    expect_weights(weights)
    guarded = [(Guarded(score), weight) for score, weight in parts.values()]

    def score(text: str) -> float:
        return sum(weight * part(text) for part, weight in guarded if weight) / sum(weights)

    return score


def reward(decode: Callable[[list[int]], str], score: Score) -> Reward:
    """A reward of rows of tokens; equal rows are scored once.

    Shapes: samples (B, L) -> (B,)
    """

    def of(samples: Tensor) -> Tensor:
        known: dict[tuple[int, ...], float] = {}
        for row in samples.tolist():
            if tuple(row) not in known:
                known[tuple(row)] = score(decode(row))
        return torch.tensor([known[tuple(row)] for row in samples.tolist()], dtype=torch.float64)

    return of
