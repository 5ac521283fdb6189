"""The mixers that memories are compared with: what they compute, and how they begin in a model."""

import pytest
import torch

from benchmarks.associative_recall import model
from benchmarks.rival_mixers import AddingMemory, GatedLinear


def drawn(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def adding() -> AddingMemory:
    torch.manual_seed(0)
    layer = AddingMemory(8, heads=2, head_dim=4).double()
    with torch.no_grad():
        layer.to_gates.bias.fill_(0.5)  # so that much is forgotten
    return layer


def test_an_adding_memory_decays_and_adds_token_by_token():
    """By its definition: S = a S + v k^T, then S q, head by head; 1e-12 for sums in another order."""
    layer, x = adding(), drawn(2, 9, 8)
    q, k, v, _ = layer._project(x, layer.initial_state(2).conv, None)
    kept = torch.sigmoid(layer.to_gates(x))
    stored = layer.initial.double().unflatten(-1, (4, 4)).expand(2, -1, -1, -1)
    reads = []
    for t in range(9):
        stored = kept[:, t, :, None, None] * stored + v[:, t, :, :, None] * k[:, t, :, None, :]
        reads.append((stored @ q[:, t, :, :, None])[..., 0])
    expected = layer.read_norm(torch.stack(reads, dim=1)).flatten(2)
    expected = layer.out(expected * torch.sigmoid(layer.output_gate(x)))
    found, after = layer(x)
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=1e-12)
    torch.testing.assert_close(after.weights, stored.flatten(2), atol=1e-12, rtol=1e-12)


def test_a_sequence_in_parts_and_whole_are_one_to_an_adding_memory():
    layer, x = adding(), drawn(2, 9, 8)
    state, parts = None, []
    for part in x.split([4, 1, 4], dim=1):
        y, state = layer(part, state)
        parts.append(y)
    torch.testing.assert_close(torch.cat(parts, 1), layer(x)[0], atol=1e-12, rtol=1e-12)
    asked, _ = layer(x, state, write=False)
    assert not torch.allclose(asked, layer(x)[0])


def test_an_adding_memory_whose_gates_shut_reads_the_last_value_alone():
    """Where nothing is kept, a read is v (k . q), which the norm brings back to v's direction."""
    layer, x = adding(), drawn(1, 6, 8)
    with torch.no_grad():
        layer.to_gates.weight.zero_()
        layer.to_gates.bias.fill_(-200.0)
    q, k, v, _ = layer._project(x, layer.initial_state(1).conv, None)
    sign = (q * k).sum(-1, keepdim=True)
    expected = layer.out(layer.read_norm(v * sign).flatten(2) * torch.sigmoid(layer.output_gate(x)))
    torch.testing.assert_close(layer(x)[0], expected, atol=1e-12, rtol=1e-12)


def test_padding_and_a_state_are_refused():
    x, mask = drawn(2, 5, 8), torch.tensor([[0, 1, 1, 1, 1], [1, 1, 1, 1, 1]]).bool()
    with pytest.raises(ValueError, match="takes no padding"):
        adding()(x, mask=mask)
    (rival, _) = (layer.mixer for layer in model("linear", 0).layers)
    for given in ({"mask": mask}, {"state": ()}):
        with pytest.raises(ValueError, match="neither a state nor padding"):
            rival(torch.zeros(2, 5, 32), **given)


def test_rivals_begin_as_they_should_in_a_model():
    """An LSTM's forget gates open; an adding memory's gates as little shut as Titans' memory's."""
    for layer in model("lstm", 0).layers:
        bias = layer.mixer.lstm.bias_ih_l0.unflatten(0, (4, -1))
        assert torch.equal(bias[1], torch.ones_like(bias[1]))
        assert float(bias.detach()[[0, 2, 3]].abs().max()) < 0.2
    for layer, other in zip(model("linear", 0).layers, model("lmm", 0).layers, strict=True):
        assert isinstance(layer.mixer, GatedLinear)
        ours, theirs = layer.mixer.memory, other.mixer.memory
        assert torch.equal(ours.to_gates.bias, -theirs.to_gates.bias[[1, 1]])
        inner = ours.heads * ours.head_dim
        assert torch.equal(ours.to_qkv.weight[:inner], ours.to_qkv.weight[inner : 2 * inner])
