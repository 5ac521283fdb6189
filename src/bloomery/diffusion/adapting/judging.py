"""Whether a round is kept: the gain on held-out noise or tasks, and what became of old tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bloomery.core.errors import UserError
from bloomery.diffusion.guiding.rewards import asked

from .adapted import Adapted, drawn
from .budget import Metered
from .intervals import Gain, paired
from .seeds import generator_of, seed_of
from .tasks import Trial

Real = NDArray[np.float64]


@dataclass(frozen=True)
class Figures:
    """What a model's samples are worth to the judges. Shapes: (T, m)"""

    rewards: Real
    passes: int


@dataclass(frozen=True)
class Forgetting:
    """Of an old task: the change since before any adaptation, and the loss that is allowed."""

    change: Gain
    allowed: float

    @property
    def held(self) -> bool:
        """Whether the interval leaves no loss beyond what is allowed."""
        return self.change.low >= -self.allowed


def judged(model: Adapted, tasks: Sequence[Trial], each: int, seed: int, timeout_s: float | None) -> Figures:
    """The rewards of samples from the noise of a seed: two models see the same noise, row by row."""
    metered = Metered(model.net)
    generator = generator_of(seed, "judged")
    with torch.no_grad():
        samples = drawn(metered, model.process, tasks, each, model.drawing, model.memories, None, generator)
    rewards = [
        asked(task.judges.reward, x, timeout_s).numpy() for task, x in zip(tasks, samples, strict=True)
    ]
    return Figures(np.stack(rewards), metered.examples)


def forgotten(
    after: Real, base: Real, allowed: Mapping[str, float], level: float, seed: int
) -> dict[str, Forgetting]:
    """Of each old task, in order: its change, and how much may be lost. Shapes: (T, m)"""
    found = {}
    for name, now, then in zip(allowed, after, base, strict=True):
        change = paired(now[None], then[None], level, seed_of(seed, name))
        found[name] = Forgetting(change, allowed[name])
    return found


def deviations_of(
    tasks: Sequence[Trial], samples: Tensor, real: Tensor, timeout_s: float | None
) -> dict[str, float]:
    """How much each judge differs between the tasks' samples and real data.

    Shapes: samples (T, m, ...), real (P, ...)
    Raises: UserError of a judge that says one thing of all of them, or nothing at all
    """
    found = {}
    for task, x in zip(tasks, samples, strict=True):
        said = asked(task.judges.reward, torch.cat([x, real.to(x)]), timeout_s)
        if bool((said == said[0]).all()):
            raise UserError(
                f"the judge of '{task.name}' says {float(said[0]):g} of all {len(said)} samples and real"
                " data: no gain could ever be seen by it; judge by what differs between good and bad samples"
            )
        found[task.name] = float(said.std())
    return found
