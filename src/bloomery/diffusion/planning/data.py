"""What the expert does between random goals: rides, each from where the last one ended to its goal."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bloomery.core.errors import UserError

from .controller import drive, retarget, set_out
from .mazes import Floats, Maze
from .simulator import advance

LANES = 205  # experts that drive at the same time
TRANSITIONS = 205_000


@dataclass(frozen=True)
class Rides:
    """Steps of all lanes; a lane's ride ends where its goal was reached.

    Shapes: states (L, T + 1, 4), actions (L, T, 2), ends (L, T) whether that state is the last of its ride
    """

    states: Floats
    actions: Floats
    ends: NDArray[np.bool_]

    @property
    def transitions(self) -> int:
        return self.actions.shape[0] * self.actions.shape[1]


def rest_at(positions: Floats) -> Floats:
    """States without speed. Shapes: (B, 2) -> (B, 4)"""
    return np.concatenate([positions, np.zeros_like(positions)], axis=1)


def random_starts(maze: Maze, count: int, rng: np.random.Generator) -> Floats:
    """As maze2d resets: a free cell, moved by up to 0.1, with a small speed. Shapes: -> (count, 4)"""
    cells = np.array(maze.cells, dtype=float)[rng.integers(len(maze.cells), size=count)]
    place = cells + rng.uniform(-0.1, 0.1, cells.shape)
    return np.concatenate([place, 0.1 * rng.standard_normal(place.shape)], axis=1)


def generate(maze: Maze, seed: int, transitions: int = TRANSITIONS, lanes: int = LANES) -> Rides:
    """Rides of the expert between random cells. Equal seeds give equal rides.

    Raises: UserError for a maze some of whose cells cannot be reached.
    """
    if (maze.onward < 0).any():
        raise UserError(f"maze '{maze.name}' has free cells without a path between them; wall them off")
    rng = np.random.default_rng(seed)
    length = -(-transitions // lanes)
    state = random_starts(maze, lanes, rng)
    walk = set_out(maze, state[:, :2], rng.integers(len(maze.cells), size=lanes), rng)
    states, actions, ends = [state], [], []
    for _ in range(length):
        action, done = drive(walk, state, rng)
        state = advance(maze, state, action)
        if done.any():
            goal = rng.integers(len(maze.cells), size=int(done.sum()))
            retarget(walk, done, state[done, :2], goal, rng)
        states.append(state)
        actions.append(action)
        ends.append(done)
    return Rides(np.stack(states, axis=1), np.stack(actions, axis=1), np.stack(ends, axis=1))
