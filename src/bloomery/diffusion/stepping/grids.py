"""Times to stop at on the way down, from 1 to 0; even ones are `sampling.even_times`."""

import torch
from torch import Tensor

from bloomery.core.errors import UserError
from bloomery.diffusion.processes.continuous import GaussianDiffusion


def powers(steps: int, power: float = 2.0) -> list[float]:
    """(i / K)^power: above 1, steps are short near the data.

    Source: arXiv 2010.02502 (DDIM), appendix D.2 (quadratic)
    """
    if steps < 1 or not power > 0:
        raise UserError(f"times of a power take 1 step or more and a power above 0, got {steps} and {power}")
    return [((steps - i) / steps) ** power for i in range(steps)] + [0.0]


def even_log_snr(process: GaussianDiffusion, steps: int, latest: float = 1e-3) -> list[float]:
    """Times at which log-SNR rises evenly from t = 1 to `latest`; the last step goes from there to 0.

    Source: arXiv 2211.01095 (DPM-Solver++), uniform steps of lambda
    """
    if steps < 2 or not 0 < latest < 1:
        raise UserError(f"times of log-SNR take 2 steps or more, and a last one within 0 and 1; got {steps}")
    first, last = process.log_snr(torch.tensor([1.0, latest], dtype=torch.float64)).tolist()
    between = torch.linspace(first, last, steps, dtype=torch.float64)[1:-1]
    return [1.0, *_times_of(process, between).tolist(), latest, 0.0]


def _times_of(process: GaussianDiffusion, log_snr: Tensor) -> Tensor:
    """By halving: log-SNR falls in t. Shapes: (K,) -> (K,)"""
    low, high = torch.zeros_like(log_snr), torch.ones_like(log_snr)
    for _ in range(60):
        middle = (low + high) / 2
        above = process.log_snr(middle) > log_snr
        low, high = torch.where(above, middle, low), torch.where(above, high, middle)
    return (low + high) / 2
