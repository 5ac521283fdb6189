"""What a run through a maze is worth: D4RL's sparse reward, its normalised score, and how sure a mean is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bloomery.core.errors import UnknownName

from .mazes import Floats

NEAR = 0.5  # within it of the goal a step is worth 1


@dataclass(frozen=True)
class Protocol:
    """Of one maze: steps of an episode, and the returns that score 0 and 100.

    Source: arXiv 2004.07219 (D4RL), reference scores of maze2d-*-v1
    """

    steps: int
    low: float
    high: float


PROTOCOLS = {
    "umaze": Protocol(300, 23.85, 161.86),
    "medium": Protocol(600, 13.13, 277.39),
    "large": Protocol(800, 6.70, 273.99),
}


def protocol(maze: str) -> Protocol:
    if maze not in PROTOCOLS:
        raise UnknownName("maze with a reference score", maze, PROTOCOLS)
    return PROTOCOLS[maze]


def rewards(positions: Floats, goals: Floats) -> NDArray[np.bool_]:
    """Whether each step is near the goal. Shapes: positions (B, T, 2), goals (B, 2) -> (B, T)"""
    return np.linalg.norm(positions - goals[:, None], axis=-1) <= NEAR


def normalised(returns: Floats, maze: str) -> Floats:
    """0 is D4RL's random policy, 100 its reference controller."""
    scale = protocol(maze)
    return 100 * (returns - scale.low) / (scale.high - scale.low)


def first_reach(near: NDArray[np.bool_]) -> Floats:
    """Steps until the first reward; NaN where there is none. Shapes: (B, T) -> (B,)"""
    return np.where(near.any(axis=1), near.argmax(axis=1) + 1.0, np.nan)


def mean_and_half(values: Sequence[float] | Floats) -> tuple[float, float]:
    """A mean and half of its 95 % interval, by the normal law."""
    found = np.asarray(values, dtype=float)
    if len(found) < 2:
        return float(found.mean()), float("nan")
    return float(found.mean()), float(1.959964 * found.std(ddof=1) / np.sqrt(len(found)))
