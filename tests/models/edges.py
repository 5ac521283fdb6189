"""The edges of arithmetic that every layer keeps, of rows (B, ...) to rows."""

from collections.abc import Callable

import torch
from torch import Tensor

Layer = Callable[[Tensor], Tensor]


def check_rows_apart(layer: Layer, x: Tensor, place: int, value: float) -> None:
    """What is no number at one place of the second of three rows changes that row, and no bit of another."""
    expected = layer(x)
    x[1].view(-1)[place] = value
    found = layer(x)
    torch.testing.assert_close(found[[0, 2]], expected[[0, 2]], rtol=0, atol=0)
    assert not torch.equal(found[1], expected[1])


def check_no_rows(layer: Layer, x: Tensor) -> None:
    assert layer(x[:0]).shape == (0, *layer(x).shape[1:])


def check_gradients_of_zeros(layer: Layer, x: Tensor) -> Tensor:
    """What the layer makes of zeros."""
    zeros = torch.zeros_like(x, requires_grad=True)
    found = layer(zeros)
    found.square().sum().backward()
    assert zeros.grad is not None
    assert zeros.grad.isfinite().all()
    return found
