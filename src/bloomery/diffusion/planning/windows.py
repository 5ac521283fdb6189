"""What the planner learns from: windows of rides, every few steps, that stop where the ride or a cut ends.

A window begins anywhere in a ride and ends at its goal, or, half of the time, at a random later step of it;
what is left of the window holds that place at rest. So a plan's last way-point is its goal, plans are as
long as their way is, and the rest of the window is waiting.

Differs: Diffuser's windows run on through the next rides: a plan to a near goal then fills its time with
detours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bloomery.core.errors import UserError

from .data import Rides
from .mazes import Floats, Maze
from .simulator import MOST_SPEED

Indices = NDArray[np.int64]
STATE, ACTION = 4, 2
WIDTH = STATE + ACTION  # of a token: position, speed, the mean action until the next token


@dataclass(frozen=True, kw_only=True)
class Spec:
    """How long windows are."""

    horizon: int  # tokens
    stride: int  # steps from one token to the next

    def __post_init__(self) -> None:
        if self.horizon < 2 or self.stride < 1:
            raise UserError(f"a window has 2 tokens or more, a step or more apart; got {self}")

    @property
    def span(self) -> int:
        """Steps from the first token to the last."""
        return (self.horizon - 1) * self.stride


@dataclass(frozen=True)
class Scale:
    """Numbers near -1 to 1 of states and actions; positions by the size of the maze."""

    rows: int
    columns: int

    @classmethod
    def of(cls, maze: Maze) -> "Scale":
        return cls(*maze.walls.shape)

    @property
    def middle(self) -> Floats:
        return np.array([self.rows / 2 - 0.5, self.columns / 2 - 0.5, 0, 0, 0, 0])

    @property
    def reach(self) -> Floats:
        return np.array([self.rows / 2, self.columns / 2, MOST_SPEED, MOST_SPEED, 1, 1])

    def inward(self, found: Floats) -> Tensor:
        """Shapes: (..., n) of the first n entries of a token -> the same"""
        n = found.shape[-1]
        return torch.from_numpy(((found - self.middle[:n]) / self.reach[:n]).astype(np.float32))

    def outward(self, scaled: Tensor) -> Floats:
        n = scaled.shape[-1]
        return scaled.double().numpy() * self.reach[:n] + self.middle[:n]


class Windows:
    """A window from each state of each ride. Items are visits and places; `drawn` makes a batch of them."""

    def __init__(self, rides: Rides, spec: Spec, scale: Scale, *, cut: float = 0.5, seed: int = 0) -> None:
        self.rides, self.spec, self.scale, self.cut, self.seed = rides, spec, scale, cut, seed
        self.last = last_states(rides.ends)
        self.length = rides.actions.shape[1]
        pushed = np.zeros((len(rides.actions), self.length + 1, ACTION))
        self.pushed = np.cumsum(np.concatenate([pushed[:, :1], rides.actions], axis=1), axis=1)

    def __len__(self) -> int:
        return self.rides.transitions

    def __getitem__(self, index: tuple[int, int]) -> tuple[int, int]:
        return index

    def drawn(self, items: Sequence[tuple[int, int]]) -> Tensor:
        """Scaled windows; where each is cut is a function of its visit and place. Shapes: -> (B, H, WIDTH)"""
        visit, place = np.array(items).T
        lane, begin = np.divmod(place, self.length)
        end, u = self.last[lane, begin], uniform(self.seed, visit, place)
        earlier = begin + np.floor(uniform(self.seed + 1, visit, place) * (end - begin + 1)).astype(np.int64)
        return self.scale.inward(self.shown(lane, begin, np.where(u < self.cut, earlier, end)))

    def shown(self, lane: Indices, begin: Indices, end: Indices) -> Floats:
        """States from `begin`, at rest from `end` on; mean actions. Shapes: each (B,) -> (B, H, WIDTH)"""
        stride, row = self.spec.stride, lane[:, None]
        at = begin[:, None] + stride * np.arange(self.spec.horizon)
        now, then = np.minimum(at, end[:, None]), np.minimum(at + stride, end[:, None])
        states = self.rides.states[row, now]
        states[..., 2:][at >= end[:, None]] = 0.0
        actions = (self.pushed[row, then] - self.pushed[row, now]) / stride
        return np.concatenate([states, actions], axis=-1)


def uniform(seed: int, visit: Indices, place: Indices) -> Floats:
    """Numbers from 0 to 1, a function of the three (splitmix64). Shapes: (B,) -> (B,)"""
    with np.errstate(over="ignore"):
        z = place.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15) * (visit.astype(np.uint64) + np.uint64(1))
        z += np.uint64(0xD1B54A32D192ED03) * np.uint64(seed + 1)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            z = (z ^ (z >> np.uint64(shift))) * np.uint64(factor)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(11)).astype(np.float64) / 2.0**53


def last_states(ends: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For each state, the index of the last one of its ride. Shapes: (L, T) -> (L, T + 1)"""
    lanes, length = ends.shape
    found = np.empty((lanes, length + 1), dtype=np.int64)
    found[:, length] = length
    for t in range(length - 1, -1, -1):
        found[:, t] = np.where(ends[:, t], t, found[:, t + 1])
    return found
