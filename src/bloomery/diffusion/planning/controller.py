"""The way-point expert: breadth-first cells, a proportional-derivative law, and a new way for every goal.

Differs: D4RL's controller is the same law, but keeps the way of an earlier episode when its goal does not
change, and then runs into walls; this one begins afresh each time. Its way starts at the cell that the ball
is in (D4RL rounds the position, which may name a wall).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bloomery.core.errors import UserError

from .mazes import Floats, Maze, cell_of

GAIN, DRAG = 10.0, -1.0
REACHED = 0.1  # a way-point counts as reached within it
JITTER = 0.2  # way-points on the way are moved back by up to it on each axis


@dataclass
class Walk:
    """Many experts, each on its way to a cell.

    Shapes: goal, at (B,) indices of the maze's cells; aim (B, 2)
    """

    maze: Maze
    goal: NDArray[np.int64]
    at: NDArray[np.int64]  # the cell of the way-point that is aimed at
    aim: Floats


def set_out(maze: Maze, position: Floats, goal: NDArray[np.int64], rng: np.random.Generator) -> Walk:
    """Experts at positions, each with a goal cell.

    Raises: UserError for a position inside a wall or a goal without a path.
    """
    cell = cell_of(position)
    at = maze.numbers[cell[:, 0], cell[:, 1]]
    if (at < 0).any():
        raise UserError(f"a start lies inside a wall of maze '{maze.name}'; give a free cell")
    if (maze.onward[goal, at] < 0).any():
        raise UserError(f"maze '{maze.name}' has no path from a start to its goal")
    walk = Walk(maze, goal.copy(), at, position.copy())
    _aim(walk, np.ones(len(goal), dtype=bool), rng)
    return walk


def drive(walk: Walk, state: Floats, rng: np.random.Generator) -> tuple[Floats, NDArray[np.bool_]]:
    """The actions, and which experts are at their goal; way-points that were reached give way to the next.

    Shapes: state (B, 4) -> (B, 2), (B,)
    """
    action = np.clip(GAIN * (walk.aim - state[:, :2]) + DRAG * state[:, 2:], -1.0, 1.0)
    reached = np.linalg.norm(walk.aim - state[:, :2], axis=1) < REACHED
    done = reached & (walk.at == walk.goal)
    _aim(walk, reached & ~done, rng)
    return action, done


def retarget(
    walk: Walk, which: NDArray[np.bool_], position: Floats, goal: NDArray[np.int64], rng: np.random.Generator
) -> None:
    """New goals for some, each with a new way from where it is. Shapes: position (n, 2), goal (n,)"""
    cell = cell_of(position)
    walk.goal[which], walk.at[which] = goal, walk.maze.numbers[cell[:, 0], cell[:, 1]]
    _aim(walk, which, rng)


def _aim(walk: Walk, which: NDArray[np.bool_], rng: np.random.Generator) -> None:
    """At the next cell on the way: moved back at random, the goal itself exactly."""
    walk.at[which] = walk.maze.onward[walk.goal[which], walk.at[which]]
    cells = np.array(walk.maze.cells, dtype=float)[walk.at[which]]
    back = JITTER * rng.random(cells.shape)
    last = walk.at[which] == walk.goal[which]
    walk.aim[which] = np.where(last[:, None], cells, cells - back)
