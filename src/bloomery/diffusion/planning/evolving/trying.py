"""Rewards are tried on data, before anything is trained for them."""

import torch
from torch import Tensor

from bloomery.core.errors import UserError
from bloomery.diffusion.guiding.rewards import discerning
from bloomery.diffusion.planning.data import generate
from bloomery.diffusion.planning.mazes import Maze
from bloomery.diffusion.planning.trained import spec_of

from .asking import Asked
from .wanted import Wanted

RUNS = 200


def try_rewards(asked: Wanted, timeout_s: float, seed: int) -> None:
    """Raises: UserError of a reward that is none, or that says the same of all rides of the expert."""
    functions = {one for one in (asked.reward, asked.judge) if one is not None}
    states = rides_of(asked.maze, seed) if functions else torch.empty(0)
    for one in functions:
        _try(one, states, timeout_s)


def rides_of(maze: Maze, seed: int) -> Tensor:
    """What the expert does, as rewards see it. Shapes: -> (RUNS, span + 1, 4)"""
    rides = generate(maze, seed, RUNS * spec_of(maze).span, RUNS)
    return torch.from_numpy(rides.states).float()


def _try(one: Asked, states: Tensor, timeout_s: float) -> None:
    said = one.of(states, timeout_s)
    try:
        discerning(lambda _: said, states)
    except UserError as error:
        raise UserError(f"{one.place}: {error}") from error
