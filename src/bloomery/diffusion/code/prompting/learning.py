"""How a prompt model is trained: sketches of prompts, and programs of sketches, side by side in each step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bloomery.core.step import Paused
from bloomery.diffusion.code.prompting.cutting import Cutting, prepared
from bloomery.diffusion.code.prompting.drawing import Drawing
from bloomery.diffusion.code.prompting.layout import MASK_ID, OPENING, PAD_ID, SKETCH
from bloomery.diffusion.code.prompting.model import PromptModel
from bloomery.diffusion.code.tasks.catalogue import OPERATIONS
from bloomery.diffusion.denoisers.fitting import FittingConfig, Tell, fit
from bloomery.diffusion.denoisers.tokens import SIGNALS
from bloomery.diffusion.processes.process import spread_times
from bloomery.training.config import TrainConfig
from bloomery.training.schedules import ScheduleConfig

Loss = Callable[[nn.Module, Mapping[str, Tensor], torch.Generator], Tensor]


@dataclass(frozen=True, kw_only=True)
class LearningConfig:
    """How long and on how much a prompt model learns."""

    steps: int = 2000  # of the optimizer
    programs: int = 8  # whole canvases a step, of one language
    sketches: int = 32  # canvases that end behind the sketch a step
    rate: float = 2e-3  # the highest learning rate; it rises for 100 steps, then falls to 0 along a cosine
    blank: float = 0.5  # share of canvases of which nothing is known
    padding: float = 0.3  # what a place of padding weighs against one of a token
    seed: int = 0
    checkpoint_every: int = 50  # steps


def fresh(config: LearningConfig, **sizes: int) -> PromptModel:
    tokenizer, layouts = prepared()
    return PromptModel.fresh(tokenizer, layouts, operations=tuple(OPERATIONS), seed=config.seed, **sizes)


def learn(
    model: PromptModel,
    config: LearningConfig,
    *,
    loss: Loss | None = None,
    folder: Path | None = None,
    tell: Tell | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> None:
    """Trains the model in place; `folder` keeps checkpoints, from which an interrupted run goes on.

    Raises: Paused where `should_stop` asked for it; what training raises.
    """
    data = Drawing(
        model, Cutting(model.tokenizer), config.steps, config.programs, config.sketches, config.seed
    )
    fitting = FittingConfig(
        loop=TrainConfig(
            steps=config.steps, micro_batch=1, seed=config.seed, device="cpu",
            checkpoint_every=config.checkpoint_every,
        ),
        schedule=ScheduleConfig(kind="cosine", warmup_steps=min(100, config.steps // 4)),
        lr=config.rate,
        betas=(0.9, 0.98),
        weight_decay=0.02,
        average=0.998,
    )  # fmt: skip
    each = loss or masked_loss(config)
    done = fit(
        model.net,
        data,
        lambda net, batch, generator: each(net, {name: one[0] for name, one in batch.items()}, generator),
        fitting,
        folder=folder,
        progress=tell,
        should_stop=should_stop,
    )
    if done.stopped == "requested":
        raise Paused(f"the prompt model paused after {done.steps} of {config.steps} steps")


def masked_loss(config: LearningConfig) -> Loss:
    """Nats a masked token: of sketches, given prompts, and of programs, given sketches. Padding counts less.

    Source: arXiv 2202.04200 (MaskGIT), its masked cross-entropy
    Differs: no weight of the time, for a program has one canonical text: this is no bound of a likelihood
    """

    def loss(net: nn.Module, batch: Mapping[str, Tensor], generator: torch.Generator) -> Tensor:
        asked, written = split(batch)
        known = OPENING + SKETCH
        costs = [
            mean_cost(net, part, hidden(part["x"], begin, config.blank, generator), config.padding)
            for part, begin in ((asked, OPENING), (written, known))
        ]
        return (costs[0] + costs[1])[None]

    return loss


def split(batch: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """A batch of `Drawing` as canvases that end behind the sketch, and as whole ones."""
    asked = {name.removeprefix("asked_"): one for name, one in batch.items() if name.startswith("asked_")}
    written = {name: one for name, one in batch.items() if not name.startswith("asked_")}
    signals = {name: written[name][:1, : asked["x"].shape[1]] for name in SIGNALS if name in written}
    return {**asked, **{name: one.expand(len(asked["x"]), -1) for name, one in signals.items()}}, written


def hidden(x: Tensor, begin: int, blank: float, generator: torch.Generator) -> Tensor:
    """Which places are masked: from `begin` on all, or each with a chance of its own canvas.

    Shapes: x (B, L) -> (B, L)
    """
    t = spread_times(len(x), generator, 0.0).float()
    t = torch.where(torch.rand(len(x), generator=generator) < blank, 1.0, t)
    masked = torch.rand(x.shape, generator=generator) < t[:, None]
    masked[:, :begin] = False
    return masked


def mean_cost(net: nn.Module, part: Mapping[str, Tensor], masked: Tensor, padding: float) -> Tensor:
    x, told = part["x"], {name: value for name, value in part.items() if name != "x"}
    said: Any = net(torch.where(masked, MASK_ID, x), **told)
    nats = F.cross_entropy(said.flatten(0, 1), x.flatten(), reduction="none").view_as(x)
    weight = masked * torch.where(x == PAD_ID, padding, 1.0)
    weight = weight * part["seen"] if "seen" in part else weight
    return (nats * weight).sum() / weight.sum().clamp(min=1e-9)
