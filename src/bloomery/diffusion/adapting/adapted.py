"""What an adaptation gives: a net, what it remembers, and how both draw samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from bloomery.diffusion.buffer.trajectories import TrajectoryBuffer
from bloomery.diffusion.guiding.gradient import Smooth, by_reward
from bloomery.diffusion.guiding.rewards import Reward
from bloomery.diffusion.guiding.smc import steered
from bloomery.diffusion.processes.continuous import GaussianDiffusion
from bloomery.diffusion.processes.process import Denoise, Guide, Net, Process, Step, Stepper, exact, filled
from bloomery.diffusion.processes.sampling import sample

from .memory import Memories
from .tasks import Rows, Trial

LEAST_LEFT = 0.01


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """How samples are drawn. `explore` is the share that comes from noise where there is a memory."""

    steps: int
    eta: float | None = None  # the process's own
    explore: float = 1.0
    depth: float = 0.5  # the time to which remembered samples are noised


@dataclass(frozen=True, kw_only=True)
class Guidance:
    """Rewards by task, each divided by its deviation; `smooth` where all have a gradient."""

    scale: float
    rewards: Mapping[str, Reward]
    smooth: Mapping[str, Smooth] | None
    timeout_s: float | None


@dataclass(frozen=True)
class Adapted:
    """A model that adapted. Without its memory it is its net; the net given to `adapt` is never changed."""

    net: nn.Module
    process: Process
    drawing: Drawing
    memories: Memories | None = None
    buffer: TrajectoryBuffer | None = None  # what was given, and what was found since

    @torch.no_grad()
    def draw(self, tasks: Sequence[Trial], each: int, generator: torch.Generator) -> Tensor:
        """Samples of tasks, in one batch, unguided. Shapes: -> (T, each, ...)"""
        return drawn(self.net, self.process, tasks, each, self.drawing, self.memories, None, generator)

    def without_memory(self) -> "Adapted":
        """The same model with nothing to recall."""
        return replace(self, memories=None)


def drawn(
    net: Net,
    process: Process,
    tasks: Sequence[Trial],
    each: int,
    drawing: Drawing,
    memories: Memories | None,
    guidance: Guidance | None,
    generator: torch.Generator,
) -> Tensor:
    """Samples of each task: some from noise, the others from what is remembered. Shapes: -> (T, each, ...)"""
    many = each - max(1, round(each * drawing.explore)) if memories else 0
    known = recalled(memories, tasks, many, generator) if memories and many else {}
    new = [task for task in tasks if task.name not in known]
    old = [task for task in tasks if task.name in known]
    found: dict[str, Tensor] = {}
    if new:
        x = from_noise(net, process, Rows(new, each), drawing, guidance, generator)
        found |= zip((task.name for task in new), x, strict=True)
    if old:
        start = torch.cat([known[task.name] for task in old])
        fresh = from_noise(net, process, Rows(old, each - many), drawing, guidance, generator)
        grown = from_known(net, process, Rows(old, many), start, drawing, guidance, generator)
        found |= zip((task.name for task in old), torch.cat([fresh, grown], 1), strict=True)
    return torch.stack([found[task.name] for task in tasks])


def from_noise(
    net: Net,
    process: Process,
    rows: Rows,
    drawing: Drawing,
    guidance: Guidance | None,
    generator: torch.Generator,
) -> Tensor:
    """Guided by gradient where there is one, else steered by particles. Shapes: -> (T, each, ...)"""
    x_T, bound = process.prior(rows.shape, generator), rows.bound(net)
    guide, stepper = guide_of(process, rows, guidance), with_eta(drawing.eta)
    if guidance is None or guide is not None:
        x = sample(
            process, bound, x_T, steps=drawing.steps, generator=generator, stepper=stepper, guide=guide,
            project=rows.project(),
        )  # fmt: skip
    else:
        rewards = [guidance.rewards[task.name] for task in rows.tasks]
        x = steered(
            process, bound, x_T, reward=rows.by_task(rewards), beta=guidance.scale,
            steps=drawing.steps, generator=generator, groups=len(rows.tasks), stepper=stepper,
            project=rows.project(), timeout_s=guidance.timeout_s,
        ).samples  # fmt: skip
    return x.unflatten(0, (len(rows.tasks), rows.each))


def from_known(
    net: Net,
    process: Process,
    rows: Rows,
    known: Tensor,
    drawing: Drawing,
    guidance: Guidance | None,
    generator: torch.Generator,
) -> Tensor:
    """Remembered samples, noised to the depth and drawn again. Shapes: known (T each, ...) -> (T, each, ...)

    Source: arXiv 2108.01073 (SDEdit), its start in the middle
    """
    x = process.corrupt(known, filled(len(known), drawing.depth), generator)
    times = [drawing.depth * (1 - i / drawing.steps) for i in range(drawing.steps)] + [0.0]
    x = sample(
        process, rows.bound(net), x, steps=times, generator=generator, stepper=with_eta(drawing.eta),
        guide=guide_of(process, rows, guidance), project=rows.project(),
    )  # fmt: skip
    return x.unflatten(0, (len(rows.tasks), rows.each))


def guide_of(process: Process, rows: Rows, guidance: Guidance | None) -> Guide | None:
    """Guidance by gradient; None where there is none to be had."""
    if guidance is None or guidance.smooth is None or not isinstance(process, GaussianDiffusion):
        return None
    smooth = [guidance.smooth[task.name] for task in rows.tasks]
    return later(process, by_reward(process, rows.by_task(smooth), guidance.scale, "allow"))


def later(process: GaussianDiffusion, guide: Guide) -> Guide:
    """Guidance once a hundredth of the variance is data.

    Before, a guess moves by more than ten times the slope, and the slope of a net that was learned is not as
    small there as that of an exact one: one step throws samples far from all data.
    """

    def begin(denoise: Denoise) -> Denoise:
        led = guide(denoise)

        def guess(x: Tensor, t: Tensor) -> Tensor:
            return led(x, t) if bool((process.left(t) >= LEAST_LEFT).all()) else denoise(x, t)

        return guess

    return begin


def with_eta(eta: float | None) -> Stepper:
    """The process's own step, or one with another share of fresh noise."""
    if eta is None:
        return exact

    def begin(process: Process) -> Step:
        def step(x: Tensor, guess: Tensor, t: Tensor, s: Tensor, generator: torch.Generator) -> Tensor:
            return process.step(x, guess, t, s, generator, eta=eta)

        return step

    return begin


def recalled(
    memories: Memories, tasks: Sequence[Trial], many: int, generator: torch.Generator
) -> dict[str, Tensor]:
    """Of each task that has something to recall, as the process has it. Shapes: -> (many, ...) each"""
    found = {task.name: memories.recall(task.name, task.embedding, many, generator) for task in tasks}
    return {name: x if x.is_floating_point() else x.long() for name, x in found.items() if x is not None}
