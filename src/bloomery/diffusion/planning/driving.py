"""Driving with plans: once open loop, with new plans on the way, or with the best of several plans."""

from collections.abc import Callable

import numpy as np
import torch

from bloomery.core.errors import UserError

from .mazes import Floats
from .planner import Planner
from .scores import rewards
from .tracking import Mode, Plans, follow

Worth = Callable[[Floats], Floats]  # states of runs (B, T, 4) -> (B,)


def open_loop(
    planner: Planner,
    starts: Floats,
    goals: Floats,
    steps: int,
    generator: torch.Generator,
    mode: Mode = "pd",
) -> Floats:
    """One plan each, driven to the end. Shapes: starts (B, 4), goals (B, 2) -> states (B, steps, 4)"""
    return follow(planner.maze, planner.plans(starts, goals, generator), starts, steps, mode).states


def replanned(
    planner: Planner,
    starts: Floats,
    goals: Floats,
    steps: int,
    generator: torch.Generator,
    *,
    every: int,
    mode: Mode = "pd",
) -> Floats:
    """A new plan from where the ball is, every few steps. Shapes: as `open_loop`"""
    if every < 1:
        raise UserError(f"a new plan is made every 1 step or more, not {every}")
    state, found = starts, []
    for begun in range(0, steps, every):
        plans = planner.plans(state, goals, generator)
        found.append(follow(planner.maze, plans, state, min(every, steps - begun), mode).states)
        state = found[-1][:, -1]
    return np.concatenate(found, axis=1)


def best_of(
    planner: Planner,
    starts: Floats,
    goals: Floats,
    steps: int,
    generator: torch.Generator,
    *,
    count: int,
    worth: Worth | None = None,
    mode: Mode = "pd",
) -> tuple[Plans, Floats]:
    """Of `count` plans for each start the one whose simulated run is worth most, and that run's states.

    `worth` defaults to the steps near the goal. Shapes: -> plans of B, (B, steps, 4)
    """
    many, ends = np.repeat(starts, count, axis=0), np.repeat(goals, count, axis=0)
    plans = planner.plans(many, ends, generator)
    runs = follow(planner.maze, plans, many, steps, mode).states
    worths = rewards(runs[..., :2], ends).sum(axis=1).astype(float) if worth is None else worth(runs)
    best = np.asarray(worths, dtype=float).reshape(len(starts), count).argmax(axis=1)
    which = np.arange(len(starts)) * count + best
    return plans.picked(which), runs[which]
