"""What torch lacks and we add, at the edges of arithmetic: what is no number stays visible, and alone."""

import math

import pytest
import torch
from torch import Tensor, nn

from bloomery.models.feedforward import SwiGLU
from bloomery.models.gated_product import GatedProduct
from bloomery.models.lenet import (
    MAPS_OF_S2,
    LeNet1998,
    LeNetModern,
    PartialConvolution,
    Subsampling,
    maximum_a_posteriori,
    mean_squared_error,
    penalties,
    squash,
)
from bloomery.models.modeling_lenet import normalised
from bloomery.models.rotary import rotate, rotation
from tests.models.edges import Layer, check_gradients_of_zeros, check_no_rows, check_rows_apart

ROWS = 3


def ready(module: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    for parameter in module.parameters():
        nn.init.uniform_(parameter, -0.5, 0.5)
    return module.eval()


def codes() -> Tensor:
    return torch.randn(10, 6, generator=torch.Generator().manual_seed(2)).sign()


def gated(x: Tensor) -> Tensor:
    return ready(GatedProduct(6, "gate"))(x, x)


LAYERS: dict[str, tuple[Layer, tuple[int, ...]]] = {
    "squash": (squash, (6,)),
    "penalties": (lambda x: penalties(x, codes()), (6,)),
    "subsampling": (ready(Subsampling(2)), (2, 4, 4)),
    "partial convolution": (ready(PartialConvolution(MAPS_OF_S2, 6, 5)), (6, 6, 6)),
    "normalised": (lambda x: normalised(x), (28, 28)),
    "lenet of 1998": (ready(LeNet1998()), (1, 32, 32)),
    "modern lenet": (ready(LeNetModern()), (1, 32, 32)),
    "swiglu": (ready(SwiGLU(6, 8)), (4, 6)),
    "gated product": (gated, (4, 6)),
    "rotary": (lambda x: rotate(x, rotation(torch.arange(5).expand(len(x), 5), 4, 1e4)), (5, 2, 4)),
}
ALL = pytest.mark.parametrize("name", LAYERS)


def given(name: str, rows: int = ROWS) -> tuple[Layer, Tensor]:
    layer, shape = LAYERS[name]
    return layer, torch.randn(rows, *shape, generator=torch.Generator().manual_seed(1))


@ALL
@torch.no_grad()
def test_numbers_give_numbers(name):
    layer, x = given(name)
    assert layer(x).isfinite().all()


@ALL
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@torch.no_grad()
def test_what_is_no_number_in_one_row_never_reaches_another(name, value):
    check_rows_apart(*given(name), place=3, value=value)


@ALL
@torch.no_grad()
def test_nan_stays_nan(name):
    layer, x = given(name)
    x[1] = math.nan
    assert layer(x)[1].isnan().any()


@ALL
@torch.no_grad()
def test_zeros_give_numbers(name):
    layer, x = given(name)
    assert layer(torch.zeros_like(x)).isfinite().all()


@ALL
@torch.no_grad()
def test_no_rows_give_no_rows(name):
    check_no_rows(*given(name))


@ALL
def test_gradients_of_zeros_are_numbers(name):
    check_gradients_of_zeros(*given(name))


def test_squashing_infinity_gives_the_asymptote_and_large_sums_do_not_overflow():
    found = squash(torch.tensor([math.inf, -math.inf, 1e38, -1e38]))
    torch.testing.assert_close(found, 1.7159 * torch.tensor([1.0, -1.0, 1.0, -1.0]))


@pytest.mark.parametrize("scale", [0.0, 1.0, 1e30])
def test_the_posterior_and_its_gradient_are_numbers_for_any_penalty(scale):
    y = (torch.rand(4, 10, generator=torch.Generator().manual_seed(3)) * scale).requires_grad_()
    loss = maximum_a_posteriori(y, torch.tensor([0, 1, 2, 3]), 1.0)
    loss.backward()
    assert loss.isfinite()
    assert y.grad is not None
    assert y.grad.isfinite().all()


def test_the_mean_of_no_penalties_is_no_number():
    """As torch has it: nothing was measured, and 0 would be a perfect score."""
    assert mean_squared_error(torch.empty(0, 10), torch.empty(0, dtype=torch.int64)).isnan()
