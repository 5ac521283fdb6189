"""What a process does, whatever its noise is, and the functions that sampling is made of.

Time t is one number for each example, from 0 (data) to 1 (noise). A net says something of x_t and t; a
process makes a guess of it: the data (numbers), or the log-probabilities of each token. Conditions are bound
before (`functools.partial`); guidance and clamps are functions around nets and steps.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

Net = Callable[[Tensor, Tensor], Tensor]  # x_t (B, ...), t (B,) -> what it says
Denoise = Callable[[Tensor, Tensor], Tensor]  # the same, and the answer is a guess of x_0
Step = Callable[[Tensor, Tensor, Tensor, Tensor, torch.Generator], Tensor]  # x_t, guess, t, s, ... -> x_s
Stepper = Callable[["Process"], Step]  # called once a sample, so that a step may remember the one before
Guide = Callable[[Denoise], Denoise]
Project = Callable[[Tensor, Tensor], Tensor]  # x_s, s (B,) -> x_s, with what is known put back
Watch = Callable[[Tensor, Tensor, float], None]  # x_t, guess, t
Stop = Callable[[Tensor, Tensor, float], bool]  # the same -> whether the guess is good enough to commit
Done = Callable[[Tensor, float], bool]  # x_t, t -> whether nothing is left to do: no pass is made for it


class Process(Protocol):
    def corrupt(self, x0: Tensor, t: Tensor, generator: torch.Generator) -> Tensor:
        """x_t of x_0. Shapes: x0 (B, ...), t (B,) -> (B, ...)"""
        ...

    def loss(
        self,
        net: Net,
        x0: Tensor,
        generator: torch.Generator,
        *,
        weight: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """What a net is trained on, summed over an example's entries, at one random time each.

        `weight` multiplies each entry's cost; `mask` is true where noise may fall: elsewhere the net sees the
        data (a prompt, a start and a goal) and nothing is asked of it.

        Shapes: x0 (B, ...), weight and mask broadcast to it -> (B,)
        """
        ...

    def guess(self, said: Tensor, x: Tensor, t: Tensor) -> Tensor:
        """What a net's answer means: the data, or the log-probability of each token."""
        ...

    def step(
        self, x: Tensor, guess: Tensor, t: Tensor, s: Tensor, generator: torch.Generator, *, eta: float = ...
    ) -> Tensor:
        """x_s of x_t and a guess, s < t; at s = 0 the guess is committed, all of it.

        `eta` is how much of what was decided is noised again: for Gaussian noise 0 is DDIM and 1 the
        posterior; for masks 0 is the posterior and above it tokens are masked again.
        """
        ...

    def prior(self, shape: Sequence[int], generator: torch.Generator) -> Tensor:
        """x_1, on the generator's device."""
        ...

    def draw(self, x: Tensor, guess: Tensor, generator: torch.Generator) -> Tensor:
        """Clean data of a guess at any time, as rewards see them: numbers as guessed, each mask a token."""
        ...


def denoiser(process: Process, net: Net) -> Denoise:
    """A net's guesses; the net gets t on the device of x and in its precision."""

    def denoise(x: Tensor, t: Tensor) -> Tensor:
        told = t.to(x.device, x.dtype if x.is_floating_point() else torch.float32)
        return process.guess(net(x, told), x, t)

    return denoise


def exact(process: Process) -> Step:
    """The process's own step: what likelihoods are claimed of."""
    return process.step


def filled(count: int, time: float) -> Tensor:
    """One time for all examples. Shapes: -> (count,) in double precision"""
    return torch.full((count,), time, dtype=torch.float64)


def spread_times(count: int, generator: torch.Generator, earliest: float) -> Tensor:
    """One time an example, each uniform from `earliest` to 1, and evenly spread over the batch.

    Source: arXiv 2107.00630 (variational diffusion models), appendix I.1
    """
    first = torch.rand(1, generator=generator, device=generator.device, dtype=torch.float64).cpu()
    place = (first + torch.arange(count, dtype=torch.float64) / count) % 1
    return earliest + (1 - earliest) * place
