"""Ternary products against NumPy's int64, by every backend that this machine has."""

import numpy as np
import pytest
import torch

from bloomery.models.packed import ternary_kernel
from bloomery.models.packed.compiled import Unavailable
from bloomery.models.packed.ternary import MAX_FAN_IN
from bloomery.models.packed.ternary_kernel import (
    BACKENDS,
    Disproved,
    backend,
    linear_by,
    product_by,
    ternary_matmul,
)
from bloomery.models.packed.trits import pack_2bit

# around a byte, both vector widths, blocks of 4 rows, 4 tokens and 16 tokens
SHAPES = [
    (0, 9, 8),
    (1, 1, 1),
    (1, 256, 4),
    (3, 5, 7),
    (4, 129, 4),
    (5, 255, 6),
    (17, 257, 9),
    (1, 2048, 33),
    (2, 8, 0),
]


@pytest.fixture(params=BACKENDS)
def product(request):
    try:
        return product_by(request.param)
    except Disproved:
        raise
    except Unavailable as error:
        pytest.skip(f"{request.param}: {error}")


@pytest.fixture
def fresh_choice():
    """Choose the backend anew, before the test and after it."""
    caches = (backend, product_by, linear_by, ternary_kernel._library)
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


def some(tokens, width, rows):
    codes = torch.randint(-128, 128, (tokens, width), dtype=torch.int8)
    return codes, torch.randint(-1, 2, (rows, width), dtype=torch.int8)


def expected(codes, trits):
    return codes.numpy().astype(np.int64) @ trits.numpy().astype(np.int64).T


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_products_are_those_of_the_integers(product, shape):
    codes, trits = some(*shape)
    found = product(codes, pack_2bit(trits))
    assert found.dtype == torch.int32
    np.testing.assert_array_equal(found.numpy(), expected(codes, trits))


@pytest.mark.parametrize("code", [-128, 127])
@pytest.mark.parametrize("trit", [-1, 1])
def test_the_largest_sums_do_not_saturate(product, code, trit):
    codes = torch.full((1, 8192), code, dtype=torch.int8)
    trits = torch.full((4, 8192), trit, dtype=torch.int8)
    assert product(codes, pack_2bit(trits)).tolist() == [[code * trit * 8192] * 4]


def test_tensors_need_not_be_contiguous(product):
    codes, trits = some(6, 40, 10)
    packed = pack_2bit(trits)
    strided = torch.stack([packed, packed], dim=-1)[..., 0]
    found = product(codes.T.contiguous().T, strided)
    np.testing.assert_array_equal(found.numpy(), expected(codes, trits))


def test_bits_beyond_the_width_do_not_count(product):
    codes, trits = some(3, 13, 5)
    packed = pack_2bit(trits)
    packed[:, -1] = packed[:, -1] & 0b11 | 0b10101000
    np.testing.assert_array_equal(product(codes, packed).numpy(), expected(codes, trits))


def test_the_chosen_backend_computes_them_too():
    codes, trits = some(3, 70, 9)
    np.testing.assert_array_equal(ternary_matmul(codes, pack_2bit(trits)).numpy(), expected(codes, trits))
    assert backend().name in BACKENDS


@pytest.fixture(params=[name for name in BACKENDS if name.startswith("c ")])
def linear_in_c(request):
    try:
        return linear_by(request.param)
    except Disproved:
        raise
    except Unavailable as error:
        pytest.skip(f"{request.param}: {error}")


@pytest.mark.parametrize("scales", [1, 11])
@pytest.mark.parametrize("size", [1e-7, 1.0, 1e30])
def test_the_layer_in_one_call_rounds_as_the_steps_in_torch_do(linear_in_c, scales, size):
    x, scale = torch.randn(37, 300) * size, torch.rand(scales)
    x[0] = torch.arange(300) % 255 - 127  # the code itself, and halves between codes
    x[1] = x[0] / 2
    x[2] = 0
    packed = pack_2bit(some(1, 300, 11)[1])
    assert torch.equal(linear_in_c(x, packed, scale), linear_by("torch")(x, packed, scale))


def test_the_layer_in_one_call_keeps_a_sick_token_in_sight(linear_in_c):
    x = torch.ones(3, 5)
    x[0, 2], x[1, 2] = float("nan"), float("inf")
    y = linear_in_c(x, pack_2bit(torch.ones(2, 5, dtype=torch.int8)), torch.ones(1))
    assert y.isfinite().tolist() == [[False] * 2, [False] * 2, [True] * 2]


def lacking(reason):
    def unavailable(*_):
        raise Unavailable(reason)

    return unavailable


def test_a_machine_without_compiler_and_numba_says_so(fresh_choice, monkeypatch):
    monkeypatch.setattr(ternary_kernel, "load", lacking("no C compiler"))
    monkeypatch.setattr(ternary_kernel, "compiled_product", lacking("no numba"))
    assert str(backend()) == "torch (no C compiler; no numba)"
    codes, trits = some(2, 9, 3)
    np.testing.assert_array_equal(ternary_matmul(codes, pack_2bit(trits)).numpy(), expected(codes, trits))


def test_a_processor_without_the_instructions_says_so(fresh_choice, monkeypatch):
    try:
        library, _ = ternary_kernel._library()
    except Unavailable as error:
        pytest.skip(str(error))

    class Plain:
        ternary_product, ternary_linear = library.ternary_product, library.ternary_linear

        def ternary_has(self, level):
            return level == 0

    monkeypatch.setattr(ternary_kernel, "_library", lambda: (Plain(), "kept nowhere"))
    lacks = "this processor lacks avx512-vnni; this processor lacks avx2; kept nowhere"
    assert str(backend()) == f"c portable ({lacks})"


def test_a_backend_that_computes_wrong_products_is_not_used(fresh_choice, monkeypatch):
    monkeypatch.setattr(ternary_kernel, "load", lacking("no C compiler"))
    wrong = {"numba": lambda codes, packed: torch.zeros(len(codes), len(packed), dtype=torch.int32)}
    monkeypatch.setattr(ternary_kernel, "PRODUCTS", ternary_kernel.PRODUCTS | wrong)
    assert str(backend()) == "torch (no C compiler; numba computes wrong products here)"


def test_what_does_not_fit_is_refused():
    codes, trits = some(2, 9, 3)
    packed = pack_2bit(trits)
    with pytest.raises(ValueError, match=r"expected torch.int8 and packed trits in uint8, got torch.float32"):
        ternary_matmul(codes.float(), packed)
    with pytest.raises(ValueError, match=r"activations \(2, 8\) do not fit packed trits \(3, 3\)"):
        ternary_matmul(codes[:, :8], packed)
    with pytest.raises(ValueError, match="do not fit"):
        ternary_matmul(codes[0], packed)
    wide = torch.zeros(1, MAX_FAN_IN + 1, dtype=torch.int8)
    with pytest.raises(ValueError, match="columns sum exactly"):
        ternary_matmul(wide, pack_2bit(wide))
