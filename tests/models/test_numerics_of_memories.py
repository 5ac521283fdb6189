"""Memories, attention and their mixers at the edges of arithmetic, by the rules of `test_numerics.py`."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bloomery.models.attention import SlidingWindowAttention, visibility
from bloomery.models.continuum_memory import VARIANTS, ContinuumMemory
from bloomery.models.exponential_memory import ExponentialMemory
from bloomery.models.gated_product import JOININGS, GatedProduct
from bloomery.models.linear_attention import linear_attention
from bloomery.models.mag import MagGate
from bloomery.models.memory_as_context import MemoryAsContext
from bloomery.models.miras_bias import HUBER_FORMS, L2, Dot, Huber, Lp, ValueShift
from bloomery.models.miras_memory import MirasMemory
from bloomery.models.miras_retention import Decay, ElasticNet, Logistic, NormRetention, Softmax
from bloomery.models.neural_memory import NeuralMemory
from bloomery.models.persistent_memory import PersistentMemory
from bloomery.models.recursion import RecursiveNet
from bloomery.models.rotary import rotation
from bloomery.models.self_modifying_titans import SelfModifyingTitans
from bloomery.models.streaming_attention import StreamingAttention
from bloomery.models.tiny_net import OverAll, OverPlaces, TinyBlock
from bloomery.models.titans_mixers import MemoryAlone, MemoryAsGate, MemoryAsLayer
from tests.models.edges import Layer, check_gradients_of_zeros, check_no_rows, check_rows_apart

ROWS, STEPS, DIM, CHUNK = 3, 7, 8, 3  # the last chunk is not full


def first(layer: Callable[..., tuple[Tensor, Any]]) -> Layer:
    return lambda x: layer(x)[0]


def twice(layer: nn.Module, read: Callable[[Any], Tensor] = lambda out: out) -> Layer:
    return lambda x: read(layer(x, x))


def memory(**options: Any) -> NeuralMemory:
    return NeuralMemory(DIM, chunk_size=CHUNK, expansion=2.0, **options)


def window(pinned: int = 0) -> StreamingAttention:
    return StreamingAttention(DIM, 2, 4, pinned=pinned)


def over_window(x: Tensor, layer: SlidingWindowAttention | RecursiveNet) -> Tensor:
    places = torch.arange(x.shape[1])[None]
    return layer(x, rotation(places, 4, 1e4), visibility(x.shape[1], 0, 4, None, x.device))


BIASES = {
    "dot": Dot(), "l2": L2(), "l1": Lp(1.0), "l3": Lp(3.0), "l3 plain": Lp(3.0, None),
    **{f"huber {form}": Huber(form) for form in HUBER_FORMS}, "value shift": ValueShift(),
}  # fmt: skip
RETENTIONS = {
    "decay": Decay(), "norm": NormRetention(), "exact norm": NormRetention(exact=True),
    "softmax": Softmax(), "softmax of all": Softmax("matrix"), "elastic net": ElasticNet(),
    "accumulating net": ElasticNet(accumulate=True), "logistic": Logistic(),
}  # fmt: skip


def miras(bias: Any = BIASES["l2"], retention: Any = RETENTIONS["decay"]) -> Layer:
    return first(MirasMemory(DIM, bias, retention, chunk_size=CHUNK, expansion=2.0, max_lr=0.1))


def mac() -> MemoryAsContext:
    attention = SlidingWindowAttention(DIM, 2)
    return MemoryAsContext(memory(conv=0), PersistentMemory(2, DIM), attention, GatedProduct(DIM), segment=4)


def persistent() -> PersistentMemory:
    return PersistentMemory(2, DIM)


MADE: dict[str, Callable[[], Layer]] = {
    "neural memory": lambda: first(memory()),
    "linear neural memory": lambda: first(memory(depth=1)),
    "neural memory read alone": lambda: first(partial(memory(), write=False)),
    "self-modifying titans": lambda: first(SelfModifyingTitans(DIM, heads=2, chunk_size=CHUNK)),
    "self-modifying titans read alone": lambda: first(partial(SelfModifyingTitans(DIM), write=False)),
    "exponential memory": lambda: first(ExponentialMemory(DIM, memory_dim=4, chunk_size=CHUNK)),
    **{f"continuum, {v}": partial(ContinuumMemory, DIM, 6, (4, 2), variant=v) for v in VARIANTS},
    **{f"miras, {name}": partial(miras, bias) for name, bias in BIASES.items()},
    **{f"miras, {name}": partial(miras, retention=retention) for name, retention in RETENTIONS.items()},
    "sliding window": lambda: partial(over_window, layer=SlidingWindowAttention(DIM, 2)),
    "streaming window": lambda: first(window()),
    "pinned window": lambda: first(window(pinned=2)),
    "linear attention": lambda: lambda x: linear_attention(x, x, x),
    "lmm": lambda: first(MemoryAlone(memory(), persistent())),
    "mac": lambda: first(mac()),
    "mag": lambda: first(MemoryAsGate(memory(), persistent(), window(pinned=2), GatedProduct(DIM))),
    "mal": lambda: first(MemoryAsLayer(memory(), persistent(), window())),
    "learned gate": lambda: twice(MagGate(DIM, hidden=6), lambda gated: gated.output),
    **{f"joining, {how}": lambda how=how: twice(GatedProduct(DIM, how)) for how in JOININGS},
    "recursive net": lambda: partial(over_window, layer=RecursiveNet(DIM, 2, 6, 1e-6)),
    "tiny block of attention": lambda: TinyBlock(OverAll(DIM, 2, 1e4), DIM, 6, 1e-5),
    "tiny block over places": lambda: TinyBlock(OverPlaces(STEPS, 6), DIM, 6, 1e-5),
}
ALL = pytest.mark.parametrize("name", MADE)


def given(name: str) -> tuple[Layer, Tensor]:
    torch.manual_seed(0)
    layer = MADE[name]()
    if isinstance(layer, nn.Module):
        layer.eval()
    return layer, torch.randn(ROWS, STEPS, DIM, generator=torch.Generator().manual_seed(1))


@ALL
@torch.no_grad()
def test_numbers_give_numbers_and_so_do_large_ones(name):
    layer, x = given(name)
    assert layer(x).isfinite().all()
    if name != "linear attention":  # elu(-1e4) + 1 is 0 in float32: what is seen by nothing is no number
        assert layer(1e4 * x).isfinite().all()


@ALL
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@torch.no_grad()
def test_what_is_no_number_in_one_row_never_reaches_another(name, value):
    check_rows_apart(*given(name), place=2 * DIM + 3, value=value)


@ALL
@torch.no_grad()
def test_nan_stays_nan_from_where_it_stands(name):
    layer, x = given(name)
    x[1, 2:] = math.nan
    assert layer(x)[1, 2:].isnan().any(-1).all()


@ALL
def test_zeros_give_numbers_and_their_gradients_are_numbers(name):
    assert check_gradients_of_zeros(*given(name)).isfinite().all()


@ALL
@torch.no_grad()
def test_no_rows_give_no_rows(name):
    check_no_rows(*given(name))


def streams() -> dict[str, Callable[[], nn.Module]]:
    return {
        "neural memory": memory, "self-modifying titans": lambda: SelfModifyingTitans(DIM, chunk_size=CHUNK),
        "miras": lambda: MirasMemory(DIM, L2(), Decay(), chunk_size=CHUNK), "window": window, "mac": mac,
        "exponential": lambda: ExponentialMemory(DIM, memory_dim=4),
        "mag": lambda: MemoryAsGate(memory(), persistent(), window(pinned=2), GatedProduct(DIM)),
        "mal": lambda: MemoryAsLayer(memory(), persistent(), window()),
    }  # fmt: skip


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", streams())
@torch.no_grad()
def test_no_rows_stream_on(name, masked):
    """Call after call, with padding and without: a server whose last request left."""
    torch.manual_seed(0)
    layer, none = streams()[name](), torch.zeros(0, STEPS, DIM)
    mask = torch.ones(0, STEPS, dtype=torch.bool) if masked else None
    out, state = layer(none, mask=mask)
    again, _ = layer(none, state, mask=mask)
    assert out.shape == again.shape == (0, STEPS, DIM)


PAIRS = [(b, r) for b in BIASES for r in RETENTIONS]


@pytest.mark.parametrize(("bias", "retention"), PAIRS)
def test_every_bias_with_every_retention_learns_from_zeros_by_numbers(bias, retention):
    torch.manual_seed(0)
    layer = MirasMemory(DIM, BIASES[bias], RETENTIONS[retention], chunk_size=CHUNK, expansion=2.0)
    out, state = layer(torch.zeros(2, STEPS, DIM))
    out.square().sum().backward()
    assert out.isfinite().all()
    assert state.weights.isfinite().all()
    assert all(p.grad.isfinite().all() for p in layer.parameters() if p.grad is not None)


SLOPES = pytest.mark.parametrize("bias", BIASES)


@SLOPES
def test_no_error_has_a_slope_that_is_a_number_and_a_gradient_that_is(bias):
    y = torch.zeros(2, DIM, requires_grad=True)
    slope = BIASES[bias].slope(y, torch.zeros(2, DIM), torch.ones(2, 1))
    slope.sum().backward()
    assert slope.isfinite().all()
    assert y.grad is not None
    assert y.grad.isfinite().all()


@SLOPES
def test_an_error_that_is_no_number_has_no_slope(bias):
    y = torch.zeros(2, DIM)
    y[0, 1] = math.nan
    slope = BIASES[bias].slope(y, torch.zeros(2, DIM), torch.ones(2, 1))
    assert slope[0].isnan().any()
    assert slope[1].isfinite().all()


@pytest.mark.parametrize("scale", [0.0, 1e-30, 1.0, 1e30])
@pytest.mark.parametrize("retention", RETENTIONS)
def test_weights_of_any_size_are_kept_as_numbers(retention, scale):
    A = torch.randn(2, 4, 5, generator=torch.Generator().manual_seed(3)) * scale
    found = RETENTIONS[retention].weights(A)
    assert found.isfinite().all()
    assert RETENTIONS[retention].inside(A, A).isfinite().all()
    settled = RETENTIONS[retention].settled(A)
    begun = RETENTIONS[retention].inside(settled, settled)
    torch.testing.assert_close(found, begun, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("retention", RETENTIONS)
def test_a_weight_that_is_no_number_spoils_its_own_row_of_the_batch_alone(retention):
    A = torch.ones(2, 4, 5)
    A[0, 1, 2] = math.nan
    found = RETENTIONS[retention].weights(A)
    assert found[0].isnan().any()
    assert found[1].isfinite().all()
