"""Two rewards of a task: what selects among plans, and what judges driven runs."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from bloomery.core.errors import UserError
from bloomery.diffusion.adapting.tasks import Judging, Selecting
from bloomery.diffusion.planning.gold import PICKED
from bloomery.diffusion.planning.judging import judge
from bloomery.diffusion.planning.mazes import Floats
from bloomery.diffusion.planning.planner import Planner
from bloomery.diffusion.planning.scores import NEAR, rewards

from .seeing import driven, every_step

Said = Callable[[Tensor], Tensor]  # states (B, T, 4) -> (B,)


@dataclass(frozen=True)
class Worth:
    """`selects` is asked of plans, `judges` of the runs of a ball that is driven along them.

    Where both are one function they still differ in that; a plan may lead through a wall, a ball may not.
    """

    selects: Said
    judges: Said


def of_coin(coin: tuple[float, float]) -> Worth:
    """Selected by how near a plan comes to the coin, judged by TDP's score of the run (see `gold`)."""
    return Worth(partial(towards, coin), partial(coin_score, coin))


def towards(coin: tuple[float, float], states: Tensor) -> Tensor:
    """Less the distance of the nearest state to the coin, in cells; it has a slope. Shapes: -> (B,)"""
    away = states[..., :2] - torch.tensor(coin, dtype=states.dtype)
    return -away.square().sum(-1).add(1e-6).sqrt().min(dim=1).values


def coin_score(coin: tuple[float, float], states: Tensor) -> Tensor:
    """100 at the coin, 0 from 0.3 cells on. Shapes: (B, T, 4) -> (B,)"""
    nearest = (
        (states[..., :2].double() - torch.tensor(coin, dtype=torch.float64)).norm(dim=-1).min(dim=1).values
    )
    return 100 * (PICKED - nearest).clamp(min=0) / PICKED


def selecting(planner: Planner, worth: Worth, real: Tensor) -> Selecting:
    """The reward of plans, with its gradient where it has one; only plans that can be driven are learned.

    Shapes: real (P, H, WIDTH), windows of data
    """
    seen = every_step(planner.spec, planner.scale)

    def reward(windows: Tensor) -> Tensor:
        return worth.selects(seen(windows))

    def drivable(windows: Tensor) -> Tensor:
        plans = planner.read(windows)
        return torch.from_numpy(judge(planner.maze, plans, plans.states[:, -1, :2]).accepted)

    return Selecting(reward, reward if has_slope(worth.selects, seen(real)) else None, drivable)


def judging(planner: Planner, worth: Worth, real: Tensor) -> Judging:
    """The reward of driven runs; one that does not arrive is worth no more than the worst run of data."""
    floor = float(worth.judges(torch.from_numpy(driven(planner, real)).float()).min())

    def reward(windows: Tensor) -> Tensor:
        runs = driven(planner, windows)
        said = worth.judges(torch.from_numpy(runs).float()).double()
        return torch.where(torch.from_numpy(arrives(planner, windows, runs)), said, said.clamp(max=floor))

    return Judging(reward)


def arriving(planner: Planner) -> Judging:
    """What the planner could do before: the share of a run's steps that are near its goal."""

    def reward(windows: Tensor) -> Tensor:
        runs, goals = driven(planner, windows)[..., :2], planner.read(windows[:, -1:]).states[:, 0, :2]
        return torch.from_numpy(rewards(runs, goals).mean(axis=1))

    return Judging(reward)


def arrives(planner: Planner, windows: Tensor, runs: Floats) -> np.ndarray:
    """Whether each run ends near where its plan does. Shapes: (B, H, WIDTH), (B, T, 4) -> (B,)"""
    goals = planner.read(windows[:, -1:]).states[:, 0, :2]
    return np.asarray(np.linalg.norm(runs[:, -1, :2] - goals, axis=1) <= NEAR)


def has_slope(said: Said, states: Tensor) -> bool:
    """Whether a reward can be followed uphill: its gradient is finite and not all 0."""
    with torch.enable_grad():
        leaf = states.detach().clone().requires_grad_()
        try:
            value = said(leaf)
            if not value.requires_grad:
                return False
            (slope,) = torch.autograd.grad(value.sum(), leaf, allow_unused=True)
        except (UserError, RuntimeError):  # such as one that NumPy computes
            return False
    return slope is not None and bool(torch.isfinite(slope).all()) and bool(slope.any())
