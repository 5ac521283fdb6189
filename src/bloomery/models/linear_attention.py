"""Kernelised linear attention, what a memory that only ever adds amounts to: the baseline of the others."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional


def linear_attention(
    q: Tensor, k: Tensor, v: Tensor, feature: Callable[[Tensor], Tensor] | None = None
) -> Tensor:
    """y_i = phi(q_i) sum_{j <= i} phi(k_j) v_j over phi(q_i) sum_{j <= i} phi(k_j).

    phi is elu + 1 unless given; it has to be positive.

    Shapes: q, k (..., T, K), v (..., T, V) -> (..., T, V)
    Source: titans eq. 3
    """
    phi = feature or (lambda x: functional.elu(x) + 1)
    weights = (phi(q) @ phi(k).mT).tril()
    return weights @ v / weights.sum(-1, keepdim=True)
