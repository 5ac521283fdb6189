"""Each row in integers of so many bits, scaled by its largest weight: what embeddings are stored in."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from bloomery.forge.coding.weights import as_half, as_matrix, expect_between
from bloomery.models.packed.coded import Coded, Symbols


def encode(weight: Tensor, *, bits: int) -> Coded:
    """Integers from -(2^(bits-1) - 1) to 2^(bits-1) - 1 and a float16 scale a row.

    Raises: ConfigError for bits out of 2 to 8; UserError for weights that are not finite.
    """
    expect_between("bits", bits, 2, 8)
    rows, top = as_matrix(weight), 2 ** (bits - 1) - 1
    scale = as_half(np.abs(rows).max(1) / np.float32(top))
    levels = to_levels(rows, scale.astype(np.float32), top)
    return Coded("rows", tuple(weight.shape), {"levels": Symbols(levels, 2 * top + 1), "scale": scale})


def to_levels(rows: np.ndarray, scale: np.ndarray, top: int) -> np.ndarray:
    divisor = np.where(scale > 0, scale, 1)[:, None]
    return np.clip(np.rint(np.where(scale[:, None] > 0, rows, 0) / divisor), -top, top).astype(np.int64) + top
