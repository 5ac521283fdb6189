"""Candidates of a round: drawn by a strategy, asked what they are worth, the best of them chosen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bloomery.core.errors import UserError
from bloomery.diffusion.buffer.trajectories import TrajectoryBuffer
from bloomery.diffusion.guiding.gradient import Smooth
from bloomery.diffusion.guiding.rewards import Reward, asked, discerning
from bloomery.diffusion.processes.process import Process

from .adapted import Drawing, Guidance, drawn
from .budget import Metered
from .memory import Memories
from .strategies import Strategy
from .tasks import Task


@dataclass(frozen=True)
class Candidates:
    """What a round made. Shapes: samples (T, n, ...), rewards (T, n), chosen (T, n), fit (T, n)"""

    samples: Tensor
    rewards: Tensor
    chosen: Tensor
    passes: int
    fit: Tensor | None = None  # what the tasks' discriminators let through; None: there are none

    @property
    def fit_share(self) -> float:
        return 1.0 if self.fit is None else float(self.fit.double().mean())


def candidates(
    net: nn.Module,
    process: Process,
    tasks: Sequence[Task],
    strategy: Strategy,
    drawing: Drawing,
    memories: Memories | None,
    deviations: dict[str, float],
    keep: float,
    timeout_s: float | None,
    generator: torch.Generator,
) -> Candidates:
    """Draw, ask and choose; the net is as it was.

    Of a task whose candidates are all worth the same none is chosen.

    Raises: UserError of a reward that is none, or is the same for all candidates of each task
    """
    metered = Metered(net)
    guidance = guidance_of(tasks, strategy.scale, deviations, timeout_s) if strategy.scale else None
    with torch.no_grad():
        samples = drawn(metered, process, tasks, strategy.n, drawing, memories, guidance, generator)
    said = [asked(task.selects.reward, x, timeout_s) for task, x in zip(tasks, samples, strict=True)]
    rewards, fit = torch.stack(said), fitness(tasks, samples)
    telling = (rewards != rewards[:, :1]).any(1)
    if not bool(telling.any()):
        discerning(lambda _: said[0], samples[0])  # it says so
    if not bool(telling.all()):
        fit = telling[:, None] & (torch.ones_like(rewards, dtype=torch.bool) if fit is None else fit)
    return Candidates(samples, rewards, best(rewards, keep, fit), metered.examples, fit)


def fitness(tasks: Sequence[Task], samples: Tensor) -> Tensor | None:
    """What each task's discriminator lets through. Shapes: (T, n, ...) -> (T, n)"""
    if all(task.selects.fit is None for task in tasks):
        return None
    return torch.stack([_fit(task, x) for task, x in zip(tasks, samples, strict=True)])


def _fit(task: Task, x: Tensor) -> Tensor:
    if task.selects.fit is None:
        return torch.ones(len(x), dtype=torch.bool)
    return torch.as_tensor(task.selects.fit(x), dtype=torch.bool)


def best(rewards: Tensor, share: float, fit: Tensor | None = None) -> Tensor:
    """The share with the highest rewards, one at least, of those that are fit; of equals the first.

    Shapes: (T, n) -> (T, n)
    """
    count = max(1, round(share * rewards.shape[1]))
    ranked = rewards if fit is None else rewards.masked_fill(~fit, -torch.inf)
    places = ranked.argsort(dim=1, descending=True, stable=True)[:, :count]
    chosen = torch.zeros_like(rewards, dtype=torch.bool).scatter(1, places, True)
    return chosen if fit is None else chosen & fit


def guidance_of(
    tasks: Sequence[Task], scale: float, deviations: dict[str, float], timeout_s: float | None
) -> Guidance:
    """Rewards in units of their deviation, so that a scale means the same of each."""
    rewards = {task.name: _scaled(task.selects.reward, deviations[task.name], timeout_s) for task in tasks}
    slopes = {task.name: task.selects.smooth for task in tasks}
    smooth = {
        name: _scaled_smooth(slope, deviations[name]) for name, slope in slopes.items() if slope is not None
    }
    gradient = smooth if len(smooth) == len(slopes) else None
    return Guidance(scale=scale, rewards=rewards, smooth=gradient, timeout_s=timeout_s)


def added(buffer: TrajectoryBuffer, tasks: Sequence[Task], made: Candidates, round: int) -> int:
    """Put the chosen into the buffer and count the others as turned away; how many were new."""
    new = 0
    for task, x, rewards, chosen in zip(tasks, made.samples, made.rewards, made.chosen, strict=True):
        buffer.reject(int((~chosen).sum()), round=round)
        if not bool(chosen.any()):
            continue
        picked = x[chosen]
        besides = {**task.condition, **task.teaches}
        alike = {name: value.expand(len(picked), *value.shape) for name, value in besides.items()}
        content = contents(buffer, {"x": picked, **alike})
        outcomes = buffer.add_many(
            content, rewards[chosen].tolist(), tasks=task.name, origin="synthetic", round=round
        )
        new += outcomes.count("kept")
    return new


def contents(buffer: TrajectoryBuffer, tensors: dict[str, Tensor]) -> dict[str, NDArray[np.generic]]:
    """Tensors in the types of the buffer's fields. Raises: UserError where a type cannot hold them"""
    fields, out = buffer.holdings.contents.fields, {}
    for name, tensor in tensors.items():
        array = tensor.detach().cpu().numpy()
        kind = np.dtype(fields[name].dtype)
        out[name] = array.astype(kind)
        if kind.kind != "f" and not np.array_equal(out[name], array):
            raise UserError(
                f"the buffer's field '{name}' is of {kind}, which cannot hold these {array.dtype}"
            )
    return out


def _scaled(reward: Reward, deviation: float, timeout_s: float | None) -> Reward:
    return lambda x: asked(reward, x, timeout_s) / deviation


def _scaled_smooth(slope: Smooth, deviation: float) -> Smooth:
    return lambda x: slope(x) / deviation
