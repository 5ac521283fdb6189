"""What every coder keeps to, whoever wrote it."""

import pytest
import torch

from bloomery.core.errors import UnknownName, UserError
from bloomery.forge.coding.registry import CODERS, coder
from bloomery.forge.coding.weights import proxy_error
from bloomery.models.packed.coded import FIELDS
from bloomery.models.packed.container import from_bytes, size_bytes, to_bytes
from bloomery.models.packed.decoding import DECODERS, decode

EVERY = pytest.mark.parametrize("name", CODERS)
SHAPES = [(1,), (3,), (1, 1), (5, 7), (17,), (), (2, 3, 4), (16, 32)]


def gaussian(shape, scale=0.02):
    return scale * torch.randn(shape, generator=torch.Generator().manual_seed(0))


def through_bytes(coded):
    return decode(from_bytes(to_bytes([coded]))[0])


def test_every_scheme_has_a_decoder_and_a_coder():
    assert set(DECODERS) == set(FIELDS)
    assert {one.encode(gaussian((8, 8))).scheme for one in CODERS.values()} == set(FIELDS)


@EVERY
def test_a_coder_knows_its_name(name):
    assert coder(name).name == name


@EVERY
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_bytes_decode_to_the_same_bits_at_every_shape(name, shape):
    coded = coder(name).encode(gaussian(shape))
    found = through_bytes(coded)
    assert torch.equal(found, decode(coded))
    assert (tuple(found.shape), found.dtype) == (shape, torch.float32)
    assert found.isfinite().all()


@EVERY
def test_no_coder_is_worse_than_storing_nothing(name):
    weight = gaussian((24, 16))
    error = proxy_error(weight, decode(coder(name).encode(weight)))
    assert error <= 1.001 * float(weight.double().square().sum())  # a codebook is rounded to half precision


@EVERY
def test_the_same_weight_gives_the_same_bytes(name):
    weight = gaussian((16, 24))
    assert to_bytes([coder(name).encode(weight)]) == to_bytes([coder(name).encode(weight.clone())])


@EVERY
def test_coding_leaves_the_weight_as_it_was(name):
    weight = gaussian((16, 24))
    before = weight.clone()
    coder(name).encode(weight)
    assert torch.equal(weight, before)


@EVERY
def test_zeros_stay_zeros(name):
    coded = coder(name).encode(torch.zeros(12, 16))
    assert torch.equal(through_bytes(coded), torch.zeros(12, 16))


@EVERY
def test_a_constant_is_kept_in_magnitude_or_is_nothing_at_all(name):
    weight = torch.full((12, 16), -0.375)
    found = through_bytes(coder(name).encode(weight))
    # a threshold above the mean leaves nothing; else a grid has a point within half of the value
    nothing = name == "ternary-1.2" and not found.any()
    assert nothing or proxy_error(weight, found) < 0.25 * 192 * 0.375**2


@EVERY
def test_scaling_by_a_power_of_two_scales_what_is_decoded(name):
    weight = gaussian((16, 16), scale=1.0)
    small, large = (decode(coder(name).encode(weight * factor)) for factor in (1.0, 4.0))
    torch.testing.assert_close(large, 4 * small, rtol=1e-3, atol=1e-3)  # half-precision codebooks


@EVERY
@pytest.mark.parametrize("broken", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_refused(name, broken):
    weight = gaussian((8, 8))
    weight[3, 4] = broken
    with pytest.raises(UserError, match="1 of 64 weights are NaN or infinite"):
        coder(name).encode(weight)


@EVERY
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_other_precisions_are_coded_as_their_float32(name, dtype):
    weight = gaussian((8, 16)).to(dtype)
    assert to_bytes([coder(name).encode(weight)]) == to_bytes([coder(name).encode(weight.float())])


@EVERY
def test_integers_are_no_weights(name):
    with pytest.raises(UserError, match=r"expected weights in floating point.*make the buffer float32"):
        coder(name).encode(torch.ones(4, 4, dtype=torch.int64))


@pytest.mark.parametrize("name", ["float16", "float32"])
def test_no_integers_are_no_weights_either(name):
    with pytest.raises(UserError, match="expected weights in floating point"):
        coder(name).encode(torch.ones(0, 4, dtype=torch.int64))


@EVERY
def test_a_hessian_of_another_size_is_refused_where_one_is_used(name):
    one = coder(name)
    weight = gaussian((8, 16))
    if one.weighs:
        with pytest.raises(UserError, match="16 x 16"):
            one.encode(weight, torch.eye(8))
    else:
        assert size_bytes(one.encode(weight, torch.eye(8))) == size_bytes(one.encode(weight))


def test_an_unknown_coder_names_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'rows-8bit'"):
        coder("rows-8bits")
