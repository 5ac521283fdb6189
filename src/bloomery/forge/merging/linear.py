"""Weighted mean of tensors (model soup, Wortsman et al. 2203.05482, eq. 1 with weights)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from bloomery.forge.merging.coefficients import check_tensors, check_weights, normalized, wide


def linear(
    tensors: Sequence[Tensor], *, weights: Sequence[float] | None = None, normalize: bool = True
) -> Tensor:
    """sum_i w_i x_i in float32, in the first tensor's type; `normalize` divides the weights by their sum.

    No weights: equal ones. Normalised, it is computed as x_0 + sum_i w_i (x_i - x_0), so that equal tensors
    merge into themselves to the bit.

    Differs: mergekit divides the weighted sum by the sum of the weights; the two agree to float32 rounding.
    Raises: ConfigError, FormatRefused.
    """
    weights = [1.0] * len(tensors) if weights is None else list(weights)
    check_tensors(tensors)
    check_weights(weights, len(tensors))
    first, *others = tensors
    start = wide(first)
    if not normalize:
        total = start * weights[0]
        for tensor, weight in zip(others, weights[1:], strict=True):
            total.add_(tensor.detach(), alpha=weight)
        return total.to(first.dtype)
    total = start if others else start.clone()
    for tensor, weight in zip(others, normalized(weights)[1:], strict=True):
        total = torch.add(total, wide(tensor) - start, alpha=weight)
    return total.to(first.dtype)
