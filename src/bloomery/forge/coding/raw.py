"""Weights as they are, in single or half precision."""

from __future__ import annotations

from typing import Literal

import numpy as np
from torch import Tensor

from bloomery.forge.coding.weights import as_half, as_matrix, expect_floats
from bloomery.models.packed.coded import Coded


def encode(weight: Tensor, *, precision: Literal["float32", "float16"]) -> Coded:
    """Raises: UserError for what is no float, weights that are not finite, or beyond half precision."""
    expect_floats(weight)
    values = as_matrix(weight) if weight.numel() else np.empty(0, np.float32)
    return Coded(
        precision, tuple(weight.shape), {"values": as_half(values) if precision == "float16" else values}
    )
