"""DPM-Solver++(2M): the probability flow in log-SNR, with a line through the last two guesses."""

import torch
from torch import Tensor

from bloomery.diffusion.processes.process import Process, Step, Stepper
from bloomery.diffusion.schedules import over

from .ddpm import gaussian_only


def dpm_solver() -> Stepper:
    """Second order from the second step on; the last step, to s = 0, is of first order: it commits the guess.

    Source: arXiv 2211.01095 (DPM-Solver++), algorithm 2, eq. 9 for the first step
    """

    def begin(process: Process) -> Step:
        gaussian = gaussian_only(process, "dpm_solver")
        before: list[tuple[Tensor, Tensor]] = []  # the last guess, and the length of its step

        def step(x: Tensor, guess: Tensor, t: Tensor, s: Tensor, generator: torch.Generator) -> Tensor:
            length = _half_log_snr(gaussian.left(s)) - _half_log_snr(gaussian.left(t))
            ahead = guess
            if before and bool(torch.isfinite(length).all()):
                last, last_length = before.pop()
                ahead = guess + over(length / (2 * last_length), x) * (guess - last)
            before[:] = [(guess, length)]
            now, then = gaussian.left(t), gaussian.left(s)
            ratio = ((1 - then) / (1 - now)).sqrt()
            return over(ratio, x) * x - over(then.sqrt() * torch.expm1(-length), x) * ahead

        return step

    return begin


def _half_log_snr(share: Tensor) -> Tensor:
    return (share.log() - torch.log1p(-share)) / 2
