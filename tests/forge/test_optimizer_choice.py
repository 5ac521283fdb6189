import pytest
from torch import nn

from bloomery.forge.fitting import make_optimizer
from bloomery.forge.settings import FitConfig


@pytest.mark.parametrize("optimizer", ["adamw", "muon_grokfast"])
def test_norms_and_biases_do_not_decay_whatever_takes_the_steps(optimizer):
    model = nn.Sequential(nn.Embedding(9, 8), nn.Linear(8, 8), nn.LayerNorm(8))
    groups = make_optimizer(model, FitConfig(steps=1, optimizer=optimizer)).param_groups
    decays = {id(p): group["weight_decay"] for group in groups for p in group["params"]}
    assert {name: decays[id(p)] for name, p in model.named_parameters()} == {
        "0.weight": 0.05, "1.weight": 0.05, "1.bias": 0.0, "2.weight": 0.0, "2.bias": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize("optimizer", ["adamw", "muon_grokfast"])
def test_frozen_weights_are_not_stepped(optimizer):
    model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8))
    model[0].requires_grad_(requires_grad=False)
    groups = make_optimizer(model, FitConfig(steps=1, optimizer=optimizer)).param_groups
    stepped = {id(p) for group in groups for p in group["params"]}
    assert stepped == {id(p) for p in model[1].parameters()}
