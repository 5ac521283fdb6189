"""A packed folder with plain weights computes as float arithmetic on its trits does."""

import pytest
import torch

from bloomery.forge.bitnet.quantizing import quantize_folder
from bloomery.forge.exporting.plain import load_plain, logits_of, make_plain, rows_of
from bloomery.forge.folders import load_model
from bloomery.forge.settings import TernaryConfig
from bloomery.models.packed.packed_linear import PackedTernaryLinear
from tests.forge.small_folders import FOLDERS


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
