"""Training a planner: windows of rides, the start always given, the goal mostly; weights averaged."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from bloomery.core.step import Paused
from bloomery.diffusion.processes.process import Process
from bloomery.training.callbacks import AverageWeights, ShowProgress
from bloomery.training.config import TrainConfig
from bloomery.training.loop import loader_for, train

from .data import Rides
from .familiar import Familiar
from .mazes import Maze
from .nets import NetKind, built
from .planner import Planner, clean_data
from .windows import STATE, WIDTH, Scale, Spec, Windows


@dataclass(frozen=True, kw_only=True)
class PlannerConfig:
    """What a planner learns with."""

    steps: int = 3000  # of the optimizer
    batch: int = 256  # windows a step
    precision: Literal["fp32", "bf16"] = "bf16"  # of the forward pass
    net: NetKind = "window"
    rate: float = 2e-3  # the highest learning rate; it rises for 100 steps and falls to 2 % along a cosine
    hidden: int | None = None  # width of the net; None: what its kind has (`nets.SIZES`)
    depth: int | None = None
    average: float = 0.995  # decay of the averaged weights
    cut: float = 0.5  # share of windows that end before their ride does
    free: float = 0.15  # share of windows whose goal is not given
    action_weight: float = 0.1  # an action's squared error against a state's
    seed: int = 0
    checkpoint_every: int = 500  # steps


def learn(
    maze: Maze,
    rides: Rides,
    spec: Spec,
    config: PlannerConfig,
    *,
    folder: Path | None = None,
    tell: Callable[[int, int, str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Planner:
    """A planner of the maze; `folder` keeps checkpoints, from which an interrupted run goes on.

    Raises: Paused where `should_stop` asked for it; with a folder nothing that was learned is lost.
    """
    windows = Windows(rides, spec, Scale.of(maze), cut=config.cut, seed=config.seed)
    net = fresh_net(maze, spec, config)
    fit(net, windows, config, folder=folder, tell=tell, should_stop=should_stop)
    return Planner(maze, spec, net, Familiar.of(rides, config.seed))


def fresh_net(maze: Maze, spec: Spec, config: PlannerConfig) -> nn.Module:
    with torch.random.fork_rng([]):
        torch.manual_seed(config.seed)
        return built(maze, spec, config.net, config.hidden, config.depth)


def fit(
    net: nn.Module,
    windows: Windows,
    config: PlannerConfig,
    *,
    process: Process | None = None,
    folder: Path | None = None,
    tell: Callable[[int, int, str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> None:
    """Trains a net of windows in place and leaves the averaged weights in it. Raises: Paused."""
    settings = TrainConfig(
        steps=config.steps, micro_batch=config.batch, precision=config.precision, seed=config.seed,
        checkpoint_every=config.checkpoint_every, device="cpu",
    )  # fmt: skip
    average = AverageWeights(config.average)
    each = windows_loss(process or clean_data(), config)

    def loss(model: nn.Module, batch: Tensor) -> Tensor:
        return each(model, batch, torch.default_generator).mean()

    trained = train(
        net,
        loader_for(windows, settings, visits=True, collate=windows.drawn),
        optimizer=torch.optim.AdamW(net.parameters(), lr=config.rate, weight_decay=1e-4, fused=True),
        config=settings,
        schedule=lambda step: rise_and_fall(step, config.steps),
        loss=loss,
        weigh=lambda batch: 1,
        callbacks=[average, ShowProgress(tell or _nobody)],  # the same callbacks, so that either can resume
        checkpoint=folder,
        should_stop=should_stop,
    )
    if trained.stopped == "requested":
        raise Paused(f"the planner paused after {trained.steps} of {config.steps} steps")
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            parameter.copy_(average.average[name])


def _nobody(done: int, total: int, text: str) -> None:
    """Is told."""


def rise_and_fall(step: int, steps: int, warm: int = 100, least: float = 0.02) -> float:
    """The factor of the learning rate."""
    fall = least + (1 - least) * 0.5 * (1 + math.cos(math.pi * min(1.0, step / steps)))
    return min(1.0, (step + 1) / warm) * fall


def windows_loss(
    process: Process, config: PlannerConfig
) -> Callable[[nn.Module, Tensor, torch.Generator], Tensor]:
    """The loss of each window of a batch: the start is given to the net, the goal mostly."""
    weight = entry_weights(config)

    def loss(net: nn.Module, batch: Tensor, generator: torch.Generator) -> Tensor:
        noisy = noisy_entries(batch, config.free, generator)
        return process.loss(net, batch, generator, weight=weight, mask=noisy)

    return loss


def entry_weights(config: PlannerConfig) -> Tensor:
    """Of a token's squared errors. Shapes: -> (WIDTH,)"""
    weight = torch.ones(WIDTH)
    weight[STATE:] = config.action_weight
    return weight


def noisy_entries(batch: Tensor, free: float, generator: torch.Generator) -> Tensor:
    """True where noise falls: not on the start, and on the goal only in a share of windows.

    Shapes: (B, H, WIDTH) -> the same
    """
    noisy = torch.ones_like(batch, dtype=torch.bool)
    noisy[:, 0, :STATE] = False
    noisy[:, -1, :STATE] = (torch.rand(len(batch), generator=generator) < free)[:, None]
    return noisy
