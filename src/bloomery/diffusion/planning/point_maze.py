"""Plans driven in gymnasium-robotics' PointMaze: the same ball in other coordinates.

Their maze is centred, x goes along columns and y up rows; what is free for a cell reaches half a cell from
its middle, in ours from 0.7 before its name to 0.3 after it. Nothing here imports gymnasium: an environment
is passed in.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bloomery.core.errors import UserError

from .mazes import FREE, HIGH, LOW, WALL, Floats, Maze, parsed
from .tracking import Drive, Plans

MIDDLE = (HIGH - LOW) / 2  # of a cell, from its name, in our coordinates


def map_of(maze: Maze) -> list[list[int]]:
    """As PointMaze takes it (`maze_map`): 1 for walls."""
    return [[int(wall) for wall in row] for row in maze.walls]


def maze_of(rows: Sequence[Sequence[Any]], name: str) -> Maze:
    """Their map as a maze of ours; cells marked for starts and goals are free ones."""
    return parsed("\n".join("".join(WALL if one == 1 else FREE for one in row) for row in rows), name)


def ours(maze: Maze, places: Floats) -> Floats:
    """Their places, or states of place and speed, in our coordinates. Shapes: (..., 2 or 4) -> the same"""
    rows, columns = maze.walls.shape
    x, y = places[..., 0], places[..., 1]
    parts = [rows / 2 - 0.5 - y + MIDDLE, x + columns / 2 - 0.5 + MIDDLE]
    if places.shape[-1] == 4:
        parts += [-places[..., 3], places[..., 2]]
    return np.stack(parts, axis=-1)


def theirs(action: Floats) -> Floats:
    """Our push in their axes. Shapes: (..., 2) -> (..., 2)"""
    return np.stack([action[..., 1], -action[..., 0]], axis=-1)


def begin(env: Any, maze: Maze, seeds: Sequence[int]) -> tuple[Floats, Floats]:
    """Starts and goals of the environment's own resets, in our coordinates. Shapes: (B, 4), (B, 2)

    Raises: UserError for an environment of another maze.
    """
    if maze_of(env.unwrapped.maze.maze_map, maze.name).lines != map_lines(maze):
        raise UserError(f"the environment's maze is not '{maze.name}'; make it with maze_map=map_of(maze)")
    seen = [env.reset(seed=seed)[0] for seed in seeds]
    starts = ours(maze, np.stack([one["observation"] for one in seen]))
    return starts, ours(maze, np.stack([one["desired_goal"] for one in seen]))


def follow(env: Any, maze: Maze, plans: Plans, seeds: Sequence[int], steps: int) -> tuple[Floats, Floats]:
    """Each plan driven from the reset of its seed, and whether each step was a success to the environment.

    Shapes: -> states (B, steps, 4) in our coordinates, (B, steps)
    """
    states, won = [], []
    for row, seed in enumerate(seeds):
        state = ours(maze, env.reset(seed=seed)[0]["observation"])
        drive = Drive(plans.picked(np.array([row])))
        for _ in range(steps):
            action = np.clip(drive.act(state[None], "pd")[0], -1.0, 1.0)
            seen, _, _, _, told = env.step(theirs(action))
            state = ours(maze, seen["observation"])
            states.append(state)
            won.append(float(told["success"]))
    shape = (len(seeds), steps)
    return np.array(states).reshape(*shape, 4), np.array(won).reshape(shape)


def map_lines(maze: Maze) -> tuple[str, ...]:
    return tuple("".join(WALL if one else FREE for one in row) for row in maze.walls)
