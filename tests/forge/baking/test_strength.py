"""How far a bake has gone: measured at each amount of it, stopped or interpolated at what was asked for."""

import pytest
import torch

from bloomery.core.errors import ConfigError
from bloomery.forge.baking.strength import half_baked, interpolated, measured_by, strength_curve, weights_of
from tests.forge.baking.bakes import BAR, baked
from tests.forge.baking.promptable import TOKENIZER, llama, promptable_llama, quick, steps


def test_strength_grows_with_the_amount_of_the_bake(loud, held_out):
    model, base = loud[0], promptable_llama()
    weights = weights_of(base), weights_of(model)
    curve = strength_curve(*weights, measured_by(promptable_llama(), base, TOKENIZER, held_out))
    measured = list(curve.values())
    assert measured == sorted(measured)
    assert measured[0] == 0
    assert measured[-1] >= 1 - BAR


def test_a_half_baked_model_has_the_strength_that_was_asked_for(loud, held_out):
    model, base = loud[0], promptable_llama()
    weights = weights_of(base), weights_of(model)
    strength = measured_by(promptable_llama(), base, TOKENIZER, held_out)
    amount = half_baked(*weights, strength, 0.5)
    assert 0 < amount < 1
    below, above = (strength(interpolated(*weights, one)) for one in (amount, amount + 1 / 256))
    assert below <= 0.5 < above


def test_the_ends_of_an_interpolation_are_the_two_models_to_the_bit():
    base, other = weights_of(llama(0)), weights_of(llama(1))
    assert all(torch.equal(tensor, base[name]) for name, tensor in interpolated(base, other, 0.0).items())
    assert all(torch.equal(tensor, other[name]) for name, tensor in interpolated(base, other, 1.0).items())
    with pytest.raises(ConfigError, match=r"from 0 to 1, got 1\.5"):
        interpolated(base, other, 1.5)


def test_more_strength_than_the_bake_has_is_refused():
    base = {"w": torch.zeros(1)}
    with pytest.raises(ConfigError, match=r"strength of 0\.300, less than 0\.5: bake longer"):
        half_baked(base, {"w": torch.ones(1)}, lambda weights: 0.3 * float(weights["w"]), 0.5)


def test_a_bake_stops_early_at_the_strength_that_was_asked_for(tmp_path, loud):
    found = baked(tmp_path, promptable_llama(), config=quick(strength=0.5), fitting=steps(evaluate_every=2))
    assert found.steps < loud[1].steps
    assert 0.5 <= found.residual.strength < loud[1].residual.strength
