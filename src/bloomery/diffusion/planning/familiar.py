"""Whether a state is like those that a planner learned from: how far it is from the nearest of them."""

from dataclasses import dataclass

import numpy as np

from .data import Rides
from .mazes import Floats
from .simulator import MOST_SPEED

KEPT, TRIED = 4000, 4000
COMMON = 0.999  # of tried states are nearer than the limit
SPEED_WEIGHT = 1 / MOST_SPEED  # a full speed counts as much as one cell


@dataclass(frozen=True)
class Familiar:
    """Shapes: kept (N, 4) states that were seen. `limit` is the distance that few others of them exceed."""

    kept: Floats
    limit: float

    @classmethod
    def of(cls, rides: Rides, seed: int = 0) -> "Familiar":
        """A sample of the rides' states, and the limit measured on others of them."""
        seen = rides.states.reshape(-1, rides.states.shape[-1])
        drawn = np.random.default_rng(seed).permutation(len(seen))
        kept, tried = seen[drawn[:KEPT]], seen[drawn[KEPT : KEPT + TRIED]]
        limit = float(np.quantile(_nearest(kept, tried), COMMON))
        return cls(kept, limit)

    def strangeness(self, states: Floats) -> Floats:
        """How many times the limit states are away from what was seen; above 1 they are out of distribution.

        Shapes: (B, 4) -> (B,)
        """
        return _nearest(self.kept, states) / self.limit

    def strange_places(self, places: Floats) -> Floats:
        """The same of positions at any speed. Shapes: (B, 2) -> (B,)"""
        apart = np.linalg.norm(places[:, None] - self.kept[None, :, :2], axis=-1)
        return apart.min(axis=1) / self.limit


def _nearest(kept: Floats, states: Floats) -> Floats:
    weight = np.array([1.0, 1.0, SPEED_WEIGHT, SPEED_WEIGHT])
    from_, to = states * weight, kept * weight
    blocks = [np.linalg.norm(some[:, None] - to[None], axis=-1).min(axis=1) for some in _split(from_)]
    return np.concatenate(blocks)


def _split(states: Floats, rows: int = 256) -> list[Floats]:
    return [states[at : at + rows] for at in range(0, len(states), rows)] or [states]
