"""What was seen on the way from noise to data, or from data to noise."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from bloomery.core.errors import UserError
from bloomery.diffusion.processes.process import Process, filled


class Frame(NamedTuple):
    t: float
    x: Tensor
    guess: Tensor | None  # none on the way to noise


class Film:
    """Keeps what it sees: give it to a sampler as `watch`, and the sample that came out to `end`."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    def __call__(self, x: Tensor, guess: Tensor, t: float) -> None:
        self.frames.append(Frame(t, x.detach().cpu().clone(), guess.detach().cpu().clone()))

    def end(self, x: Tensor) -> list[Frame]:
        return [*self.frames, Frame(0.0, x.detach().cpu().clone(), None)]


def forward_frames(
    process: Process, x0: Tensor, times: Sequence[float], generator: torch.Generator
) -> list[Frame]:
    """The data at each time; each is noised from the data anew."""
    return [Frame(t, process.corrupt(x0, filled(len(x0), t), generator).cpu(), None) for t in times]


def chosen(frames: Sequence[Frame], most: int) -> list[Frame]:
    """At most so many, evenly spread, the first and the last among them."""
    if not frames or most < 2:
        raise UserError(f"a picture shows 2 frames or more of 1 or more, not {most} of {len(frames)}")
    if len(frames) <= most:
        return list(frames)
    return [frames[round(i * (len(frames) - 1) / (most - 1))] for i in range(most)]
