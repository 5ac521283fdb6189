"""Trits keep their signs in blocks, and all else keeps its values as floats."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bloomery.core.errors import CapabilityMissing
from bloomery.forge.exporting.ternary_blocks import is_ternary, write_tensor

pytest.importorskip("gguf", reason="the extra `export` is not installed")

seeds = st.integers(0, 2**32 - 1)


def trits_of(seed, rows=3, width=512):
    """Trits with some rows of zeros, and a scale for each row."""
    drawn = np.random.default_rng(seed)
    trits = drawn.integers(-1, 2, (rows, width)) * drawn.integers(0, 2, (rows, 1))
    return trits, drawn.uniform(1e-3, 2, (rows, 1)).astype(np.float32)


@given(seeds, st.sampled_from(["tq1_0", "tq2_0"]))
def test_trits_come_back_with_their_signs_and_a_rounded_scale(seed, ternary):
    trits, scale = trits_of(seed)
    written = write_tensor((trits * scale).astype(np.float32), ternary=ternary, floats="f16")
    assert written.kind == ternary.upper()
    assert np.array_equal(np.sign(written.values), trits)
    assert np.array_equal(written.values, trits * scale.astype(np.float16).astype(np.float32))


@pytest.mark.parametrize(("ternary", "bytes_a_block"), [("tq1_0", 54), ("tq2_0", 66)])
def test_a_block_of_256_trits_takes_the_bytes_that_are_said(ternary, bytes_a_block):
    trits, scale = trits_of(1)
    written = write_tensor((trits * scale).astype(np.float32), ternary=ternary, floats="f16")
    assert written.data.nbytes == 3 * 2 * bytes_a_block


@given(seeds, st.integers(0, 2), st.integers(0, 511))
def test_a_row_with_two_sizes_is_no_trits(seed, row, place):
    trits, scale = trits_of(seed)
    weight = (trits * scale).astype(np.float32)
    assert is_ternary(weight)
    weight[row, place] = 3.0
    weight[row, place - 1] = 1.5
    assert not is_ternary(weight)
    assert write_tensor(weight, ternary="tq2_0", floats="f16").kind == "F16"


def test_trits_whose_rows_are_not_whole_blocks_stay_floats():
    trits, scale = trits_of(2, width=255)
    assert write_tensor((trits * scale).astype(np.float32), ternary="tq2_0", floats="f16").kind == "F16"


def test_floats_are_rounded_once_and_vectors_and_what_is_too_large_not_at_all():
    weight = np.random.default_rng(0).normal(size=(4, 8)).astype(np.float32)
    half = write_tensor(weight, ternary=None, floats="f16")
    assert (half.kind, half.data.dtype) == ("F16", np.float16)
    assert np.array_equal(half.values, weight.astype(np.float16).astype(np.float32))
    for kept in (weight[0], weight * 1e5):
        written = write_tensor(kept, ternary=None, floats="f16")
        assert written.kind == "F32"
        assert np.array_equal(written.values, kept)
    assert write_tensor(weight, ternary=None, floats="f32").kind == "F32"


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(CapabilityMissing, match=r"bloomery\[export\]"):
        write_tensor(np.zeros((1, 256), np.float32), ternary="tq2_0", floats="f16")
