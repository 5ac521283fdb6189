"""Plans and runs as rewards see them: the state at every step of 10 ms, in the maze's units."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from bloomery.diffusion.planning.mazes import Floats
from bloomery.diffusion.planning.planner import Planner
from bloomery.diffusion.planning.simulator import STEP_S
from bloomery.diffusion.planning.tracking import follow
from bloomery.diffusion.planning.windows import STATE, Scale, Spec

Seen = Callable[[Tensor], Tensor]


def every_step(spec: Spec, scale: Scale) -> Seen:
    """What scaled windows plan for each step, with a gradient: the curves of `tracking.way_point`.

    Shapes: (B, H, WIDTH) -> (B, span + 1, 4)
    """
    by_place, by_speed, speed = (torch.from_numpy(one).float() for one in curves(spec))
    middle, reach = (torch.from_numpy(one[:STATE]).float() for one in (scale.middle, scale.reach))

    def seen(windows: Tensor) -> Tensor:
        token = windows[..., :STATE] * reach + middle
        place = by_place @ token[..., :2] + by_speed @ token[..., 2:]
        return torch.cat([place, speed @ token[..., 2:]], dim=-1)

    return seen


def curves(spec: Spec) -> tuple[Floats, Floats, Floats]:
    """What each token's place and speed add to the place of each step, and its speed to the speed.

    Shapes: each (span + 1, H)
    """
    at = np.arange(spec.span + 1)
    left = np.minimum(at // spec.stride, spec.horizon - 2)
    u, run = at / spec.stride - left, STEP_S * spec.stride
    by_place, by_speed, speed = (np.zeros((len(at), spec.horizon)) for _ in range(3))
    by_place[at, left], by_place[at, left + 1] = (1 + 2 * u) * (1 - u) ** 2, u**2 * (3 - 2 * u)
    by_speed[at, left], by_speed[at, left + 1] = run * u * (1 - u) ** 2, -run * u**2 * (1 - u)
    speed[at, left], speed[at, left + 1] = 1 - u, u
    return by_place, by_speed, speed


def driven(planner: Planner, windows: Tensor) -> Floats:
    """Where a ball is that is driven along each plan. Shapes: (B, H, WIDTH) -> (B, span + 1, 4)"""
    plans = planner.read(windows)
    start = plans.states[:, 0]
    run = follow(planner.maze, plans, start, plans.span).states
    return np.concatenate([start[:, None], run], axis=1)
