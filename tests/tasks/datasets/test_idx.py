import struct

import numpy as np
import pytest

from bloomery.core.errors import FormatRefused
from bloomery.tasks.datasets.idx import read_idx

SIX = bytes([0, 0, 8, 2]) + struct.pack(">2I", 2, 3) + bytes(range(6))


def test_bytes_become_an_array_of_their_shape():
    assert read_idx(SIX).tolist() == [[0, 1, 2], [3, 4, 5]]


def test_big_endian_numbers_are_turned_round():
    data = bytes([0, 0, 0x0C, 1]) + struct.pack(">I", 2) + struct.pack(">2i", -5, 70000)
    assert read_idx(data).tolist() == [-5, 70000]
    assert read_idx(data).dtype == np.dtype("=i4")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "begins with nothing"),
        (b"\x1f\x8b\x08\x00", "not an IDX file"),
        (bytes([0, 0, 7, 1]), "not an IDX file"),
        (SIX[:8], "cut in its header"),
        (SIX[:-1], "has 17 bytes, expected 18"),
        (SIX + b"0", "has 19 bytes, expected 18"),
    ],
)
def test_bytes_that_are_not_all_of_an_idx_file_are_refused(data, message):
    with pytest.raises(FormatRefused, match=message):
        read_idx(data)
