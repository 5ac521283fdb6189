"""The container: nothing lost, everything counted, damage found."""

import itertools
import zlib

import numpy as np
import pytest

from bloomery.models.packed import container
from bloomery.models.packed.bits import varint
from bloomery.models.packed.coded import FIELDS, Coded, Symbols
from bloomery.models.packed.container import HEADER_BYTES, from_bytes, size_bytes, to_bytes


def trits(shape=(20, 30), p=(0.3, 0.4, 0.3)):
    values = np.random.default_rng(0).choice(3, size=shape, p=p)
    return Coded("ternary", shape, {"trits": Symbols(values, 3), "scale": np.float32([0.5])})


def floats(shape=(3, 4)):
    return Coded("float32", shape, {"values": np.arange(np.prod(shape), dtype=np.float32)})


ITEMS = [floats(), trits(), floats((0, 4)), trits((7,)), floats(())]


def same(a, b):
    return (
        (a.scheme, a.shape) == (b.scheme, b.shape)
        and a.fields.keys() == b.fields.keys()
        and all(same_field(a.fields[name], b.fields[name]) for name in a.fields)
    )


def same_field(a, b):
    if isinstance(a, Symbols):
        return isinstance(b, Symbols) and a.alphabet == b.alphabet and np.array_equal(a.values, b.values)
    return a.dtype == b.dtype and a.tobytes() == b.tobytes()


def test_what_goes_in_comes_out():
    back = from_bytes(to_bytes(ITEMS))
    assert len(back) == len(ITEMS)
    assert all(itertools.starmap(same, zip(ITEMS, back, strict=True)))


def test_packing_what_was_unpacked_gives_the_same_bytes():
    data = to_bytes(ITEMS)
    assert to_bytes(from_bytes(data)) == data


def test_the_sizes_add_up_to_the_file():
    assert len(to_bytes(ITEMS)) == HEADER_BYTES + sum(map(size_bytes, ITEMS))
    assert len(to_bytes([])) == HEADER_BYTES


@pytest.mark.parametrize("cut", [1, HEADER_BYTES - 1, HEADER_BYTES, 60])
def test_a_truncated_file_is_named_so(cut):
    with pytest.raises(ValueError, match="truncated"):
        from_bytes(to_bytes(ITEMS)[:cut])


def test_one_altered_bit_anywhere_is_found():
    data = to_bytes(ITEMS)
    for at in range(len(data)):
        broken = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises(ValueError, match=r"packed weights"):
            from_bytes(broken)


def test_a_file_of_another_kind_is_refused():
    with pytest.raises(ValueError, match="no packed weights"):
        from_bytes(b"PK\x03\x04" + bytes(100))


HUGE = 1 << 60  # no machine has room for as many


def crafted(shape, *fields):
    """A container of one ternary tensor with a sound checksum, whatever it says."""
    body = bytes(
        [list(FIELDS).index("ternary"), len(shape), *b"".join(map(varint, shape)), *b"".join(fields)]
    )
    return container.HEADER.pack(container.MARK, 1, 1, len(body), zlib.crc32(body)) + body


def symbols(tag, count, alphabet, payload):
    return bytes([tag]) + varint(count) + varint(alphabet) + payload


SCALE = bytes([7]) + varint(1) + np.float32([0.5]).tobytes()


def test_a_crafted_file_that_is_in_order_is_read():
    (found,) = from_bytes(crafted((2, 3), symbols(container.CONSTANT, 6, 3, varint(1)), SCALE))
    assert same(
        found, Coded("ternary", (2, 3), {"trits": Symbols(np.ones(6, int), 3), "scale": np.float32([0.5])})
    )


@pytest.mark.parametrize(
    "field",
    [
        symbols(container.CONSTANT, HUGE, 3, varint(1)),
        symbols(container.CONSTANT, 7, 3, varint(1)),
        symbols(container.CONSTANT, 6, 3, varint(1 << 62)),
        symbols(container.FIXED, HUGE, 1, b""),
        symbols(container.FIXED, 6, 0, b""),
        symbols(container.RANS, 6, 1, bytes([6, 0, 1, 0, 0, 1])),
        symbols(container.RANS, HUGE, 2, bytes([6, 0, 0, 1, 0, 0, 1])),
        symbols(container.BASE_3, HUGE, 3, b""),
    ],
)
def test_symbols_that_the_shape_does_not_have_are_refused_before_they_are_made(field):
    with pytest.raises(ValueError, match="altered"):
        from_bytes(crafted((2, 3), field, SCALE))


def test_shapes_that_the_model_does_not_have_are_refused_before_they_are_made():
    data = crafted((HUGE,), symbols(container.CONSTANT, HUGE, 3, varint(1)), SCALE)
    with pytest.raises(ValueError, match="different models"):
        from_bytes(data, [(2, 3)])
    with pytest.raises(ValueError, match="different models"):
        from_bytes(to_bytes(ITEMS), [one.shape for one in ITEMS[:-1]])
    assert len(from_bytes(to_bytes(ITEMS), [one.shape for one in ITEMS])) == len(ITEMS)


@pytest.mark.parametrize(
    ("values", "alphabet", "tag", "size"),
    [
        (np.full(1000, 2), 3, container.CONSTANT, 1),
        (np.arange(256), 256, container.FIXED, 256),
        (np.arange(100) % 3, 3, container.BASE_3, 20),
    ],
)
def test_each_field_takes_its_shortest_form(values, alphabet, tag, size):
    found, payload = container.shortest(Symbols(values, alphabet))
    assert (found, len(payload)) == (tag, size)


def test_skewed_trits_take_less_than_five_a_byte():
    coded = trits((100, 100), p=(0.1, 0.8, 0.1))  # entropy 0.92 bits: 1152 bytes
    tag, payload = container.shortest(coded.fields["trits"])
    assert tag == container.RANS
    assert len(payload) < 1200


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Symbols(np.array([0, 3]), 3), "below 3"),
        (lambda: Symbols(np.array([-1]), 3), "below 3"),
        (lambda: Symbols(np.array([0]), 0), "alphabet"),
        (lambda: Coded("zip", (1,), {}), "unknown scheme 'zip'"),
        (lambda: Coded("float32", (1,), {"value": np.zeros(1, np.float32)}), "fields"),
        (lambda: Coded("float32", (1,), {"values": np.zeros(1, np.float64)}), "float64"),
    ],
)
def test_what_has_no_place_is_refused_when_it_is_made(make, words):
    with pytest.raises(ValueError, match=words):
        make()
