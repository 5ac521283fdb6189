"""From noise to data: a process, a net, and times that go down to 0."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from bloomery.core.errors import UserError

from .process import Done, Guide, Net, Process, Project, Stepper, Stop, Watch, denoiser, exact, filled


@torch.no_grad()
def sample(
    process: Process,
    net: Net,
    x_T: Tensor,
    *,
    steps: int | Sequence[float],
    generator: torch.Generator,
    stepper: Stepper = exact,
    project: Project | None = None,
    guide: Guide | None = None,
    watch: Watch | None = None,
    stop: Stop | None = None,
    done: Done | None = None,
) -> Tensor:
    """x_0 of x_T, in so many steps, evenly spread, or at the times given (from 1 down to 0).

    One net's pass a step. `stop` ends early: the guess at hand is committed as at s = 0; `done` ends where
    there is nothing left to guess.

    Shapes: x_T (B, ...) -> (B, ...)
    """
    times = even_times(steps) if isinstance(steps, int) else checked_times(steps)
    denoise = denoiser(process, net)
    denoise, step = denoise if guide is None else guide(denoise), stepper(process)
    x = _projected(x_T, times[0], project)
    for time, before in pairwise(times):
        if done is not None and done(x, time):
            break
        t = filled(len(x), time)
        guess = denoise(x, t)
        if watch is not None:
            watch(x, guess, time)
        last = stop is not None and stop(x, guess, time)
        to = 0.0 if last else before
        x = _projected(step(x, guess, t, filled(len(x), to), generator), to, project)
        if last:
            break
    return x


def even_times(steps: int) -> list[float]:
    """1 down to 0 in equal steps."""
    if steps < 1:
        raise UserError(f"sampling takes 1 step or more, not {steps}")
    return [1 - i / steps for i in range(steps)] + [0.0]


def checked_times(times: Sequence[float]) -> list[float]:
    found = [float(time) for time in times]
    if len(found) < 2 or found[0] > 1 or found[-1] != 0 or any(a <= b for a, b in pairwise(found)):
        raise UserError(f"times of sampling fall from 1 or less to 0; got {found[:3]} ... {found[-1:]}")
    return found


def _projected(x: Tensor, time: float, project: Project | None) -> Tensor:
    return x if project is None else project(x, filled(len(x), time))
