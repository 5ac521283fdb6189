"""Retention of MIRAS (arXiv 2504.13173): what a memory keeps, as a map from accumulators A to weights W.

Between the map's uses A is a linear recurrence, A_t = alpha_t A_{t-1} - eta_t grad. `weights` is the map
itself, used where a chunk ends; `settled` is the accumulator that goes on from there; `inside` is the map
held as it was at the chunk's start, linear in A, for the start itself and the tokens after it; where that is
A times one number a layer, `scale` is the number. Where `lag`, a chunk's first token is a chunk of its own.

Shapes: A, start (..., out, in), one layer of the memory, in every function -> the same
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class Retention(Protocol):
    @property
    def lag(self) -> bool: ...

    def weights(self, A: Tensor) -> Tensor: ...

    def inside(self, A: Tensor, start: Tensor) -> Tensor: ...

    def scale(self, start: Tensor) -> Tensor | None: ...

    def settled(self, A: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Decay:
    """W = A: squared distance to the weights before and squared size, Titans' forget gate.

    Source: miras eq. 5, miras eq. 6, miras eq. 7
    """

    lag: bool = False

    def weights(self, A: Tensor) -> Tensor:
        return A

    def inside(self, A: Tensor, start: Tensor) -> Tensor:
        return A

    def scale(self, start: Tensor) -> Tensor | None:
        return start.new_ones(1, 1)

    def settled(self, A: Tensor) -> Tensor:
        return A


@dataclass(frozen=True)
class NormRetention:
    """W = A / |A|_q^(q - 2) as printed; `exact` is W = sign(A) |A|^(q - 1) / |A|_q^(q - 2).

    The exact one minimises -<W, A> + |W|_r^2 / 2 with 1/q + 1/r = 1, which the printed one does not (unless
    q = 2). The norm is that of a layer's whole matrix, taken as no smaller than `floor`.

    Source: miras eq. 24 (printed), miras eq. 24 (exact)
    """

    q: float = 4.0
    exact: bool = False
    floor: float = 1e-3
    lag: bool = False

    def __post_init__(self) -> None:
        if self.q < 2 or self.floor <= 0:
            raise ValueError(f"q {self.q} must be at least 2 and floor {self.floor} above 0")

    def weights(self, A: Tensor) -> Tensor:
        return self.inside(A, A)

    def inside(self, A: Tensor, start: Tensor) -> Tensor:
        if not self.exact or self.q == 2:
            return A / self._norm(start) ** (self.q - 2)
        return A * (start.abs() / self._norm(start)) ** (self.q - 2)  # divided first: a power may overflow

    def scale(self, start: Tensor) -> Tensor | None:
        return None if self.exact else 1 / self._norm(start) ** (self.q - 2)

    def settled(self, A: Tensor) -> Tensor:
        return A

    def _norm(self, A: Tensor) -> Tensor:
        """|A|_q, at least `floor`; by its largest entry first, so that no power over- or underflows."""
        largest = A.detach().abs().amax((-2, -1), keepdim=True).clamp(min=self.floor)
        norm = largest * ((A / largest).abs() ** self.q).sum((-2, -1), keepdim=True).clamp(
            min=torch.finfo(A.dtype).tiny
        ) ** (1 / self.q)
        return norm.clamp(min=self.floor)


OVERS = ("row", "matrix")


@dataclass(frozen=True)
class Softmax:
    """W = total softmax(A): Kullback-Leibler distance to the weights before, and entropy.

    A and log W differ by a constant in each softmax, so that A_t = alpha A_{t-1} - eta grad is
    alpha log W_{t-1} - eta grad. "matrix" is eq. 21 as printed, |W|_1 = total over a whole layer; for "per
    slice" of a network, which the paper leaves open, "row" is our choice: what a unit takes from its inputs
    sums to `total`. Inside a chunk its tangent at the chunk's start stands for the softmax; the sums stay.

    Source: miras eq. 18, miras eq. 19, miras eq. 20, miras eq. 21, miras eq. 30
    """

    over: str = "row"
    total: float = 1.0
    lag: bool = True

    def __post_init__(self) -> None:
        if self.over not in OVERS or self.total <= 0:
            raise ValueError(
                f"over must be row or matrix and total above 0; got {self.over!r} and {self.total}"
            )

    def weights(self, A: Tensor) -> Tensor:
        return self.settled(A).exp()

    def inside(self, A: Tensor, start: Tensor) -> Tensor:
        share = self.weights(start) / self.total
        moved = A - start
        return self.total * share * (1 + moved - (share * moved).sum(self._dims, keepdim=True))

    def scale(self, start: Tensor) -> Tensor | None:
        return None

    def settled(self, A: Tensor) -> Tensor:
        return A - torch.logsumexp(A, self._dims, keepdim=True) + math.log(self.total)

    @property
    def _dims(self) -> tuple[int, ...]:
        return (-1,) if self.over == "row" else (-2, -1)


@dataclass(frozen=True)
class ElasticNet:
    """W = sign(A) max(0, |A| - threshold): weights below the threshold are forgotten at once.

    `accumulate` goes on with A, as follow-the-regularised-leader does (eq. 23); without it, with W (eq. 22).

    Source: miras eq. 22, miras eq. 23
    """

    threshold: float = 0.01
    accumulate: bool = False
    lag: bool = False

    def weights(self, A: Tensor) -> Tensor:
        return torch.nn.functional.softshrink(A, self.threshold)

    def inside(self, A: Tensor, start: Tensor) -> Tensor:
        if not self.accumulate:
            return A  # the chunk began with what was left
        return torch.where(start.abs() > self.threshold, A - self.threshold * start.sign(), 0.0)

    def scale(self, start: Tensor) -> Tensor | None:
        return None if self.accumulate else start.new_ones(1, 1)

    def settled(self, A: Tensor) -> Tensor:
        return A if self.accumulate else self.weights(A)


@dataclass(frozen=True)
class Logistic:
    """W = sigmoid(A): the Bregman distance of f with f' = logit; weights stay in (0, 1).

    Source: miras section 5.2, variant 5
    """

    lag: bool = False

    def weights(self, A: Tensor) -> Tensor:
        return torch.sigmoid(A)

    def inside(self, A: Tensor, start: Tensor) -> Tensor:
        W = torch.sigmoid(start)
        return W + W * (1 - W) * (A - start)

    def scale(self, start: Tensor) -> Tensor | None:
        return None

    def settled(self, A: Tensor) -> Tensor:
        return A
