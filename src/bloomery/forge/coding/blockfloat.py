"""Block floating point with each block's scale chosen by its squared error: the baseline to beat."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from bloomery.core.errors import ConfigError
from bloomery.forge.coding.weights import as_matrix, expect_between, importance
from bloomery.models.packed.blockfloat import STEPS, scales
from bloomery.models.packed.coded import Coded, Field, Symbols

OCTAVES = 3  # how far below a block's largest weight its range may end
NONE = -(2**14)  # the exponent of a block of zeros


def encode(weight: Tensor, *, levels: int, block: int = 32, hessian: Tensor | None = None) -> Coded:
    """Integers of `levels` values around zero; of the scales that clip less or more, a block takes its best.

    Raises: ConfigError for levels that are even or out of 3 to 255, or a block out of 1 to 2^24 weights.
    """
    expect_between("levels", levels, 3, 255)
    expect_between("block", block, 1, 2**24)
    if levels % 2 == 0:
        raise ConfigError(f"levels = {levels} is even; zero is a level, and as many lie above it as below")
    matrix, top = as_matrix(weight), levels // 2
    h = np.tile(importance(hessian, matrix.shape[1]), len(matrix))
    w, h = in_blocks(matrix.reshape(-1), block), in_blocks(h, block)
    exponents, mantissas = best_scales(w, h, top)
    live = exponents > NONE
    offset = int(exponents[live].min()) if live.any() else 0
    codes = np.where(live, exponents - offset, 0)
    fields: dict[str, Field] = {
        "mantissas": Symbols(mantissas.reshape(-1)[: matrix.size] + top, levels),
        "exponents": Symbols(codes, int(codes.max()) + 1),
        "block": np.array([block], np.uint32),
        "offset": np.array([offset], np.int16),
    }
    return Coded("blockfloat", tuple(weight.shape), fields)


def in_blocks(flat: np.ndarray, block: int) -> np.ndarray:
    return np.pad(flat, (0, -len(flat) % block)).reshape(-1, block)


def best_scales(w: np.ndarray, h: np.ndarray, top: int) -> tuple[np.ndarray, np.ndarray]:
    """Each block's exponent in steps, and its integers."""
    largest = np.abs(w).max(1).astype(np.float64)
    live = largest > 0
    safe = np.where(live, largest / top, 1.0)
    widest = np.where(live, np.ceil(STEPS * np.log2(safe)), 0).astype(np.int64)
    best = (np.full(len(w), NONE), np.zeros(w.shape, np.int64), np.full(len(w), np.inf))
    for step in range(STEPS * OCTAVES):
        scale = scales(widest - step, 0)[:, None]
        integers = np.clip(np.rint(w / scale), -top, top)
        cost = (h * np.square(integers * scale - w, dtype=np.float64)).sum(1)
        better = live & (cost < best[2])
        best[0][better], best[1][better], best[2][better] = (
            widest[better] - step,
            integers[better],
            cost[better],
        )
    return best[0], best[1]
