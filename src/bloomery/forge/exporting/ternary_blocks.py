"""Which type of GGUF a tensor gets: blocks of trits where its weights are trits, else floats.

TQ1_0 and TQ2_0 keep 256 trits and a float16 scale in 54 and 66 bytes: 1.69 and 2.06 bits a weight.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from bloomery.core.errors import CapabilityMissing

Ternary = Literal["tq2_0", "tq1_0"]
Floats = Literal["f16", "f32"]
BLOCK = 256
LARGEST_HALF = 65504.0


def gguf() -> Any:
    """The package that writes GGUF. Raises: CapabilityMissing."""
    try:
        import gguf as package
    except ImportError as error:
        raise CapabilityMissing("gguf is not installed; install bloomery[export]") from error
    return package


@dataclass(frozen=True, eq=False)
class Written:
    """A tensor as the file holds it: its type, its bytes by row, and the values that are read from them."""

    kind: str
    data: np.ndarray
    values: np.ndarray


def is_ternary(weight: np.ndarray) -> bool:
    """Whether each row is trits times one scale. Shapes: (M, K)"""
    size = np.abs(weight)
    scale = size.max(axis=-1, keepdims=True)
    return bool(((size == 0) | (size == scale)).all())


def write_tensor(weight: np.ndarray, *, ternary: Ternary | None, floats: Floats) -> Written:
    """Vectors stay float32, and so does what float16 cannot hold; `ternary` None makes no blocks of trits.

    Shapes: (K,) or (M, K) float32
    """
    package = gguf()
    if weight.ndim == 2 and ternary is not None and weight.shape[1] % BLOCK == 0 and is_ternary(weight):
        kind = package.GGMLQuantizationType[ternary.upper()]
        data = package.quants.quantize(weight, kind)
        return Written(ternary.upper(), data, package.quants.dequantize(data, kind))
    if weight.ndim == 1 or floats == "f32" or np.abs(weight).max(initial=0) > LARGEST_HALF:
        return Written("F32", weight, weight)
    half = weight.astype(np.float16)
    return Written("F16", half, half.astype(np.float32))
