"""Block floating point: integers in blocks, each block with a scale in steps of a quarter octave."""

from __future__ import annotations

import numpy as np

from .coded import Coded

STEPS = 4  # scales an octave
# 2^(i/4), as float32 literals: no library's exp2 takes part in decoding.
FRACTIONS = np.array([1.0, 1.1892071, 1.4142135, 1.6817929], np.float32)


def scales(codes: np.ndarray, offset: int) -> np.ndarray:
    """2^((code + offset) / STEPS) in float32, by table and exact shift."""
    steps = codes.astype(np.int64) + offset
    return np.ldexp(FRACTIONS[steps % STEPS], steps // STEPS)


def decode_blockfloat(coded: Coded) -> np.ndarray:
    """Fields: mantissas, an odd alphabet with zero in the middle; exponents of blocks, in steps above offset;
    block, the weights in one.
    """
    block, offset = int(coded.array("block", 1)[0]), int(coded.array("offset", 1)[0])
    if block < 1:
        raise ValueError("blockfloat: a block holds no weights: altered")
    blocks = -(-coded.numel // block)
    mantissas = coded.symbols("mantissas", coded.numel)
    scale = scales(coded.symbols("exponents", blocks).values, offset)
    return (mantissas.values.astype(np.float32) - mantissas.alphabet // 2) * scale.repeat(
        min(block, coded.numel)
    )[: coded.numel]
