"""Static range asymmetric numeral systems: symbols at their entropy, many interleaved lanes at a time.

Symbol i belongs to lane i mod lanes. Each lane is an integer x in [2^16, 2^24). To write a symbol of
frequency f out of 2^p, with c the sum of the frequencies before it, is x -> (x div f) 2^p + c + x mod f; low
bytes leave before x grows too large. Lanes are written last symbol first and read first symbol first.
"""

from __future__ import annotations

import numpy as np

from .bits import Reader, pack_bits, packed_size, unpack_bits, varint

LOW = 1 << 16  # a lane's state stays in [LOW, 256 LOW)
STATE_BYTES = 3
# A lane costs a byte or two, a step costs time: a lane has enough symbols and bits, but not too many.
MIN_SYMBOLS, MIN_BITS, MAX_SYMBOLS, MAX_LANES = 512, 1024, 4096, 1 << 14
PRECISIONS = (6, 8, 10, 12, 14)


def encode(values: np.ndarray, alphabet: int, *, below: int) -> bytes | None:
    """The frequency table, the lanes' last states and the bytes that left them; None from `below` bytes on.

    Source: Duda, arXiv 1311.2540; interleaving of lanes: Giesen, arXiv 1402.3392.
    Differs: a lane does not start from LOW: the last few symbols of all lanes, as digits of one number below
    2^16, are added to it, so that starting a lane costs next to nothing.
    """
    counts = np.bincount(values, minlength=alphabet)
    table = best_table(counts)
    if table is None or (cost := cost_bits(counts, *table)) >= 8 * below:
        return None
    precision, frequencies = table
    lanes = min(most_lanes(len(values)), max(int(cost) // MIN_BITS, len(values) // MAX_SYMBOLS, 1))
    head, tail = split(values.astype(np.int64), lanes, alphabet)
    states, stream = write(head, first_states(tail, lanes, alphabet), frequencies, precision)
    header = bytes([precision]) + pack_bits(frequencies[:-1], precision) + varint(len(stream))
    ends = states.astype("<u4").view(np.uint8).reshape(lanes, 4)[:, :STATE_BYTES]
    whole = header + varint(lanes) + ends.tobytes() + stream
    return whole if len(whole) < below else None


def decode(reader: Reader, count: int, alphabet: int) -> np.ndarray:
    """What `encode` wrote.

    Raises: ValueError where the bytes cannot have come from it.
    """
    precision = reader.byte()
    if precision not in PRECISIONS:
        raise ValueError(f"a frequency table of {precision} bits: the packed weights were altered")
    table = unpack_bits(reader.take(packed_size(precision, alphabet - 1)), precision, alphabet - 1)
    frequencies = np.append(table, (1 << precision) - table.sum(dtype=np.int64)).astype(np.int64)
    if frequencies.min() < 0:
        raise ValueError("frequencies above their sum: the packed weights were altered")
    size, lanes = reader.varint(), reader.varint()
    if not 1 <= lanes <= most_lanes(count):
        raise ValueError(f"{lanes} lanes for {count} symbols: the packed weights were altered")
    ends = np.zeros((lanes, 4), np.uint8)
    ends[:, :STATE_BYTES] = np.frombuffer(reader.take(lanes * STATE_BYTES), np.uint8).reshape(lanes, -1)
    stream = np.frombuffer(reader.take(size), np.uint8)
    tailed = tail_of(count, lanes, alphabet)
    head, states = read(ends.view("<u4")[:, 0], count - tailed, stream, frequencies, precision)
    return np.append(head, last_symbols(states, lanes, tailed, alphabet))


def most_lanes(count: int) -> int:
    return min(max(count // MIN_SYMBOLS, 1), MAX_LANES)


def digits_of(alphabet: int) -> int:
    """Symbols of a lane that fit into one number below LOW.

    Raises: ValueError for an alphabet of fewer than two symbols, which has no digits.
    """
    if alphabet < 2:
        raise ValueError(f"rANS takes an alphabet of two symbols or more, got {alphabet}: altered?")
    digits = 0
    while alphabet ** (digits + 1) <= LOW:
        digits += 1
    return digits


def tail_of(count: int, lanes: int, alphabet: int) -> int:
    """How many symbols at the end go into the lanes' first states: whole rows of lanes."""
    return min(digits_of(alphabet) * lanes, count)


def split(values: np.ndarray, lanes: int, alphabet: int) -> tuple[np.ndarray, np.ndarray]:
    at = len(values) - tail_of(len(values), lanes, alphabet)
    return values[:at], values[at:]


def first_states(tail: np.ndarray, lanes: int, alphabet: int) -> np.ndarray:
    """LOW plus each lane's last symbols as digits of one number."""
    digits = tail.reshape(-1, lanes)
    return LOW + (digits * alphabet ** np.arange(len(digits))[:, None]).sum(0)


def last_symbols(states: np.ndarray, lanes: int, tailed: int, alphabet: int) -> np.ndarray:
    digits = tailed // lanes
    left = states - LOW
    if left.min() < 0 or left.max() >= alphabet**digits:
        raise ValueError("a lane does not end where it should: the packed weights were altered")
    return (left // alphabet ** np.arange(digits)[:, None] % alphabet).reshape(-1)


def write(
    values: np.ndarray, states: np.ndarray, frequencies: np.ndarray, precision: int
) -> tuple[np.ndarray, bytes]:
    """The lanes' states after all values, and what left them in the order in which it is read."""
    lanes, x = len(states), states.copy()
    f, c = frequencies[values], before(frequencies)[values]
    bound = f << (24 - precision)  # a state from here on would leave its interval
    out = []
    for start in reversed(range(0, len(values), lanes)):
        step = slice(start, start + lanes)
        part, fs = x[: len(f[step])], f[step]
        leaving = (part >= bound[step]).astype(np.int64) + (part >= bound[step] << 8)
        second = part[leaving == 2] & 0xFF
        first = (part >> 8 * np.maximum(leaving - 1, 0))[leaving > 0] & 0xFF
        out.append(np.concatenate((first, second)).astype(np.uint8))
        part >>= 8 * leaving
        part[:] = (part // fs << precision) + part % fs + c[step]
    return x, b"".join(one.tobytes() for one in reversed(out))


def read(
    states: np.ndarray, count: int, stream: np.ndarray, frequencies: np.ndarray, precision: int
) -> tuple[np.ndarray, np.ndarray]:
    """`count` values, and the states that the lanes started from."""
    lanes, x, at = len(states), states.astype(np.int64), 0
    symbol_of = np.repeat(np.arange(len(frequencies)), frequencies)
    c, mask = before(frequencies), (1 << precision) - 1
    values = np.empty(count, np.int64)
    stream = stream.astype(np.int64)
    for start in range(0, count, lanes):
        part = x[: min(lanes, count - start)]
        slot = part & mask
        s = values[start : start + lanes] = symbol_of[slot]
        part[:] = frequencies[s] * (part >> precision) + slot - c[s]
        for _ in range(2):
            low = part < LOW
            arrived = stream[at : at + np.count_nonzero(low)]
            if len(arrived) < np.count_nonzero(low):
                raise ValueError("the symbols end too soon: the packed weights were altered")
            part[low] = part[low] << 8 | arrived
            at += len(arrived)
    return values, x


def before(frequencies: np.ndarray) -> np.ndarray:
    return np.cumsum(frequencies) - frequencies


def best_table(counts: np.ndarray) -> tuple[int, np.ndarray] | None:
    """The precision and frequencies that cost least, the table counted."""
    present = np.count_nonzero(counts)
    tables = [(p, normalised(counts, p)) for p in PRECISIONS if 2 * present <= 1 << p]
    return min(tables, key=lambda table: cost_bits(counts, *table), default=None)


def cost_bits(counts: np.ndarray, precision: int, frequencies: np.ndarray) -> float:
    seen = counts > 0
    bits = precision - np.log2(frequencies[seen])
    return float(precision * (len(counts) - 1) + counts[seen] @ bits)


def normalised(counts: np.ndarray, precision: int) -> np.ndarray:
    """Frequencies of sum 2^precision, at least 1 for every symbol that occurs."""
    total = 1 << precision
    frequencies = np.maximum(counts * total // counts.sum(), counts > 0).astype(np.int64)
    while (excess := int(frequencies.sum()) - total) > 0:
        at = int(np.argmax(frequencies))
        frequencies[at] -= min(excess, int(frequencies[at]) // 2)
    frequencies[np.argmax(frequencies)] -= excess
    return frequencies
