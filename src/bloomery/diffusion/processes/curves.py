"""Noise schedules as functions: the share of the data that is left at t, from 1 at t = 0 down to about 0.

The share is alpha-bar of the Gaussian process (of the data's variance) and alpha of the masked one (of the
tokens), so that one curve serves both. Numbers are in double precision and on the processor: 1 minus the
share has few digits near t = 0.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from bloomery.core.errors import UnknownName, UserError
from bloomery.diffusion.schedules import Schedule


class Curve(NamedTuple):
    name: str
    left: Callable[[Tensor], Tensor]  # t in double precision -> the share of the data that is left


def linear() -> Curve:
    """1 - t: as many tokens are masked in each stretch of time.

    Source: arXiv 2502.09992 (LLaDA), section 2; arXiv 2406.04329 (MD4), linear schedule
    """
    return Curve("linear", lambda t: 1 - t)


def linear_rate(first: float = 0.1, last: float = 20.0) -> Curve:
    """The rate of noise grows evenly: DDPM's linear variances (1e-4 to 0.02 in 1000 steps), continuous.

    Source: arXiv 2011.13456 (score-based models by SDEs), appendix B, eq. 29
    """
    return Curve("linear-rate", lambda t: torch.exp(-first * t - (last - first) * t.square() / 2))


def cosine(offset: float = 0.008) -> Curve:
    """A squared cosine, 1 at t = 0.

    Source: arXiv 2102.09672 (improved DDPM), eq. 17
    """
    start = _squared_cosine(torch.zeros((), dtype=torch.float64), offset)
    return Curve("cosine", lambda t: torch.where(t < 1, _squared_cosine(t, offset) / start, 0.0 * t))


def _squared_cosine(t: Tensor, offset: float) -> Tensor:
    return torch.cos((t + offset) / (1 + offset) * (math.pi / 2)).square()


def cosine_masks() -> Curve:
    """1 - cos(pi (1 - t) / 2): few tokens are unmasked at first, when little is known.

    Source: arXiv 2406.04329 (MD4), cosine schedule, after arXiv 2202.04200 (MaskGIT)
    """
    edge = torch.tensor(math.pi / 2, dtype=torch.float64).cos()  # 6e-17: without it the share at 0 is not 1
    return Curve("cosine-masks", lambda t: (1 - torch.cos((1 - t) * (math.pi / 2))) / (1 - edge))


def polynomial(power: float = 2.0) -> Curve:
    """1 - t^power.

    Source: arXiv 2406.04329 (MD4), polynomial schedule
    """
    if not power > 0:
        raise UserError(f"the power of a polynomial schedule is above 0, not {power}")
    return Curve("polynomial", lambda t: 1 - t**power)


def sigmoid(start: float = -3.0, end: float = 3.0, tau: float = 1.0) -> Curve:
    """A logistic function between two points, stretched to go from 1 to 0.

    Source: arXiv 2212.11972 (RIN), its sigmoid schedule
    """
    if not (start < end and tau > 0):
        raise UserError(f"a sigmoid schedule has start < end and tau > 0, got {start}, {end} and {tau}")
    high, low = (torch.tensor(x / tau, dtype=torch.float64).sigmoid() for x in (end, start))
    return Curve("sigmoid", lambda t: (high - ((start + t * (end - start)) / tau).sigmoid()) / (high - low))


def from_points(points: Sequence[float], name: str = "custom") -> Curve:
    """A curve through given shares, evenly spread from t = 0 to t = 1, straight between them."""
    table = torch.tensor(list(points), dtype=torch.float64)
    if len(table) < 2:
        raise UserError(f"a custom schedule has two points or more, from 1 down; got {len(table)}")
    return custom(lambda t: _between(table, t), name, checked_at=table.new_tensor(range(len(table))))


def from_schedule(schedule: Schedule, name: str = "table") -> Curve:
    """The curve through a table's alpha-bar: its step i is at t = i / T."""
    return Curve(name, lambda t: _between(schedule.alpha_bar, t))


def custom(left: Callable[[Tensor], Tensor], name: str = "custom", checked_at: Tensor | None = None) -> Curve:
    """A curve of one's own function.

    Raises: UserError where it does not fall from 1, stays not within 0 and 1, or gives no numbers
    """
    at = torch.linspace(0, 1, 101, dtype=torch.float64) if checked_at is None else checked_at / checked_at[-1]
    found = left(at)
    if not (found.shape == at.shape and bool(torch.isfinite(found).all())):
        raise UserError(f"the schedule '{name}' gives one finite number for each t; this one does not")
    if found[0] != 1 or bool((found.diff() >= 0).any()) or found[-1] < 0:
        raise UserError(
            f"the schedule '{name}' falls from 1 at t = 0 and stays at 0 or above; it goes from"
            f" {found[0]:g} to {found[-1]:g}{'' if bool((found.diff() < 0).all()) else ' and does not fall'}"
        )
    return Curve(name, left)


CURVES: dict[str, Callable[[], Curve]] = {
    "linear": linear,
    "linear-rate": linear_rate,
    "cosine": cosine,
    "cosine-masks": cosine_masks,
    "polynomial": polynomial,
    "sigmoid": sigmoid,
}


def curve_named(name: str) -> Curve:
    if name not in CURVES:
        raise UnknownName("schedule", name, CURVES)
    return CURVES[name]()


def left(curve: Curve, t: Tensor) -> Tensor:
    """The share left at times from 0 to 1, in double precision, on the processor."""
    t = t.detach().double().cpu()
    if t.numel() and not (float(t.min()) >= 0 and float(t.max()) <= 1):
        raise UserError(f"times go from 0 to 1, got {float(t.min()):g} to {float(t.max()):g}")
    return curve.left(t)


def slope(curve: Curve, t: Tensor) -> Tensor:
    """How the share changes at t: below 0."""
    with torch.inference_mode(False), torch.enable_grad():
        at = t.detach().double().cpu().clone().requires_grad_()
        (change,) = torch.autograd.grad(curve.left(at).sum(), at)
    return change


def log_snr(curve: Curve, t: Tensor) -> Tensor:
    """log(share / (1 - share)): infinite at t = 0, falling.

    Source: arXiv 2107.00630 (variational diffusion models), section 3.2
    """
    share = left(curve, t)
    return share.log() - torch.log1p(-share)


def _between(table: Tensor, t: Tensor) -> Tensor:
    place = t * (len(table) - 1)
    low = place.detach().floor().clamp(max=len(table) - 2).long()
    above = place - low
    return table[low] * (1 - above) + table[low + 1] * above
