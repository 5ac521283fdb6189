"""Swapping layers in place, on small modules and on Cognate."""

import pytest
import torch
from torch import nn

from bloomery.models.packed.converting import convert, pack_layers, set_share, ternary_layers
from bloomery.models.packed.packed_linear import PackedTernaryLinear

READ_BY_WEIGHT = ("embedding.*", "halting.*")  # Cognate multiplies these weights itself


def small():
    return nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Sequential(nn.Linear(5, 4, bias=False)))


def test_converting_keeps_the_parameters_and_their_names():
    model = small().eval()
    before = dict(model.named_parameters())
    assert convert(model) == ["0", "2.0"]
    after = dict(model.named_parameters())
    assert list(after) == list(before)
    assert all(after[name] is before[name] for name in before)
    assert not any(module.training for module in model.modules())


def test_options_reach_every_layer_and_the_share_is_set_at_once():
    model = small()
    convert(model, share=0.0, threshold=1.5, per_row=True, scaling="least_squares")
    set_share(model, 0.25)
    layers = ternary_layers(model).values()
    assert [(m.share, m.threshold, m.per_row, m.scaling) for m in layers] == [
        (0.25, 1.5, True, "least_squares")
    ] * 2


def test_a_share_of_zero_changes_no_bit():
    model, x = small(), torch.randn(3, 6)
    before = model(x)
    convert(model, share=0.0)
    assert torch.equal(model(x), before)


def test_skipped_layers_stay_as_they_were():
    model = small()
    assert convert(model, skip=["2.*"]) == ["0"]
    assert type(model[2][0]) is nn.Linear


def test_a_layer_in_two_places_stays_one_layer():
    shared = nn.Linear(3, 3)
    model = nn.Sequential(shared, nn.ReLU(), shared)
    convert(model)
    assert model[0] is model[2]
    pack_layers(model)
    assert model[0] is model[2]
    assert type(model[0]) is PackedTernaryLinear


def test_what_cannot_be_converted_is_said():
    with pytest.raises(ValueError, match=r"no linear layer is named 'head'; there are 0, 2\.0"):
        convert(small(), skip=["head"])
    with pytest.raises(ValueError, match="no linear layer inside the model"):
        convert(nn.Sequential(nn.ReLU()))
    with pytest.raises(ValueError, match="from 0 to 1, got 2"):
        convert(small(), share=2)
    model = small()
    convert(model)
    with pytest.raises(ValueError, match="from 0 to 1, got -1"):
        set_share(model, -1)


@torch.no_grad()
def test_a_packed_cognate_gives_the_logits_of_the_one_in_training(model):
    convert(model, skip=READ_BY_WEIGHT)
    ids = torch.randint(2, 61, (2, 9))
    expected, spoken = model(ids).logits, model.generate(ids, max_new_tokens=5, do_sample=False)
    pack_layers(model)
    assert not ternary_layers(model)
    assert torch.equal(model(ids).logits, expected)
    assert torch.equal(model.generate(ids, max_new_tokens=5, do_sample=False), spoken)
