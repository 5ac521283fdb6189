"""The entropy coder against the entropy, and against damage."""

import numpy as np
import pytest

from bloomery.models.packed import rans
from bloomery.models.packed.bits import Reader, pack_bits, unpack_bits, varint

NO_LIMIT = 1 << 40
SOURCES = {
    "trits": [0.3, 0.4, 0.3],
    "sparse": [0.98, 0.02],
    "skewed": [0.5, 0.25, 0.125, 0.0625, 0.0625],
    "many": np.full(300, 1 / 300),
}


def draw(name, count):
    p = np.array(SOURCES[name])
    return np.random.default_rng(count).choice(len(p), size=count, p=p), len(p)


def entropy_bytes(values):
    p = np.bincount(values) / len(values)
    return -(p[p > 0] * np.log2(p[p > 0])).sum() * len(values) / 8


@pytest.mark.parametrize("count", [2, 15, 16, 17, 511, 512, 1024, 1537, 5000])
@pytest.mark.parametrize("name", SOURCES)
def test_what_was_written_is_read_at_every_length(name, count):
    values, alphabet = draw(name, count)
    reader = Reader(rans.encode(values, alphabet, below=NO_LIMIT) + b"what follows")
    assert np.array_equal(rans.decode(reader, count, alphabet), values)
    assert reader.data[reader.at :] == b"what follows"


@pytest.mark.parametrize("name", ["trits", "skewed", "sparse"])
def test_its_size_is_near_the_entropy(name):
    values, alphabet = draw(name, 200_000)
    size = len(rans.encode(values, alphabet, below=NO_LIMIT))
    # no code of single symbols is below the entropy; lanes and table cost a little
    assert entropy_bytes(values) < size < 1.05 * entropy_bytes(values)


def test_a_rare_symbol_among_many_common_ones_survives():
    values = np.zeros(100_000, np.int64)
    values[54_321] = 1
    coded = rans.encode(values, 2, below=NO_LIMIT)
    assert np.array_equal(rans.decode(Reader(coded), len(values), 2), values)


def test_nothing_comes_where_it_would_not_be_shorter():
    values, alphabet = draw("trits", 1000)
    size = len(rans.encode(values, alphabet, below=NO_LIMIT))
    assert rans.encode(values, alphabet, below=size) is None
    assert len(rans.encode(values, alphabet, below=size + 1)) == size


def test_more_symbols_than_a_table_holds_are_left_to_others():
    assert rans.encode(np.arange(20_000), 20_000, below=NO_LIMIT) is None


@pytest.mark.parametrize("precision", rans.PRECISIONS)
def test_frequencies_sum_to_their_power_of_two_and_leave_nobody_out(precision):
    counts = np.array([10**9, 1, 0, 1, 3])
    frequencies = rans.normalised(counts, precision)
    assert frequencies.sum() == 2**precision
    assert ((frequencies > 0) == (counts > 0)).all()


LANES_AT = 1 + 2 + 1  # after the precision, two frequencies of 8 bits and the stream's length


@pytest.mark.parametrize(
    ("at", "byte", "words"),
    [(0, 7, "frequency table"), (1, 255, "frequencies above"), (-1, None, "end"), (LANES_AT, 2, "2 lanes")],
)
def test_damage_is_an_error(at, byte, words):
    values, alphabet = draw("trits", 600)
    coded = bytearray(rans.encode(values, alphabet, below=NO_LIMIT))
    if byte is None:
        del coded[at]
    else:
        coded[at] = byte
    with pytest.raises(ValueError, match=words):
        rans.decode(Reader(bytes(coded)), len(values), alphabet)


@pytest.mark.parametrize("alphabet", [0, 1])
def test_an_alphabet_without_a_choice_is_refused(alphabet):
    with pytest.raises(ValueError, match=f"two symbols or more, got {alphabet}"):
        rans.digits_of(alphabet)


@pytest.mark.parametrize("bits", [0, 1, 3, 8, 11, 16, 31])
def test_packed_bits_are_the_binary_digits_of_one_long_number(bits):
    values = np.random.default_rng(bits).integers(0, 2**bits, 37)
    packed = pack_bits(values, bits)
    whole = sum(int(value) << bits * i for i, value in enumerate(values))
    assert packed == whole.to_bytes((37 * bits + 7) // 8, "little")
    assert np.array_equal(unpack_bits(packed, bits, 37), values)


@pytest.mark.parametrize("number", [0, 1, 127, 128, 300, 2**40])
def test_numbers_of_seven_bits_a_byte_come_back(number):
    assert Reader(varint(number)).varint() == number


def test_a_number_without_an_end_is_refused():
    with pytest.raises(ValueError, match="altered"):
        Reader(b"\xff" * 20).varint()
