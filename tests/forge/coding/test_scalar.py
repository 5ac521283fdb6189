"""The coders of a symbol a weight: rows, k-means, block floating point, trits, raw floats."""

import itertools

import numpy as np
import pytest
import torch

from bloomery.core.errors import ConfigError, UserError
from bloomery.forge.coding import blockfloat, kmeans, raw, rows, ternary
from bloomery.forge.coding.weights import proxy_error
from bloomery.models.packed.container import size_bytes
from bloomery.models.packed.decoding import decode


def gaussian(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def relative_error(weight, decoded):
    return float((weight - decoded).norm() / weight.norm())


def bits_of(coded):
    return 8 * size_bytes(coded) / coded.numel


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_rows_are_within_half_a_step_of_their_own_largest(bits):
    weight = gaussian(20, 30) * torch.logspace(-3, 2, 20)[:, None]
    step = weight.abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1)
    error = (decode(rows.encode(weight, bits=bits)) - weight).abs()
    # the step is rounded to half precision, 2^-11, and the largest weight is that many steps away
    assert (error <= step * (0.5 + 2**-11 * 2 ** (bits - 1))).all()


def best_partition(values, levels):
    """The least squared error of a codebook of so many levels: it cuts the sorted values into runs."""
    values = np.sort(values)
    cuts = itertools.combinations(range(1, len(values)), levels - 1)
    return min(
        sum(np.square(run - run.mean()).sum() for run in np.split(values, list(where))) for where in cuts
    )


def test_k_means_comes_near_the_best_partition():
    values = gaussian(24)
    found = proxy_error(values, decode(kmeans.encode(values, levels=3)))
    best = best_partition(values.double().numpy(), 3)
    assert best * 0.999 <= found < 1.1 * best  # Lloyd's algorithm stops at a local minimum


@pytest.mark.parametrize(("levels", "bar"), [(2, 0.3634), (4, 0.1175), (8, 0.03454), (16, 0.009497)])
def test_k_means_on_gaussian_weights_reaches_the_optimum_of_lloyd_and_max(levels, bar):
    # Max 1960, table I: mean squared error of the best quantiser of a unit Gaussian
    weight = gaussian(40_000)
    assert relative_error(weight, decode(kmeans.encode(weight, levels=levels))) ** 2 == pytest.approx(
        bar, rel=0.05
    )


@pytest.mark.parametrize("price", [0.03, 0.1, 0.3, 0.6])
def test_a_price_on_bits_is_within_a_third_of_a_bit_of_the_bound(price):
    weight = gaussian(40_000)
    coded = kmeans.encode(weight, levels=65, price=price)
    bound = -0.5 * np.log2(relative_error(weight, decode(coded)) ** 2)  # R(D) of a Gaussian source
    # entropy-coded scalars end 0.254 bits above it at high rates, nearer at low ones
    assert bound < bits_of(coded) < bound + 0.33


def test_a_higher_price_takes_fewer_bits():
    weight = gaussian(5000)
    sizes = [size_bytes(kmeans.encode(weight, levels=65, price=price)) for price in (0.01, 0.1, 0.5, 2.0)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < 0.01 * sizes[0]  # in the end one level is left


def test_columns_that_matter_more_are_served_better():
    weight, hessian = gaussian(200, 2), torch.diag(torch.tensor([100.0, 1.0]))
    weight[:, 1] += 5
    for encode in (kmeans.encode, blockfloat.encode):
        levels = 5
        knowing = proxy_error(weight, decode(encode(weight, levels=levels, hessian=hessian)), hessian)
        assert knowing < proxy_error(weight, decode(encode(weight, levels=levels)), hessian)


@pytest.mark.parametrize("price", [0.0, 0.1, 0.5])
def test_with_correlated_inputs_columns_of_k_means_mend_each_other(price):
    x = gaussian(200, 24, seed=1) @ gaussian(24, 24, seed=2)
    weight, hessian = gaussian(64, 24), x.T @ x / 200
    diagonal = torch.diag(hessian.diagonal())
    mended, alone = (
        kmeans.encode(weight, levels=9, price=price, hessian=given) for given in (hessian, diagonal)
    )
    errors = [proxy_error(weight, decode(coded), hessian) for coded in (mended, alone)]
    assert errors[0] < 0.7 * errors[1]
    assert size_bytes(mended) < 1.1 * size_bytes(alone)  # the price is paid while mending, too: else 1.35


def test_a_codebook_of_the_weights_own_values_loses_nothing():
    weight = torch.tensor([0.5, -0.25, 2.0])[torch.arange(99) % 3]
    assert torch.equal(decode(kmeans.encode(weight, levels=3)), weight)


def test_block_float_takes_the_best_of_its_scales():
    weight = gaussian(32)
    found = proxy_error(weight, decode(blockfloat.encode(weight, levels=7)))
    scales = 2.0 ** (np.arange(-40, 12) / 4)
    w = weight.double().numpy()
    best = min(np.square(np.clip(np.rint(w / s), -3, 3) * s - w).sum() for s in scales)
    assert found == pytest.approx(best, rel=1e-5)


def test_block_float_at_four_bits_is_where_the_replication_of_seedlm_found_it():
    weight = gaussian(256, 128)
    coded = blockfloat.encode(weight, levels=15)
    assert relative_error(weight, decode(coded)) < 0.110
    assert bits_of(coded) < 4


def test_blocks_of_zeros_among_others_cost_nothing_and_stay_zero():
    weight = torch.cat((1e4 * gaussian(32), torch.zeros(32), 1e-4 * gaussian(32)))
    found = decode(blockfloat.encode(weight, levels=15))
    assert not found[32:64].any()
    assert relative_error(weight[:32], found[:32]) < 0.2
    assert relative_error(weight[64:], found[64:]) < 0.2


def test_trits_of_a_trained_layer_come_back_exactly():
    trits = torch.randint(-1, 2, (6, 9), generator=torch.Generator().manual_seed(0), dtype=torch.int8)
    for scale in (torch.tensor([0.1]), 0.1 + torch.rand(6)):
        assert torch.equal(decode(ternary.from_trits(trits, scale)), trits * scale[:, None])


def test_ternary_weights_code_to_themselves():
    weight = torch.tensor([0.3, -0.3, 0.0])[torch.randperm(300) % 3].reshape(20, 15)
    assert torch.equal(decode(ternary.encode(weight)), weight)


def test_a_larger_threshold_is_sparser_and_shorter():
    weight = gaussian(64, 64)
    sizes = [size_bytes(ternary.encode(weight, threshold=threshold)) for threshold in (0.5, 1.0, 2.0)]
    assert sizes == sorted(sizes, reverse=True)
    # half a mean cuts 31 % of a Gaussian to zero: 1.58 bits; two means 89 %: 0.61 bits
    assert sizes[2] < 0.45 * sizes[0]


def test_raw_floats_are_the_weights_to_their_precision():
    weight = gaussian(7, 5)
    assert torch.equal(decode(raw.encode(weight, precision="float32")), weight)
    assert torch.equal(decode(raw.encode(weight, precision="float16")), weight.half().float())
    assert decode(raw.encode(torch.empty(0, 3), precision="float16")).shape == (0, 3)


@pytest.mark.parametrize(
    ("encode", "words"),
    [
        (lambda w: rows.encode(w, bits=1), "bits = 1"),
        (lambda w: rows.encode(w, bits=9), "bits = 9"),
        (lambda w: kmeans.encode(w, levels=0), "levels = 0"),
        (lambda w: kmeans.encode(w, levels=257), "levels = 257"),
        (lambda w: kmeans.encode(w, levels=4, price=-1), "price = -1"),
        (lambda w: blockfloat.encode(w, levels=4), "levels = 4 is even"),
        (lambda w: blockfloat.encode(w, levels=257), "levels = 257"),
        (lambda w: blockfloat.encode(w, levels=3, block=0), "block = 0"),
        (lambda w: ternary.encode(w, threshold=-1), "threshold = -1"),
        (lambda w: ternary.encode(w, threshold=float("nan")), "threshold = nan"),
    ],
)
def test_settings_out_of_range_are_refused(encode, words):
    with pytest.raises(ConfigError, match=words):
        encode(gaussian(4, 4))


def test_weights_beyond_half_precision_are_refused_by_coders_that_use_it():
    weight = torch.tensor([1.0, 1e6])
    for encode in (lambda: raw.encode(weight, precision="float16"), lambda: kmeans.encode(weight, levels=2)):
        with pytest.raises(UserError, match="half precision"):
            encode()
