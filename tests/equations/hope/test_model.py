"""HopeForCausalLM's levels, which learn in context; what all models do is in `test_causal_models.py`."""

import pytest
import torch

from bloomery.models.configuration_hope import MIXERS, HopeConfig
from tests.models.causal_models import HOPE, hope, ids

IN_CONTEXT = HOPE["hope in context"]


@torch.no_grad()
def changed_levels(model, rows: int, steps: int) -> list[torch.Tensor]:
    """How far each level's up weights have moved from their beginning, by row, in the first layer."""
    state = model(ids(rows, steps)).past_key_values.states[0].state
    pairs = zip(state.levels, model.layers[0].cms.initial(), strict=True)
    return [(up - first).flatten(1).norm(dim=1) for (up, _), (first, _) in pairs]


def test_a_level_moves_by_the_gradient_of_the_chunks_since_it_last_moved():
    """After four tokens the fast level (chunk 4) has moved by its rate times the gradient of their loss."""
    model, text = hope(**IN_CONTEXT), ids(1, 4)
    plain = hope(memory_chunk=6)
    plain.load_state_dict(model.state_dict())
    loss = plain(text, labels=text).loss * 3  # the mean over three tokens, as their sum
    loss.backward()
    state = model(text).past_key_values.states[0].state
    up = plain.layers[0].cms.up
    expected = up[1].weight - 0.01 * up[1].weight.grad
    torch.testing.assert_close(state.levels[1][0][0], expected.detach(), atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(state.levels[0][0][0], up[0].weight.detach(), atol=0, rtol=0)
    torch.testing.assert_close(state.gathered[0][0][0], 0.02 * up[0].weight.grad, atol=1e-6, rtol=1e-6)


def test_levels_move_when_their_chunk_is_full_and_rows_move_apart():
    model = hope(**IN_CONTEXT)
    has_moved = {
        steps: [float(one.max()) > 0 for one in changed_levels(model, 2, steps)] for steps in (3, 4, 7, 8)
    }
    nested = {3: [False, False], 4: [False, True], 7: [False, True], 8: [True, False]}  # begun anew at 8
    assert has_moved == nested
    one, other = changed_levels(model, 2, 8)[0]
    assert abs(one - other) > 1e-6
    torch.testing.assert_close(changed_levels(model, 1, 8)[0][0], changed_levels(model, 2, 8)[0][0])


@pytest.mark.parametrize("mixer", MIXERS)
def test_levels_learn_in_inference_mode_too(mixer):
    """To the bit what they learn without gradients, though in that mode itself none can be taken."""
    model = hope(mixer=mixer, memory_chunk=6, cms_rates=[0.02, 0.01])
    found = {}
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            cache = model.new_cache()
            parts = [model(part, past_key_values=cache).logits for part in ids().split([3, 7, 3], dim=1)]
            found[mode] = torch.cat(parts, dim=1)
    assert torch.equal(found[torch.inference_mode], found[torch.no_grad])
    assert not torch.equal(found[torch.no_grad], hope(mixer=mixer, memory_chunk=6)(ids()).logits)


def test_learning_in_context_helps_on_a_text_that_repeats():
    """Sixteen tokens, four times over: with moving levels the last time round is less of a surprise."""
    text = ids(1, 16).repeat(1, 4)
    surprise = {}
    for rates in ([0.0, 0.0], [0.02, 0.02]):
        model = hope(cms_rates=rates).eval()
        logits = model(text, use_cache=False).logits[0, -17:-1]
        surprise[rates[0]] = torch.nn.functional.cross_entropy(logits, text[0, -16:]).item()
    assert surprise[0.02] < 0.9 * surprise[0.0]


def test_second_order_training_sees_through_the_moves():
    """The slope of the loss in a level's beginning against central differences; first order misses it."""
    slopes = {}
    for second in (True, False):
        model = hope(memory_chunk=3, cms_rates=[0.05, 0.05], second_order=second).train()
        weight, text = model.layers[0].cms.up[0].weight, ids(2, 14)
        way = torch.randn(weight.shape, generator=torch.Generator().manual_seed(3), dtype=weight.dtype)
        model(text, labels=text).loss.backward()
        slopes[second] = float((weight.grad * way).sum())
    losses = []
    for step in (1e-4, -1e-4):
        with torch.no_grad():
            weight.add_(step * way)
            logits = model(text).logits[:, :-1].flatten(0, 1)
            losses.append(torch.nn.functional.cross_entropy(logits, text[:, 1:].flatten()).item())
            weight.sub_(step * way)
    difference = (losses[0] - losses[1]) / 2e-4
    assert slopes[True] == pytest.approx(difference, rel=1e-4)
    assert abs(slopes[False] - difference) > 1e-3 * abs(difference)


def test_levels_that_learn_refuse_padding_and_embeddings():
    model = hope(**IN_CONTEXT)
    with pytest.raises(ValueError, match="without padding"):
        model(ids(), attention_mask=torch.tensor([[0] + [1] * 12, [1] * 13]))
    with pytest.raises(ValueError, match="without padding"):
        model(inputs_embeds=model.embedding(ids()))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"mixer": "lstm"}, "self_modifying, attention"),
        ({"cms_rates": [0.1]}, "1 cms_rates for 2 cms_chunks"),
        ({"cms_chunks": [1, 2], "cms_rates": [0.1, 0.1]}, "2 tokens or more"),
    ],
)
def test_a_config_that_fits_nothing_is_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        HopeConfig(**wrong)
