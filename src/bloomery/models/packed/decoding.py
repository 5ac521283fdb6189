"""Coded tensors back to weights, the same bits on every machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from .blockfloat import decode_blockfloat
from .coded import Coded
from .hyper import decode_hyper
from .scalar import decode_floats, decode_kmeans, decode_rows, decode_ternary
from .seedlm import decode_seedlm
from .vptq import decode_vptq

DECODERS: Mapping[str, Callable[[Coded], np.ndarray]] = {
    "float32": decode_floats,
    "float16": decode_floats,
    "ternary": decode_ternary,
    "rows": decode_rows,
    "kmeans": decode_kmeans,
    "blockfloat": decode_blockfloat,
    "seedlm": decode_seedlm,
    "vptq": decode_vptq,
    "hyper": decode_hyper,
}


def decode(coded: Coded) -> Tensor:
    """The weights in float32: integers times a scale, or sums of two table entries, each rounded once.

    Raises: ValueError where the fields do not fit the shape.
    """
    weight = DECODERS[coded.scheme](coded)
    return torch.from_numpy(np.array(weight, np.float32, order="C").reshape(coded.shape))
