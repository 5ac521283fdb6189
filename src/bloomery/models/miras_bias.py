"""Attentional biases of MIRAS (arXiv 2504.13173): what a memory minimises, as the slope dl/dy at its output.

Every slope takes the memory's output y, the value v and the token's threshold, (..., K), (..., K) and
(..., 1 or K), and returns (..., K); e = y - v is the error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

TINY = 1e-12  # keeps 0 / 0 from an error of nothing


class Bias(Protocol):
    def slope(self, y: Tensor, v: Tensor, threshold: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Dot:
    """-<y, v>: with a matrix memory the Hebbian rule, linear attention.

    Source: miras eq. 3, miras eq. 8
    """

    def slope(self, y: Tensor, v: Tensor, threshold: Tensor) -> Tensor:
        return -v + 0.0 * y


@dataclass(frozen=True)
class L2:
    """|e|_2^2, as in Titans: with a matrix memory the delta rule.

    Source: miras eq. 9
    """

    def slope(self, y: Tensor, v: Tensor, threshold: Tensor) -> Tensor:
        return 2 * (y - v)


@dataclass(frozen=True)
class Lp:
    """|e|_p^p, with slope p Sign(e) |e|^(p - 1).

    `sharpness` a puts tanh(a e) for Sign(e) and sqrt(e^2 + 1e-6) for |e|, which makes the slope smooth; None
    takes both as they are. p = 1 sees nothing of a value but on which side of it the memory is.

    Source: miras eq. 10, miras eq. 11, miras eq. 12, miras eq. 25
    """

    p: float = 3.0
    sharpness: float | None = 10.0
    softness: float = 1e-6

    def __post_init__(self) -> None:
        if self.p < 1:
            raise ValueError(f"p must be at least 1, got {self.p}")

    def slope(self, y: Tensor, v: Tensor, threshold: Tensor) -> Tensor:
        e = y - v
        if self.sharpness is None:
            return self.p * sign(e) * e.abs() ** (self.p - 1)
        return self.p * torch.tanh(self.sharpness * e) * (e * e + self.softness) ** ((self.p - 1) / 2)


HUBER_FORMS = ("coordinate", "norm", "mixed")


@dataclass(frozen=True)
class Huber:
    """|e|^2 / 2 up to the token's threshold delta, and from there growing no faster than delta |e|.

    "coordinate" judges every coordinate for itself (eq. 14), "norm" the norm of e (eq. 15). For eq. 16, of
    which Yaad is made, there are two readings: with l_1 as the norm |e|_2 it is "norm", continuous at the
    threshold and our choice; with l_1 as the sum of |e_j| it is "mixed", with slope delta Sign(e) beyond.

    Source: miras eq. 13, miras eq. 14, miras eq. 15, miras eq. 16 (norm), miras eq. 16 (mixed)
    """

    form: str = "norm"

    def __post_init__(self) -> None:
        if self.form not in HUBER_FORMS:
            raise ValueError(f"form must be one of {', '.join(HUBER_FORMS)}; got {self.form!r}")

    def slope(self, y: Tensor, v: Tensor, threshold: Tensor) -> Tensor:
        e = y - v
        if self.form == "coordinate":
            return torch.minimum(torch.maximum(e, -threshold), threshold)
        size = length(e)
        beyond = e / size if self.form == "norm" else sign(e)
        return torch.where(size <= threshold, e, threshold * beyond)


@dataclass(frozen=True)
class ValueShift:
    """max over |d|_2 <= radius of |e - d|^2 / 2: the worst that a value may be off by.

    Source: miras eq. 17
    """

    radius: float = 0.1

    def slope(self, y: Tensor, v: Tensor, threshold: Tensor) -> Tensor:
        e = y - v
        return e + self.radius * e / length(e)


def sign(e: Tensor) -> Tensor:
    """-1, 0 or 1, and no number for no number, where torch's has 0."""
    return torch.where(e.isnan(), e, e.sign())


def length(e: Tensor) -> Tensor:
    """|e|_2, (..., 1), never zero, with a finite gradient everywhere."""
    return e.square().sum(-1, keepdim=True).clamp(min=TINY * TINY).sqrt()
