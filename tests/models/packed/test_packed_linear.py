"""Packed layers against the layers that they were packed from, to the bit."""

import pytest
import torch

from bloomery.models.packed.packed_linear import PackedTernaryLinear
from bloomery.models.packed.ternary import TernaryLinear


def layer_and_packed(width=33, rows=17, **options):
    layer = TernaryLinear(width, rows, **options)
    return layer, PackedTernaryLinear.from_ternary(layer)


@pytest.mark.parametrize("options", [{}, {"bias": False}, {"per_row": True}, {"threshold": 1.2}])
@pytest.mark.parametrize("shape", [(33,), (1, 33), (6, 33), (2, 3, 33), (0, 33)])
def test_packed_layers_give_the_bits_of_the_layer_in_training(shape, options):
    layer, packed = layer_and_packed(**options)
    x = torch.randn(shape)
    assert torch.equal(packed(x), layer(x))


@pytest.mark.parametrize("width", [1, 3, 64, 255, 256, 257, 2048])
def test_every_width_gives_the_bits_of_the_layer_in_training(width):
    layer, packed = layer_and_packed(width)
    x = torch.randn(5, width)
    assert torch.equal(packed(x), layer(x))


def test_low_precision_inputs_come_out_in_their_precision():
    layer, packed = layer_and_packed()
    x = torch.randn(4, 33, dtype=torch.bfloat16)
    assert packed(x).dtype == torch.bfloat16
    assert torch.equal(packed(x), layer(x))


def test_a_token_does_not_depend_on_its_batch():
    _, packed = layer_and_packed()
    x = torch.randn(9, 33)
    assert torch.equal(packed(x)[4], packed(x[4]))


def test_the_input_gets_the_gradient_of_the_layer_in_training():
    layer, packed = layer_and_packed(per_row=True)
    x, upstream = torch.randn(4, 33), torch.randn(4, 17)
    gradients = []
    for module in (layer, packed):
        inner = x.clone().requires_grad_()
        module(inner).backward(upstream)
        gradients.append(inner.grad)
    assert torch.equal(*gradients)


def test_a_state_dict_carries_all_of_it():
    layer, packed = layer_and_packed(per_row=True)
    other = PackedTernaryLinear(33, 17, bias=True, per_row=True)
    other.load_state_dict(packed.state_dict())
    x = torch.randn(3, 33)
    assert torch.equal(other(x), layer(x))
    assert packed.packed.nbytes == 17 * 9  # four trits a byte, rows on bytes


def test_a_fresh_layer_holds_zeros():
    assert not PackedTernaryLinear(5, 2).weight.any()


def test_the_weight_is_what_the_trits_stand_for():
    layer, packed = layer_and_packed()
    trits, scale = layer.ternarized()
    assert torch.equal(packed.weight, trits * scale)


def test_scales_that_fit_no_row_are_refused():
    with pytest.raises(ValueError, match="one for each of 2 rows, got 3"):
        PackedTernaryLinear.from_trits(torch.zeros(2, 4, dtype=torch.int8), torch.ones(3))
