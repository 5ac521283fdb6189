"""DDPM's step between any two times."""

import torch
from torch import Tensor

from bloomery.core.errors import UserError
from bloomery.diffusion.normal import noise_like
from bloomery.diffusion.processes.continuous import GaussianDiffusion
from bloomery.diffusion.processes.process import Process, Step, Stepper
from bloomery.diffusion.reverse import Spread, reverse
from bloomery.diffusion.schedules import over


def ddpm(spread: Spread = "small") -> Stepper:
    """The posterior's mean, with its variance (small) or with all that the forward step adds (large).

    Source: arXiv 2006.11239 (DDPM), algorithm 2 and section 3.2
    """

    def begin(process: Process) -> Step:
        gaussian = gaussian_only(process, "ddpm")

        def step(x: Tensor, guess: Tensor, t: Tensor, s: Tensor, generator: torch.Generator) -> Tensor:
            schedule, index = gaussian.between(t, s)
            p = reverse(x, guess, index, schedule, spread)
            return p.mean + over(s > 0, x) * p.variance.sqrt() * noise_like(x, generator)

        return step

    return begin


def gaussian_only(process: Process, sampler: str) -> GaussianDiffusion:
    """Raises: UserError of a process whose noise is not Gaussian"""
    if not isinstance(process, GaussianDiffusion):
        raise UserError(f"the sampler {sampler} is for Gaussian noise, not for {type(process).__name__}")
    return process
