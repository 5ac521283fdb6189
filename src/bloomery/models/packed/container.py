"""Coded tensors in bytes: an index without names, each field of symbols in its shortest form, a checksum.

Header of HEADER_BYTES: the mark, the version, the number of tensors, the bytes that follow and their CRC-32.
A tensor is its scheme's number, its shape and the scheme's fields in their order. A field is a tag, its
length and its numbers (little-endian); or its alphabet and its symbols: one for all, of fixed width, five
trits a byte, or rANS.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from math import prod

import numpy as np
import torch

from .bits import Reader, pack_bits, packed_size, unpack_bits, varint, width
from .coded import DTYPES, FIELDS, MAX_ALPHABET, Coded, Field, Symbols
from .rans import decode as decode_symbols
from .rans import encode as encode_symbols
from .trits import pack_base3, unpack_base3

MARK, VERSION = b"BLMP", 1
HEADER = struct.Struct("<4sBIQI")
HEADER_BYTES = HEADER.size
CONSTANT, FIXED, BASE_3, RANS = range(len(DTYPES), len(DTYPES) + 4)  # tags after those of the dtypes
# Fields that can have more than a symbol for each weight: P for a block that a tensor need not fill, and
# codebooks. What is above the number of weights stays below this.
SMALL, MOST_SMALL = ("coefficients", "codebook", "residual_codebook"), 1 << 20


def to_bytes(items: Sequence[Coded]) -> bytes:
    """All tensors in this order; the same tensors give the same bytes."""
    body = b"".join(map(item_bytes, items))
    return HEADER.pack(MARK, VERSION, len(items), len(body), zlib.crc32(body)) + body


def from_bytes(data: bytes, shapes: Sequence[tuple[int, ...]] | None = None) -> list[Coded]:
    """The tensors that `to_bytes` wrote; other shapes than those given are refused before they are made.

    Raises: ValueError for anything else: another kind of file, a truncated or an altered one.
    """
    if len(data) < HEADER_BYTES:
        raise ValueError(f"packed weights truncated: {len(data)} bytes; fetch the file again")
    mark, version, count, size, checksum = HEADER.unpack_from(data)
    if mark != MARK:
        raise ValueError("these are no packed weights; expected a file that Bloomery packed")
    if version != VERSION:
        raise ValueError(f"packed weights of version {version}, this code reads {VERSION}; update it")
    body = data[HEADER_BYTES:]
    if len(body) != size:
        raise ValueError(
            f"packed weights truncated or extended: {len(body)} bytes, expected {size}; fetch them again"
        )
    if zlib.crc32(body) != checksum:
        raise ValueError("packed weights altered: their checksum differs; fetch the file again")
    if shapes is not None and count != len(shapes):
        raise ValueError(f"packed weights of {count} tensors, the model has {len(shapes)}: different models")
    reader = Reader(body)
    items = [read_item(reader, None if shapes is None else shapes[i]) for i in range(count)]
    if reader.at != size:
        raise ValueError(f"packed weights hold {size - reader.at} bytes more than their tensors: altered")
    return items


def size_bytes(coded: Coded) -> int:
    """What this tensor adds to a container, its metadata counted."""
    return len(item_bytes(coded))


def item_bytes(coded: Coded) -> bytes:
    index = bytes([list(FIELDS).index(coded.scheme), len(coded.shape)])
    return b"".join((index, *map(varint, coded.shape), *map(field_bytes, coded.fields.values())))


def read_item(reader: Reader, expected: tuple[int, ...] | None) -> Coded:
    number, dimensions = reader.byte(), reader.byte()
    if number >= len(FIELDS):
        raise ValueError(f"packed weights of scheme number {number}, known are {len(FIELDS)}: altered")
    scheme = list(FIELDS)[number]
    shape = tuple(reader.varint() for _ in range(dimensions))
    if expected is not None and shape != expected:
        raise ValueError(f"packed weights of shape {shape}, the model's are {expected}: different models")
    return Coded(scheme, shape, {name: read_field(reader, most(name, shape)) for name in FIELDS[scheme]})


def most(name: str, shape: tuple[int, ...]) -> int:
    """The symbols that this field of a tensor of this shape can have."""
    return prod(shape) + (MOST_SMALL if name in SMALL else 0)


def field_bytes(field: Field) -> bytes:
    if isinstance(field, Symbols):
        tag, payload = shortest(field)
        return bytes([tag]) + varint(len(field)) + varint(field.alphabet) + payload
    return bytes([DTYPES.index(field.dtype)]) + varint(len(field)) + field.tobytes()


def read_field(reader: Reader, most: int) -> Field:
    tag, count = reader.byte(), reader.varint()
    if tag < len(DTYPES):
        return np.frombuffer(reader.take(count * DTYPES[tag].itemsize), DTYPES[tag])
    alphabet = reader.varint()
    if count > most or not 1 <= alphabet <= MAX_ALPHABET:
        raise ValueError(f"packed weights of {count} symbols out of {alphabet}, at most {most} here: altered")
    return Symbols(read_symbols(reader, tag, count, alphabet), alphabet)


def shortest(symbols: Symbols) -> tuple[int, bytes]:
    values, bits = symbols.values, width(symbols.alphabet)
    if not len(values) or values.min() == values.max():
        return CONSTANT, varint(int(values[0]) if len(values) else 0)
    tag, size = FIXED, packed_size(bits, len(values))
    if symbols.alphabet == 3 and (five_a_byte := -(-len(values) // 5)) < size:
        tag, size = BASE_3, five_a_byte
    coded = encode_symbols(values, symbols.alphabet, below=size)
    if coded is not None:
        return RANS, coded
    if tag == BASE_3:
        return tag, pack_base3(torch.from_numpy(values.astype(np.int8) - 1)).numpy().tobytes()
    return FIXED, pack_bits(values, bits)


def read_symbols(reader: Reader, tag: int, count: int, alphabet: int) -> np.ndarray:
    if tag == CONSTANT:
        if (value := reader.varint()) >= alphabet:
            raise ValueError(f"packed weights hold symbol {value} out of {alphabet}: altered")
        return np.full(count, value, np.min_scalar_type(alphabet - 1))
    if tag == FIXED:
        bits = width(alphabet)
        return unpack_bits(reader.take(packed_size(bits, count)), bits, count)
    if tag == BASE_3:
        packed = np.frombuffer(bytearray(reader.take(-(-count // 5))), np.uint8)
        return unpack_base3(torch.from_numpy(packed), (count,)).numpy() + 1
    if tag == RANS:
        return decode_symbols(reader, count, alphabet)
    raise ValueError(f"packed weights hold a field of an unknown kind, {tag}: altered, or of a newer version")
