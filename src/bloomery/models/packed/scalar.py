"""Schemes with a symbol for each weight: raw floats, trits, rows of integers, a codebook of scalars."""

from __future__ import annotations

import numpy as np

from .coded import Coded, matrix_shape


def decode_floats(coded: Coded) -> np.ndarray:
    """Fields: values, float16 or float32."""
    return coded.array("values", coded.numel).astype(np.float32)


def decode_ternary(coded: Coded) -> np.ndarray:
    """Fields: trits + 1; scale float32, one or one for each row. A weight is trit * scale."""
    trits = coded.symbols("trits", coded.numel).values.astype(np.float32) - 1
    return times_rows(coded, trits)


def decode_rows(coded: Coded) -> np.ndarray:
    """Fields: levels, an odd alphabet with zero in the middle; scale float16 for each row."""
    levels = coded.symbols("levels", coded.numel)
    return times_rows(coded, levels.values.astype(np.float32) - levels.alphabet // 2)


def times_rows(coded: Coded, integers: np.ndarray) -> np.ndarray:
    rows, columns = matrix_shape(coded.shape)
    scale = coded.array("scale").astype(np.float32)
    if len(scale) not in (1, rows):
        raise ValueError(f"{coded.scheme}: expected 1 or {rows} scales, got {len(scale)}")
    return integers.reshape(rows, columns) * scale[:, None]


def decode_kmeans(coded: Coded) -> np.ndarray:
    """Fields: indices; codebook float16. A weight is its codebook entry."""
    indices = coded.symbols("indices", coded.numel)
    return coded.array("codebook", indices.alphabet).astype(np.float32)[indices.values]
