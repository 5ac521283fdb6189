"""Spherical interpolation between two tensors (Shoemake 1985), each taken as one flat vector."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from bloomery.core.errors import ConfigError
from bloomery.forge.merging.coefficients import check_tensors, check_weights, wide
from bloomery.forge.merging.linear import linear

PARALLEL = 0.9995  # |cos| above which the arc is taken for its chord


def slerp(a: Tensor, b: Tensor, *, t: float) -> Tensor:
    """[sin((1-t)W) a + sin(tW) b] / sin W, W the angle between a and b; t = 0 gives a, t = 1 gives b.

    The angle is that of the flattened tensors; what is interpolated are the tensors themselves, norms and
    all. Linear, (1-t) a + t b, where |cos W| > 0.9995 (opposite tensors too) or one of them is all zeros.
    float32, in a's type. Conventions of mergekit, where `a` is its base model.

    Raises: ConfigError, FormatRefused.
    """
    check_tensors([a, b])
    if not 0.0 <= t <= 1.0:
        raise ConfigError(f"t is {t}, expected a place between the two models in [0, 1]")
    x, y = wide(a), wide(b)
    cosine = _cosine(x, y)
    if cosine is None or abs(cosine) > PARALLEL:
        return linear([a, b], weights=[1.0 - t, t])
    angle = math.acos(cosine)
    near, far = (math.sin(share * angle) / math.sin(angle) for share in (1.0 - t, t))
    return (x * near).add_(y, alpha=far).to(a.dtype)


def slerp_all(tensors: Sequence[Tensor], *, weights: Sequence[float]) -> Tensor:
    """Many tensors, one after another: the running result moves t = w_i / (w_0 + ... + w_i) towards the next.

    Of equal angles this is their weighted spherical mean; in general it depends on the order.
    Raises: ConfigError, FormatRefused.
    """
    check_tensors(tensors)
    check_weights(weights, len(tensors))
    if min(weights) < 0.0 or math.fsum(weights) <= 0.0:
        raise ConfigError(f"weights are {list(weights)}: SLERP takes them >= 0, not all zero")
    merged, so_far = wide(tensors[0]).clone(), weights[0]
    for tensor, weight in zip(tensors[1:], weights[1:], strict=True):
        so_far += weight
        if so_far > 0.0:
            merged = slerp(merged, wide(tensor), t=weight / so_far)
    return merged.to(tensors[0].dtype)


def _cosine(x: Tensor, y: Tensor) -> float | None:
    """Of the angle between two tensors, or None where one is zero; summed without BLAS, which may look at
    how a buffer is aligned: the same numbers give the same bits wherever they lie."""
    norms = [float(torch.linalg.vector_norm(z)) for z in (x, y)]
    if 0.0 in norms:
        return None
    cosine = float((x * y).sum()) / (norms[0] * norms[1])
    return min(1.0, max(-1.0, cosine))
