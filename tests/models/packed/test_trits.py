"""Trits in bytes, against base-3 and base-4 numbers written out by Python's integers."""

import pytest
import torch

from bloomery.models.packed.trits import pack_2bit, pack_base3, unpack_2bit, unpack_base3


def some_trits(*shape):
    return torch.randint(-1, 2, shape, dtype=torch.int8)


@pytest.mark.parametrize("count", [0, 1, 4, 5, 6, 99, 1000])
def test_base_3_gives_back_what_it_packed_in_a_fifth_of_the_bytes(count):
    trits = some_trits(count)
    packed = pack_base3(trits)
    assert packed.numel() == -(-count // 5)
    assert torch.equal(unpack_base3(packed, (count,)), trits)


def test_a_byte_of_base_3_is_the_number_that_its_trits_write():
    trits = some_trits(7, 5)
    expected = [sum((int(t) + 1) * 3**place for place, t in enumerate(row)) for row in trits]
    assert pack_base3(trits).tolist() == expected


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 64, 67])
def test_two_bits_give_back_what_they_packed_row_by_row(width):
    trits = some_trits(3, width)
    packed = pack_2bit(trits)
    assert packed.shape == (3, -(-width // 4))
    assert torch.equal(unpack_2bit(packed, width), trits)


def test_a_byte_of_two_bit_codes_is_the_number_that_its_trits_write():
    trits = some_trits(9, 4)
    expected = [[sum((int(t) + 1) * 4**place for place, t in enumerate(row))] for row in trits]
    assert pack_2bit(trits).tolist() == expected


def test_what_is_no_trit_is_refused():
    for pack in (pack_base3, pack_2bit):
        with pytest.raises(ValueError, match="trits are -1, 0 and 1"):
            pack(torch.tensor([[0, 2]]))
        with pytest.raises(ValueError, match="trits are -1, 0 and 1"):
            pack(torch.tensor([[0.0, float("nan")]]))


def test_altered_or_truncated_bytes_are_refused():
    packed = pack_base3(some_trits(12))
    with pytest.raises(ValueError, match="12 trits take 3 bytes"):
        unpack_base3(packed[:-1], (12,))
    packed[0] = 243
    with pytest.raises(ValueError, match="below 243, got 243"):
        unpack_base3(packed, (12,))
    with pytest.raises(ValueError, match="more trits than the shape"):
        unpack_base3(pack_base3(torch.ones(13, dtype=torch.int8)), (12,))
    for shift in (0, 2, 4, 6):
        with pytest.raises(ValueError, match="got 3"):
            unpack_2bit(torch.tensor([[3 << shift]], dtype=torch.uint8), 4)
    with pytest.raises(ValueError, match="rows of 5 trits take 2 bytes, got 1"):
        unpack_2bit(pack_2bit(some_trits(2, 4)), 5)
