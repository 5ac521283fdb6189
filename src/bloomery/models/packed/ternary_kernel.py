"""Products of int8 activations and 2-bit ternary weights, exact in int32 whichever backend computes them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .ternary import MAX_FAN_IN
from .trits import PER_BYTE, unpack_2bit


@dataclass(frozen=True)
class Backend:
    """What computes ternary products here, and why nothing faster does."""

    name: str
    note: str = ""


def backend() -> Backend:
    """The backend that `ternary_matmul` uses for tensors on the CPU."""
    return Backend("torch")


def ternary_matmul(codes: Tensor, packed: Tensor) -> Tensor:
    """codes @ trits^T in int32, the same whichever backend computes it.

    Shapes: codes (N, K) int8, packed (M, ceil(K / 4)) uint8 by `trits.pack_2bit` -> (N, M) int32.
    Raises: ValueError for other types, shapes that do not fit, or more than `MAX_FAN_IN` columns.
    """
    _check(codes, packed)
    return _by_torch(codes, packed)


def _check(codes: Tensor, packed: Tensor) -> None:
    if codes.dtype != torch.int8 or packed.dtype != torch.uint8:
        raise ValueError(f"expected int8 codes and uint8 packed trits, got {codes.dtype} and {packed.dtype}")
    if codes.ndim != 2 or packed.ndim != 2 or -(-codes.shape[1] // PER_BYTE) != packed.shape[1]:
        raise ValueError(f"codes {tuple(codes.shape)} do not fit packed trits {tuple(packed.shape)}")
    if codes.shape[1] > MAX_FAN_IN:
        raise ValueError(f"at most {MAX_FAN_IN} columns sum exactly in float32, got {codes.shape[1]}")


def _by_torch(codes: Tensor, packed: Tensor) -> Tensor:
    """In float32, where sums below 2^24 are exact."""
    with torch.autocast(codes.device.type, enabled=False):
        return F.linear(codes.float(), unpack_2bit(packed, codes.shape[1]).float()).to(torch.int32)
