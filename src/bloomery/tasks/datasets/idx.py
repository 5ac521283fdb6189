"""The IDX format of MNIST."""

import math
import struct

import numpy as np
from numpy.typing import NDArray

from bloomery.core.errors import FormatRefused

KINDS = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(data: bytes) -> NDArray[np.generic]:
    """The array in these bytes, in this machine's byte order.

    Raises: FormatRefused where the bytes are no IDX file or not all of one.
    """
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in KINDS:
        raise FormatRefused(f"not an IDX file: it begins with {data[:4].hex() or 'nothing'}")
    kind, dimensions = np.dtype(KINDS[data[2]]), data[3]
    start = 4 + 4 * dimensions
    if len(data) < start:
        raise FormatRefused(f"an IDX file of {dimensions} dimensions is cut in its header")
    shape = struct.unpack(f">{dimensions}I", data[4:start])
    expected = math.prod(shape) * kind.itemsize
    if len(data) - start != expected:
        raise FormatRefused(
            f"an IDX file of shape {shape} has {len(data)} bytes, expected {start + expected}"
        )
    return np.frombuffer(data, kind, offset=start).reshape(shape).astype(kind.newbyteorder("="))
