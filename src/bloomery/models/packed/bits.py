"""Numbers of a fixed width in bits, packed without gaps, and numbers of seven bits a byte."""

from __future__ import annotations

import numpy as np


def width(alphabet: int) -> int:
    """Bits that tell `alphabet` symbols apart."""
    return (alphabet - 1).bit_length()


def pack_bits(values: np.ndarray, bits: int) -> bytes:
    """`values` below 2^bits, least significant bit first, the last byte filled with zeros."""
    ones = (values.astype(np.uint32)[:, None] >> np.arange(bits, dtype=np.uint32)) & 1
    return np.packbits(ones.astype(np.uint8), bitorder="little").tobytes()


def unpack_bits(data: bytes, bits: int, count: int) -> np.ndarray:
    ones = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little", count=count * bits)
    return ones.reshape(count, bits) @ (np.uint32(1) << np.arange(bits, dtype=np.uint32))


def packed_size(bits: int, count: int) -> int:
    return (bits * count + 7) // 8


def varint(number: int) -> bytes:
    """LEB128: seven bits a byte, low ones first, the high bit says that more follow."""
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


class Reader:
    """Takes a container apart from front to back.

    Raises: ValueError where it ends too soon.
    """

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        if size > len(self.data) - self.at:
            raise ValueError(f"packed weights end {size - len(self.data) + self.at} bytes too soon")
        self.at += size
        return self.data[self.at - size : self.at]

    def byte(self) -> int:
        return self.take(1)[0]

    def varint(self) -> int:
        number = shift = 0
        while True:
            byte = self.byte()
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number
            if shift > 63:
                raise ValueError("packed weights hold a number of more than nine bytes: they were altered")
