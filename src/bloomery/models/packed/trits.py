"""Trits {-1, 0, 1} in bytes: five a byte for storage (1.6 bits a trit), four a byte for arithmetic (2 bits).

Arrays go through `torch.from_numpy`, which copies nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

PER_BYTE = 4
FIVES = 3**5  # bytes below it hold five trits, log2(3) = 1.585 bits each


def pack_base3(trits: Tensor) -> Tensor:
    """All trits in row-major order, five a byte, the first least significant; zeros fill the last byte.

    Shapes: any -> (ceil(numel / 5),) uint8.
    """
    flat = _codes(trits).flatten()
    groups = F.pad(flat, (0, -len(flat) % 5), value=1).reshape(-1, 5)
    packed = torch.zeros(len(groups), dtype=torch.uint8, device=trits.device)
    for place in reversed(range(5)):
        packed = packed * 3 + groups[:, place]
    return packed


def unpack_base3(packed: Tensor, shape: Sequence[int]) -> Tensor:
    """The int8 trits that `pack_base3` packed.

    Raises: ValueError where the bytes are not those of that shape.
    """
    count = math.prod(shape)
    if packed.shape != (-(-count // 5),):
        raise ValueError(
            f"{count} trits take {-(-count // 5)} bytes, got {tuple(packed.shape)}: wrong shape or truncated"
        )
    if len(packed) and packed.max() >= FIVES:
        raise ValueError(f"a byte of five trits is below {FIVES}, got {int(packed.max())}: altered?")
    trits = _fives(packed.device)[packed.long()].flatten()
    if trits[count:].any():
        raise ValueError("the last byte holds more trits than the shape: altered or another shape")
    return trits[:count].reshape(*shape)


def _fives(device: torch.device) -> Tensor:
    """Shapes: (243, 5), the trits of each byte."""
    byte = torch.arange(FIVES, device=device)
    return torch.stack([byte // 3**place % 3 - 1 for place in range(5)], dim=1).to(torch.int8)


def pack_2bit(trits: Tensor) -> Tensor:
    """Each row's trits + 1 in two bits, four a byte, the first in the lowest bits; rows begin on a byte.

    Shapes: (M, K) -> (M, ceil(K / 4)) uint8.
    """
    codes = F.pad(_codes(trits), (0, -trits.shape[1] % PER_BYTE), value=1).unflatten(1, (-1, PER_BYTE))
    return codes[..., 0] | codes[..., 1] << 2 | codes[..., 2] << 4 | codes[..., 3] << 6


def unpack_2bit(packed: Tensor, width: int) -> Tensor:
    """The int8 trits that `pack_2bit` packed. Shapes: (M, ceil(K / 4)), K -> (M, K).

    Raises: ValueError where the bytes are not those of that width, or hold the code 3.
    """
    if packed.shape[1] != -(-width // PER_BYTE):
        raise ValueError(
            f"rows of {width} trits take {-(-width // PER_BYTE)} bytes, got {packed.shape[1]}: another width?"
        )
    if ((packed & packed >> 1) & 0x55).any():
        raise ValueError("a code of two bits is 0, 1 or 2, got 3: altered or not ternary")
    codes = torch.stack([packed >> shift & 3 for shift in (0, 2, 4, 6)], dim=-1)
    return codes.flatten(1)[:, :width].to(torch.int8) - 1


def _codes(trits: Tensor) -> Tensor:
    if not ((trits == 0) | (trits == 1) | (trits == -1)).all():
        raise ValueError("trits are -1, 0 and 1; ternarize the weights first")
    return (trits + 1).to(torch.uint8)
