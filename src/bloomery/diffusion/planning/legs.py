"""Coins in legs: plans towards the coin that end where they like, from where they came nearest more of them,
and a last one to the goal.

Source: arXiv 2508.21800 (TDP), for plans that branch from others
Differs: branches are driven in the simulator, and chosen by how near they came to the coin there
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bloomery.core.errors import UserError
from bloomery.diffusion.guiding.gradient import by_reward

from .gold import Tasks, coin_scores, towards
from .mazes import Floats
from .planner import Planner
from .tracking import follow

FEWER = 4  # of so many runs one goes on, as often


@dataclass(frozen=True)
class Trail:
    """Where balls have been, each for another number of steps.

    Shapes: states (B, T, 4), of which the first `length` count (B,)
    """

    states: Floats
    length: NDArray[np.int64]

    @property
    def ends(self) -> Floats:
        return np.asarray(self.states[np.arange(len(self.states)), self.length - 1])

    def then(self, run: Floats, steps: NDArray[np.int64]) -> "Trail":
        """With the first `steps` states of a run after it. Shapes: run (B, R, 4), steps (B,)"""
        total, rows = self.length + steps, np.arange(len(run))[:, None]
        at = np.minimum(np.arange(int(total.max()))[None], total[:, None] - 1)
        old = self.states[rows, np.minimum(at, self.length[:, None] - 1)]
        new = run[rows, np.clip(at - self.length[:, None], 0, run.shape[1] - 1)]
        return Trail(np.where((at < self.length[:, None])[..., None], old, new), total)


def best_legs(
    planner: Planner,
    asked: Tasks,
    generator: torch.Generator,
    *,
    steps: int,
    count: int,
    scale: float,
    rounds: int = 3,
) -> Floats:
    """The run that scores most of `count` a task, which share `rounds` legs. Shapes: -> (B, steps, 4)

    After each leg a quarter of the runs goes on, four times: those that came nearest to the coin.
    """
    if count % FEWER:
        raise UserError(f"legs branch {FEWER} times: of {count} runs no quarter can go on; give a multiple")
    many = asked.repeated(count)
    trail = Trail(many.starts[:, None], np.ones(len(many.starts), dtype=np.int64))
    for _ in range(rounds):
        trail = nearest_quarter(leg(planner, trail, many, generator, scale), many, count)
    plans = planner.plans(trail.ends, many.goals, generator)
    last = follow(planner.maze, plans, trail.ends, steps).states
    runs = trail.then(last, np.full(len(last), steps)).states[:, 1 : steps + 1]
    best = coin_scores(runs[..., :2], many).reshape(-1, count).argmax(axis=1)
    return np.asarray(runs[np.arange(len(best)) * count + best])


def leg(planner: Planner, trail: Trail, many: Tasks, generator: torch.Generator, scale: float) -> Trail:
    """Each trail with a run along a guided plan, up to where it came nearest to the coin."""
    guide = by_reward(planner.process, towards(many.coins, planner.scale), scale)
    plans = planner.plans(trail.ends, None, generator, guide=guide)
    run = follow(planner.maze, plans, trail.ends, plans.span).states
    away = np.linalg.norm(run[..., :2] - many.coins[:, None], axis=-1)
    return trail.then(run, away.argmin(axis=1) + 1)


def nearest_quarter(trail: Trail, many: Tasks, count: int) -> Trail:
    """Of each `count` trails the quarter that came nearest to the coin, each four times."""
    away = np.linalg.norm(trail.states[..., :2] - many.coins[:, None], axis=-1).min(axis=1)
    kept = away.reshape(-1, count).argsort(axis=1, kind="stable")[:, : count // FEWER]
    which = (np.arange(len(kept))[:, None] * count + np.repeat(kept, FEWER, axis=1)).ravel()
    return Trail(trail.states[which], trail.length[which])
