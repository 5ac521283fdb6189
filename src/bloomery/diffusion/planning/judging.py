"""The discriminator: which synthetic plans are fit to learn from or to drive.

A plan is judged by what is known without reward: it crosses no wall, its places change as its speeds say,
and a ball that is driven along it stays near it; and by its end: it arrives where it was asked to.

Source: arXiv 2302.01877 (AdaptDiffuser), section 4.3 Differs: there a learned inverse dynamics says how far
a plan is from what would happen; here the simulator does.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .mazes import Floats, Maze, wall_at
from .simulator import STEP_S
from .tracking import Plans, follow, way_point

FINE = 4  # looks between two tokens
NEAR_WALL = 0.03  # the half-width of what must fit along a plan; a ball is 0.1, and slides
MOST_JUMP = 0.3  # of a place against what the speeds say
MOST_ASTRAY = 0.15  # of a driven ball from its way-point, in the mean
ARRIVED = 0.3


@dataclass(frozen=True)
class Verdict:
    """Shapes: each (B,)"""

    crossing: Floats  # share of the plan in walls
    jump: Floats  # the largest step that the speeds do not explain
    astray: Floats  # how far a driven ball is from the plan, in the mean
    missed: Floats  # how far from the goal the driven ball ends

    @property
    def possible(self) -> NDArray[np.bool_]:
        """By the plan alone, undriven."""
        return (self.crossing == 0) & (self.jump <= MOST_JUMP)

    @property
    def accepted(self) -> NDArray[np.bool_]:
        return self.possible & (self.astray <= MOST_ASTRAY) & (self.missed <= ARRIVED)


def judge(maze: Maze, plans: Plans, goals: Floats) -> Verdict:
    """Shapes: goals (B, 2)"""
    driven = follow(maze, plans, plans.states[:, 0], plans.span).states
    return Verdict(
        crossing(maze, plans), jumps(plans), astray(plans, driven), _distance(driven[:, -1, :2], goals)
    )


def crossing(maze: Maze, plans: Plans) -> Floats:
    """The share of fine points along plans that lie in walls. Shapes: -> (B,)"""
    along = fine_states(plans)[..., :2]
    inside = np.zeros(along.shape[:-1], dtype=bool)
    for shift in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
        inside |= wall_at(maze, along + NEAR_WALL * np.array(shift))
    return inside.mean(axis=1)


def jumps(plans: Plans) -> Floats:
    """The largest difference of a step between tokens from the mean of its two speeds. Shapes: -> (B,)"""
    place, speed = plans.states[..., :2], plans.states[..., 2:]
    said = STEP_S * plans.stride * (speed[:, 1:] + speed[:, :-1]) / 2
    return np.asarray(_distance(place[:, 1:] - place[:, :-1], said).max(axis=1))


def astray(plans: Plans, driven: Floats) -> Floats:
    """The mean distance from planned states to where a ball was then. Shapes: driven (B, T, 4) -> (B,)"""
    at = np.minimum(plans.stride * np.arange(1, plans.states.shape[1]), driven.shape[1]) - 1
    return np.asarray(_distance(driven[:, at, :2], plans.states[:, 1:, :2]).mean(axis=1))


def fine_states(plans: Plans) -> Floats:
    """States several times between tokens. Shapes: -> (B, N, 4)"""
    steps = np.arange(0, plans.span + 1e-9, plans.stride / FINE)
    return np.stack([way_point(plans, one) for one in steps], axis=1)


def _distance(one: Floats, other: Floats) -> Floats:
    return np.asarray(np.linalg.norm(one - other, axis=-1))
