"""A packed folder with plain weights computes as float arithmetic on its trits does."""

from dataclasses import replace

import pytest
import torch

from bloomery.forge.bitnet.quantizing import quantize_folder
from bloomery.forge.exporting.plain import load_plain, logits_of, make_plain, rows_of
from bloomery.forge.folders import load_model
from bloomery.forge.settings import TernaryConfig
from bloomery.models.packed.experts import FILE as EXPERTS
from bloomery.models.packed.experts import to_bytes
from bloomery.models.packed.packed_linear import PackedTernaryLinear
from tests.forge.small_folders import FOLDERS, llama
from tests.models.packed.expert_sets import expert_set


def test_a_plain_layer_is_the_product_with_trits_and_scale():
    trits = torch.tensor([[1, 0, -1, 1, 0], [0, 0, 1, -1, -1]], dtype=torch.int8)
    scale, bias = torch.tensor([0.5, 2.0]), torch.tensor([1.0, -1.0])
    net = torch.nn.Sequential(PackedTernaryLinear.from_trits(trits, scale, bias))
    assert make_plain(net) == ["0"]
    x = torch.randn(3, 5)
    expected = x.double() @ (trits.double() * scale.double()[:, None]).T + bias.double()
    # float32: five products, each rounded once
    torch.testing.assert_close(net(x).double(), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", FOLDERS)
def test_only_the_rounding_of_activations_is_left_out(kind, tmp_path):
    quantize_folder(FOLDERS[kind](tmp_path / "base"), tmp_path / "packed", TernaryConfig())
    packed, (plain, _) = load_model(tmp_path / "packed")[0].eval(), load_plain(tmp_path / "packed")
    names = [name for name, layer in packed.named_modules() if isinstance(layer, PackedTernaryLinear)]
    assert names
    for name in names:
        assert type(plain.get_submodule(name)) is torch.nn.Linear
        assert torch.equal(plain.get_submodule(name).weight, packed.get_submodule(name).weight)
    rows = rows_of(plain, [2, 9])
    pairs = zip(logits_of(plain, rows), logits_of(packed, rows), strict=True)
    apart = [float((ours - theirs).abs().max() / theirs.abs().max()) for ours, theirs in pairs]
    assert 0 < max(apart) < 0.2  # 1/127 of the largest activation in each of a dozen layers


def test_rows_are_the_same_for_a_seed_and_of_the_lengths_asked_for(tmp_path):
    model, _ = load_plain(FOLDERS["llama"](tmp_path / "base"))
    rows = rows_of(model, [2, 7])
    assert [tuple(row.shape) for row in rows] == [(1, 2), (1, 7)]
    assert all(torch.equal(a, b) for a, b in zip(rows, rows_of(model, [2, 7]), strict=True))
    assert not torch.equal(rows[1], rows_of(model, [2, 7], seed=1)[1])


def mixed(model, tokenizer):
    """One fixed mixture, as a design that dispatches nothing ships it."""
    held = expert_set(model, tokenizer)
    return replace(held, names=("mixture",), deltas=held.deltas[:1], mixture=torch.ones(1), dispatcher=None)


@pytest.mark.parametrize("kind", FOLDERS)
def test_a_fixed_mixture_of_experts_becomes_part_of_the_weights(kind, tmp_path):
    """Beside weights in full precision: where nothing else is rounded, the logits are those of the folder."""
    base = FOLDERS[kind](tmp_path / "base")
    bare, _ = load_plain(base)
    (base / EXPERTS).write_bytes(to_bytes(mixed(*load_model(base))))
    (folded, _), turned = load_plain(base), load_model(base)[0].eval()
    assert not hasattr(folded, "experts")
    rows = rows_of(folded, [2, 9])
    for ours, theirs, before in zip(*(logits_of(one, rows) for one in (folded, turned, bare)), strict=True):
        size = theirs.abs().max()
        assert (ours - theirs).abs().max() / size < 1e-4  # float32 sums in another order
        assert (before - theirs).abs().max() / size > 1e-2


@pytest.mark.equation("transformer2", "3.2a", oracle="closed form")
def test_a_folded_weight_is_the_product_of_the_turned_singular_values(tmp_path):
    """By hand, in float64: U diag(S z) V^T where the rank is full."""
    base = llama(tmp_path / "base")
    held = mixed(*load_model(base))
    weights = {name: load_model(base)[0].get_submodule(name).weight.double() for name in held.ranks}
    (base / EXPERTS).write_bytes(to_bytes(held))
    folded, _ = load_plain(base)
    deltas = held.deltas[0].double().split(list(held.ranks.values()))
    for (name, weight), delta in zip(weights.items(), deltas, strict=True):
        U, S, Vh = torch.linalg.svd(weight, full_matrices=False)
        expected = (U * (S * (1 + delta))) @ Vh
        torch.testing.assert_close(folded.get_submodule(name).weight.double(), expected, rtol=0, atol=1e-5)
