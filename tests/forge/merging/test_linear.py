"""The weighted mean: closed forms, and what float32 must hold of it."""

import numpy as np
import pytest
import torch

from bloomery.core.errors import ConfigError, FormatRefused
from bloomery.forge.merging.linear import linear


def randoms(count, shape=(5, 3), dtype=torch.float32):
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(shape, generator=generator).to(dtype) for _ in range(count)]


def test_the_mean_of_small_whole_numbers_is_exact():
    merged = linear([torch.tensor([0.0, 4.0]), torch.tensor([2.0, 8.0])])
    assert merged.tolist() == [1.0, 6.0]


@pytest.mark.parametrize("weights", [(1.0,), (0.5, 2.0), (3.0, -1.0, 0.5), (0.2, 0.3, 0.4, 0.6)])
@pytest.mark.parametrize("normalize", [True, False])
def test_it_is_the_weighted_sum_in_float64(weights, normalize):
    tensors = randoms(len(weights))
    exact = sum(w * x.double().numpy() for w, x in zip(weights, tensors, strict=True))
    exact /= sum(weights) if normalize else 1.0
    merged = linear(tensors, weights=weights, normalize=normalize)
    # a handful of float32 roundings of numbers of size 1
    np.testing.assert_allclose(merged.numpy(), exact, rtol=0, atol=2e-6)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_equal_tensors_merge_into_themselves_to_the_bit(count):
    (x,) = randoms(1)
    assert torch.equal(linear([x] * count, weights=[0.1 * (n + 1) for n in range(count)]), x)


def test_sums_of_bfloat16_are_taken_in_float32():
    tensors = [torch.tensor([1.0, 256.0], dtype=torch.bfloat16)] + [
        torch.tensor([2.0**-9, 1.0], dtype=torch.bfloat16)
    ] * 8
    merged = linear(tensors, weights=[1.0] * 9, normalize=False)
    assert merged.dtype == torch.bfloat16
    # in bfloat16 each addition alone would be rounded away, and 1 and 256 would come out
    assert merged.tolist() == [1.015625, 264.0]


def test_one_tensor_comes_back_as_a_copy():
    (x,) = randoms(1)
    merged = linear([x])
    merged.zero_()
    assert x.abs().sum() > 0


@pytest.mark.parametrize("weights", [(1.0, -1.0), (0.0, 0.0)])
def test_weights_that_sum_to_nothing_cannot_be_normalised(weights):
    with pytest.raises(ConfigError, match="cannot be normalised"):
        linear(randoms(2), weights=weights)
    assert torch.isfinite(linear(randoms(2), weights=weights, normalize=False)).all()


def test_what_does_not_fit_is_refused():
    with pytest.raises(ConfigError, match="3 weights for 2 models"):
        linear(randoms(2), weights=[1, 2, 3])
    with pytest.raises(ConfigError, match="finite"):
        linear(randoms(2), weights=[1, float("nan")])
    with pytest.raises(ConfigError, match="nothing to merge"):
        linear([])
    with pytest.raises(FormatRefused, match="different shapes"):
        linear([torch.zeros(3), torch.zeros(1)])
