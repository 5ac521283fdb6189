"""Unseen tasks: pick up a coin somewhere in the maze and still arrive, with a planner that never saw a coin.

The planner may ask how far a state is from the coin, -|s - coin|, and nothing else: the coin is never put
into a window. A task's score is 100 (0.3 - d) / 0.3 of the nearest d that the ball came to the coin, if d is
below 0.3 and the ball was near its goal at some step; else 0.

Source: arXiv 2508.21800 (TDP), gold picking: cells, score and threshold
Differs: starts and goals are drawn here, by seed; TDP's come from an older simulator's random numbers.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from bloomery.core.errors import UnknownName
from bloomery.diffusion.guiding.gradient import Smooth, by_reward

from .data import random_starts
from .judging import crossing, jumps
from .mazes import Floats, Maze
from .planner import Planner
from .scores import rewards
from .tracking import Plans, follow
from .windows import Scale

Kind = Literal["single", "multi"]
PICKED = 0.3
CELLS = {
    ("medium", "single"): "33 34 22 54 34 24 44 34 34 25 63 62 54 54 33 44 63 42 32 25",
    ("medium", "multi"): "24 41 44 45 42 66 32 34 12 24 26 45 53 44 26 15 46 12 22 16",
    ("large", "single"): "16 19 4a 17 59 26 59 33 41 66 3a 24 5a 59 7a 64 16 66 76 74",
    ("large", "multi"): "16 66 76 74 1a 36 26 33 31 5a 2a 62 34 19 36 78 11 13 11 35",
}  # row and column in hexadecimal


@dataclass(frozen=True)
class Tasks:
    """Shapes: starts (B, 4), goals and coins (B, 2)"""

    starts: Floats
    goals: Floats
    coins: Floats

    def repeated(self, count: int) -> "Tasks":
        return Tasks(*(np.repeat(one, count, axis=0) for one in (self.starts, self.goals, self.coins)))


def tasks(maze: Maze, kind: Kind, seed: int) -> Tasks:
    """The 20 coins of a maze with starts, and for `multi` goals, of that seed."""
    if (maze.name, kind) not in CELLS:
        raise UnknownName("coin task", f"{maze.name} {kind}", [" ".join(one) for one in CELLS])
    coins = np.array([[int(c, 16) for c in cell] for cell in CELLS[maze.name, kind].split()], dtype=float)
    rng = np.random.default_rng((seed, kind == "multi"))
    starts = random_starts(maze, len(coins), rng)
    goals = np.tile(np.array(maze.goal, dtype=float), (len(coins), 1))
    if kind == "multi":
        goals = random_starts(maze, len(coins), rng)[:, :2]
    return Tasks(starts, goals, coins)


def coin_scores(positions: Floats, asked: Tasks) -> Floats:
    """Shapes: positions (B, T, 2) -> (B,)"""
    nearest = np.linalg.norm(positions - asked.coins[:, None], axis=-1).min(axis=1)
    arrived = rewards(positions, asked.goals).any(axis=1)
    return np.where(arrived & (nearest < PICKED), 100 * (PICKED - nearest) / PICKED, 0.0)


def towards(coins: Floats, scale: Scale) -> Smooth:
    """Less the distance, in cells, of a window's nearest token to its coin. Shapes: coins (B, 2)"""
    aim, reach = torch.from_numpy(coins).float(), torch.from_numpy(scale.reach[:2]).float()
    middle = torch.from_numpy(scale.middle[:2]).float()

    def reward(windows: Tensor) -> Tensor:
        away = windows[..., :2] * reach + middle - aim[:, None]
        return -away.square().sum(-1).add(1e-6).sqrt().min(dim=1).values

    return reward


def direct(planner: Planner, asked: Tasks, generator: torch.Generator, scale: float = 0.0) -> Plans:
    """One plan from start to goal, guided towards the coin where `scale` is above 0."""
    guide = by_reward(planner.process, towards(asked.coins, planner.scale), scale) if scale else None
    return planner.plans(asked.starts, asked.goals, generator, guide=guide)


def feasible(maze: Maze, plans: Plans) -> Floats:
    """How possible plans look, undriven: 0 at best; walls count most. Shapes: -> (B,)"""
    return -(10 * crossing(maze, plans) + jumps(plans))


def one_plan(
    planner: Planner, asked: Tasks, generator: torch.Generator, *, steps: int, scale: float
) -> Floats:
    """The run of one plan, guided or not. Shapes: -> (B, steps, 4)"""
    return follow(planner.maze, direct(planner, asked, generator, scale), asked.starts, steps).states


def best_plan(
    planner: Planner, asked: Tasks, generator: torch.Generator, *, steps: int, count: int, scale: float
) -> Floats:
    """Of `count` guided plans the run that scores most in the simulator. Shapes: -> (B, steps, 4)"""
    many = asked.repeated(count)
    return chosen(planner.maze, direct(planner, many, generator, scale), many, steps, count)


def chosen(maze: Maze, plans: Plans, many: Tasks, steps: int, count: int) -> Floats:
    """The run that scores most of each `count`; of equals the one whose plan is most feasible."""
    runs = follow(maze, plans, many.starts, steps).states
    worth = coin_scores(runs[..., :2], many) + 0.01 * feasible(maze, plans)
    best = worth.reshape(-1, count).argmax(axis=1)
    return runs[np.arange(len(best)) * count + best]
