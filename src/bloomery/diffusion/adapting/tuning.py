"""Fine-tuning on what a round chose beside real data, and the control: the same steps on real data only."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bloomery.core.errors import UserError
from bloomery.diffusion.buffer.ledger import ORIGINS
from bloomery.diffusion.buffer.trajectories import TrajectoryBuffer
from bloomery.diffusion.denoisers.fitting import FittingConfig, fit
from bloomery.diffusion.denoisers.teaching import Loss
from bloomery.training.callbacks import MetricSink

from .seeds import seed_of

Whole = NDArray[np.int64]


class Picked:
    """A data set of a buffer's entries, in any order and as often as is said; nothing is copied before."""

    def __init__(self, buffer: TrajectoryBuffer, slots: Whole) -> None:
        self.slots = torch.from_numpy(slots)
        self.arrays = {name: torch.from_numpy(a) for name, a in buffer.holdings.contents.arrays.items()}

    def __len__(self) -> int:
        return len(self.slots)

    def __getitem__(self, index: Any, /) -> dict[str, Tensor]:
        slot = self.slots[index]
        return {name: _of_net(array[slot]) for name, array in self.arrays.items()}


def fine_tune(
    net: nn.Module,
    data: Picked,
    loss: Loss,
    config: FittingConfig,
    seed: int,
    round: int,
    factor: float,
    metric: MetricSink | None = None,
) -> int:
    """Train the net in place on each row of the data once; how many examples it saw.

    Raises: UserError or Failure where it diverges or does not fit.
    """
    loop = dataclasses.replace(config.loop, seed=seed_of(seed, "fit", round), checkpoint_every=0)
    config = dataclasses.replace(config, loop=loop, lr=config.lr * factor)
    result = fit(net, data, loss, config, metric=metric)
    return result.steps * loop.micro_batch * loop.accumulate


def rows_of(config: FittingConfig) -> int:
    """How many rows a round's fine-tuning sees."""
    return config.loop.steps * config.loop.micro_batch * config.loop.accumulate


def mixed(
    buffer: TrajectoryBuffer, tasks: Sequence[str], count: int, share: float, random: np.random.Generator
) -> Picked:
    """A share of the tasks' entries, by reward's rank and evenly over tasks, the rest of real data.

    Tasks without entries have none of it. Raises: UserError where no task has any
    """
    tasks = [task for task in tasks if buffer.tasks.get(task)]
    if not tasks:
        raise UserError("the buffer has no entry of any task: there is nothing to learn from")
    chosen = round(count * share)
    each = [len(range(place, chosen, len(tasks))) for place in range(len(tasks))]
    slots = [buffer.sample(n, task=task).slot for task, n in zip(tasks, each, strict=True) if n]
    return Picked(buffer, np.concatenate([*slots, _real(buffer, count - chosen, random)]))


def real_only(buffer: TrajectoryBuffer, count: int, random: np.random.Generator) -> Picked:
    """As many rows of real data: what the same steps would have done without any of this."""
    return Picked(buffer, _real(buffer, count, random))


def real_slots(buffer: TrajectoryBuffer) -> Whole:
    return np.flatnonzero(buffer.holdings.ledger.columns["origin"][: len(buffer)] == ORIGINS.index("real"))


def _real(buffer: TrajectoryBuffer, count: int, random: np.random.Generator) -> Whole:
    slots = real_slots(buffer)
    if count and not len(slots):
        raise UserError("the buffer holds no real data: adaptation is told from the same steps on those")
    return slots[random.integers(len(slots), size=count)] if count else slots[:0]


def _of_net(value: Tensor) -> Tensor:
    """Numbers as they are kept, whole numbers as nets take them."""
    return value if value.is_floating_point() or value.dtype == torch.bool else value.long()
