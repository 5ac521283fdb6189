"""Decoders on fields written by hand: the same bits everywhere, and damage refused."""

import hashlib

import numpy as np
import pytest
import torch

from bloomery.models.packed.coded import Coded, Symbols
from bloomery.models.packed.container import from_bytes, to_bytes
from bloomery.models.packed.decoding import decode

RECORDED = "afe77599710c77570d858b561d7bb4bd65cfe7666986d81cb3711cd9fa820a73"
RECORDED_TRITS = "00dde390617eaa82e582176823f3a99715239be2a84eee711f1eddcce0986e43"


def symbols(values, alphabet):
    return Symbols(np.array(values), alphabet)


def numbers(values, dtype=np.float32):
    return np.array(values, dtype)


WRITTEN = {
    "ternary": (
        Coded("ternary", (2, 2), {"trits": symbols([0, 1, 2, 2], 3), "scale": numbers([0.5, 2])}),
        [[-0.5, 0], [2, 2]],
    ),
    "rows": (
        Coded("rows", (2, 2), {"levels": symbols([0, 14, 7, 8], 15), "scale": numbers([0.5, 2], np.float16)}),
        [[-3.5, 3.5], [0, 2]],
    ),
    "kmeans": (
        Coded("kmeans", (3,), {"indices": symbols([1, 0, 1], 2), "codebook": numbers([0.5, -4], np.float16)}),
        [-4, 0.5, -4],
    ),
    "blockfloat": (
        Coded(
            "blockfloat",
            (3,),
            {
                "mantissas": symbols([0, 2, 1], 3),
                "exponents": symbols([0, 8], 9),  # 2^((0 - 4) / 4), 2^((8 - 4) / 4)
                "block": numbers([2], np.uint32),
                "offset": numbers([-4], np.int16),
            },
        ),
        [-0.5, 0.5, 0],
    ),
    "seedlm": (
        Coded(
            "seedlm",
            (2,),
            {
                "seeds": symbols([1], 256),  # the register's first states: 1, 128, 64, 32
                "coefficients": symbols([9, 6], 16),
                "exponents": symbols([1], 2),
                "sizes": numbers([2, 2, 8], np.uint8),
                "offset": numbers([2], np.int16),
            },
        ),
        # (1 - 128) 1 + (128 - 128) (-2), (64 - 128) 1 + (32 - 128) (-2), times 2^3 / 127
        [-8, 128 * (8 / 127)],
    ),
    "vptq": (
        Coded(
            "vptq",
            (2, 2),
            {
                "indices": symbols([0, 1], 2),
                "codebook": symbols([127, 128, 129, 126], 255),
                "residual_indices": symbols([0, 0], 1),
                "residual_codebook": symbols([127, 137], 255),
                "scales": numbers([0.5, 0.125]),
                "length": numbers([2], np.uint8),
            },
        ),
        [[0, 1], [1.75, 0.75]],
    ),
    "hyper": (
        Coded(
            "hyper",
            (3,),
            {
                "indices": symbols([1, 2], 4),  # nodes (1, 3), (2, 6 mod 4), doubled, minus 3
                "classes": symbols([0, 1], 2),
                "nodes": numbers([4, 3], np.uint16),
                "scale": numbers([0.5]),
                "centre": numbers([10]),
            },
        ),
        [9.5, 11.5, 11],
    ),
}


@pytest.mark.parametrize("scheme", WRITTEN)
def test_a_hand_written_tensor_decodes_to_what_the_scheme_says(scheme):
    coded, expected = WRITTEN[scheme]
    # 1 ulp: 1/127 is rounded before it is multiplied; all other values are exact
    torch.testing.assert_close(
        decode(coded), torch.tensor(expected, dtype=torch.float32), rtol=1.2e-7, atol=0
    )


def changed(scheme, **fields):
    coded, _ = WRITTEN[scheme]
    return Coded(scheme, coded.shape, {**coded.fields, **fields})


@pytest.mark.parametrize("scheme", WRITTEN)
def test_a_field_of_the_wrong_length_is_refused(scheme):
    coded, _ = WRITTEN[scheme]
    grown = Coded(scheme, (*coded.shape[:-1], 50), coded.fields)
    with pytest.raises(ValueError, match=r"should hold"):
        decode(grown)


@pytest.mark.parametrize(
    ("coded", "words"),
    [
        (changed("ternary", scale=numbers([1, 2, 3])), "1 or 2 scales, got 3"),
        (changed("ternary", scale=symbols([1], 2)), "holds symbols"),
        (changed("ternary", trits=numbers([1, 1, 1, 1])), "holds numbers"),
        (changed("kmeans", codebook=numbers([1], np.float16)), "should hold 2"),
        (changed("blockfloat", block=numbers([0], np.uint32)), "altered"),
        (changed("seedlm", sizes=numbers([2, 2, 9], np.uint8)), "altered"),
        (changed("seedlm", seeds=symbols([0], 256)), "seed 0"),
        (changed("vptq", length=numbers([0], np.uint8)), "altered"),
        (changed("hyper", nodes=numbers([5, 3], np.uint16)), "altered"),
    ],
)
def test_fields_that_do_not_fit_each_other_are_refused(coded, words):
    with pytest.raises(ValueError, match=words):
        decode(coded)


def test_what_is_decoded_may_be_written_to():
    found = decode(Coded("float32", (2,), {"values": numbers([1, 2])}))
    found += 1
    assert found.tolist() == [2, 3]


def test_a_file_of_the_first_version_keeps_its_bytes():
    """Recorded once: a change here is a change of the format, and needs another version."""
    data = to_bytes([coded for coded, _ in WRITTEN.values()])
    assert hashlib.sha256(data).hexdigest() == RECORDED
    for coded, (expected, _) in zip(from_bytes(data), WRITTEN.values(), strict=True):
        assert torch.equal(decode(coded), decode(expected))


def test_entropy_coded_bytes_of_the_first_version_are_kept():
    trits = (np.arange(3000) ** 2 % 11 // 4).clip(0, 2)  # 0, 1 and 2 in 5, 4 and 2 of 11
    data = to_bytes([Coded("ternary", (3000,), {"trits": symbols(trits, 3), "scale": numbers([1])})])
    assert hashlib.sha256(data).hexdigest() == RECORDED_TRITS


@pytest.mark.parametrize(
    ("scheme", "field", "value", "words"),
    [
        ("seedlm", "sizes", numbers([200, 200, 8], np.uint8), "altered"),
        ("seedlm", "sizes", numbers([2, 3, 8], np.uint8), "altered"),
        ("vptq", "length", numbers([2**31], np.uint32), "altered"),
    ],
)
def test_sizes_far_beyond_the_shape_are_refused(scheme, field, value, words):
    coded, _ = WRITTEN[scheme]
    with pytest.raises(ValueError, match=words):
        decode(Coded(scheme, coded.shape, {**coded.fields, field: value}))


def test_a_block_far_larger_than_the_tensor_takes_no_memory_for_it():
    coded, _ = WRITTEN["blockfloat"]
    one = {"block": numbers([2**32 - 1], np.uint32), "exponents": symbols([4], 9)}
    assert decode(Coded("blockfloat", (3,), {**coded.fields, **one})).tolist() == [-1, 1, 0]


def test_nodes_are_computed_only_where_there_are_pairs():
    count = 2**31  # all nodes would be 32 GiB
    coded = Coded(
        "hyper",
        (2,),
        {
            "indices": symbols([3], count),
            "classes": symbols([0], 3),
            "nodes": numbers([count, 5], np.uint32),
            "scale": numbers([1]),
            "centre": numbers([0]),
        },
    )
    expected = torch.tensor([2 * 3 + 1 - count, 2 * 15 + 1 - count], dtype=torch.float32)  # rounded once
    assert torch.equal(decode(coded), expected)
