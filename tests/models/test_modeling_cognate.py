"""The whole model: losses, causality, padding, memory, halting."""

import pytest
import torch
import torch.nn.functional as F

from bloomery.models.attention import SlidingWindowAttention
from bloomery.models.configuration_cognate import cognate_tiny
from bloomery.models.modeling_cognate import CognateForCausalLM


def random_ids(batch=2, length=17, seed=1):
    return torch.randint(2, 61, (batch, length), generator=torch.Generator().manual_seed(seed))


def test_the_loss_is_the_sum_of_its_named_terms(model):
    model.train()
    output = model(random_ids(), labels=random_ids())
    torch.testing.assert_close(output.loss, sum(output.losses.values()))
    assert set(output.losses) - {"gate_entropy"} == {"language", "halting"}


def test_step_losses_are_the_cross_entropies_of_the_step_logits(model):
    model.train()
    labels = random_ids(seed=2)
    labels[:, :5] = -100
    output = model(random_ids(), labels=labels, output_step_logits=True)
    by_hand = [F.cross_entropy(s[:, :-1].flatten(0, 1), labels[:, 1:].flatten()) for s in output.step_logits]
    torch.testing.assert_close(output.step_losses, torch.stack(by_hand))
    weighted = (0.5 * by_hand[0] + 0.75 * by_hand[1] + by_hand[2]) / 2.25
    torch.testing.assert_close(output.losses["language"], weighted)


def test_a_shallow_depth_is_weighted_by_the_last_weights(make_model):
    output = make_model()(random_ids(), labels=random_ids(), recursion_steps=2)
    a, b = output.step_losses
    torch.testing.assert_close(output.losses["language"], (0.75 * a + b) / 1.75)


def test_a_loss_computed_in_parts_is_the_same(make_model, monkeypatch):
    model, ids = make_model().train(), random_ids()
    whole = model(ids, labels=ids)
    whole.loss.backward()
    gradients = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    model.halting.correct_ema.fill_(0.5)
    monkeypatch.setattr("bloomery.models.modeling_cognate.LOGITS_AT_ONCE", 61 * 3 * 5)  # five tokens at once
    parts = model(ids, labels=ids)
    parts.loss.backward()
    torch.testing.assert_close(parts.loss, whole.loss)
    for p, g in zip(model.parameters(), gradients, strict=True):
        torch.testing.assert_close(p.grad, g, atol=1e-6, rtol=1e-4)  # sums in another order


def test_a_batch_without_labels_has_no_loss_and_a_finite_gradient(make_model):
    model = make_model().train()
    output = model(random_ids(), labels=torch.full((2, 17), -100))
    output.loss.backward()
    assert output.losses["language"].isnan()
    assert output.losses["halting"].isnan()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("steps", [1, 3])
def test_a_later_token_changes_no_earlier_logit_to_the_bit(model, steps):
    ids = random_ids()
    before = model(ids, recursion_steps=steps).logits
    for position in (3, 8, 16):
        changed = ids.clone()
        changed[:, position] = (changed[:, position] + 7) % 59 + 2
        after = model(changed, recursion_steps=steps).logits
        assert torch.equal(after[:, :position], before[:, :position])
        assert not torch.equal(after[:, position:], before[:, position:])


def test_a_later_token_changes_no_earlier_logit_in_training(model):
    model.train()
    ids = random_ids()
    changed = ids.clone()
    changed[:, 9] = (changed[:, 9] + 7) % 59 + 2
    assert torch.equal(model(changed).logits[:, :9], model(ids).logits[:, :9])


def halves_halt(model, ids):
    """Sets the threshold so that half of the tokens halt after the first step, none of them by a hair."""
    q = model(ids, recursion_steps=1).halt_probabilities.flatten().sort().values
    middle = len(q) // 2
    gap = q[1:].sub(q[:-1])[middle - 3 : middle + 3].argmax() + middle - 3
    model.config.halt_threshold = q[gap : gap + 2].mean().item()
    taken = model(ids).steps_taken.unique()
    assert len(taken) > 1
    return model


def test_a_later_token_changes_no_earlier_logit_where_tokens_halt(model):
    ids = random_ids()
    halves_halt(model, ids)
    before = model(ids)
    for position in (3, 8, 16):
        changed = ids.clone()
        changed[:, position] = (changed[:, position] + 7) % 59 + 2
        after = model(changed)
        assert torch.equal(after.steps_taken[:, :position], before.steps_taken[:, :position])
        # dropping other rows changes the kernels' shapes and with them the last bits
        torch.testing.assert_close(after.logits[:, :position], before.logits[:, :position], atol=1e-5, rtol=0)


def padded(ids, pads):
    left = torch.zeros(len(ids), pads, dtype=torch.long)
    return torch.cat((left, ids), 1), torch.cat((left, torch.ones_like(ids)), 1)


@pytest.mark.parametrize("halting", [False, True])
def test_left_padding_changes_nothing(model, halting):
    model.double()  # rounding aside, which the recursion amplifies to 4e-5 in float32
    ids = random_ids()
    halves_halt(model, ids)
    steps = None if halting else 3
    wide, mask = padded(ids, 5)
    alone, among = model(ids, recursion_steps=steps), model(wide, attention_mask=mask, recursion_steps=steps)
    torch.testing.assert_close(among.logits[:, 5:], alone.logits, atol=1e-10, rtol=0)
    assert torch.equal(among.steps_taken[:, 5:], alone.steps_taken)
    if alone.gate_mean is not None:
        torch.testing.assert_close(among.gate_mean, alone.gate_mean, atol=1e-10, rtol=0)
        torch.testing.assert_close(among.gate_entropy, alone.gate_entropy, atol=1e-10, rtol=0)


def test_a_row_is_scored_alike_alone_and_beside_a_longer_one(model):
    model.double()
    short, long = random_ids(1, 9, seed=3), random_ids(1, 17, seed=4)
    wide, mask = padded(short, 8)
    mask = torch.cat((mask, torch.ones_like(long)))
    together = model(torch.cat((wide, long)), attention_mask=mask, recursion_steps=3).logits
    torch.testing.assert_close(together[0, 8:], model(short, recursion_steps=3).logits[0], atol=1e-10, rtol=0)
    torch.testing.assert_close(together[1], model(long, recursion_steps=3).logits[0], atol=1e-10, rtol=0)


def test_no_batch_leaves_a_trace_in_the_next(model):
    ids = random_ids()
    fresh = model(ids).logits
    model(random_ids(seed=9))
    assert torch.equal(model(ids).logits, fresh)


def test_training_leaves_no_memory_behind_either(make_model):
    model = make_model().train()
    ids = random_ids()
    with torch.no_grad():
        fresh = model(ids).logits
        model(random_ids(seed=9), labels=random_ids(seed=9))
        assert torch.equal(model(ids).logits, fresh)


def test_memory_reaches_beyond_the_window_and_attention_does_not(make_model):
    ids = random_ids(1, 60)
    changed = ids.clone()
    changed[0, 1] = (changed[0, 1] + 7) % 59 + 2
    moved = {}
    for kind in ("titans", "exponential", "none"):
        # 3 layers of window 6 see 2 * 5 back through the backbone, 5 more for each of the 3 recursion calls
        model = make_model(memory=kind)
        a, b = (model(t, recursion_steps=1).logits[0, 40] for t in (ids, changed))
        moved[kind] = (a - b).abs().max().item()
    assert moved["none"] == 0
    assert moved["titans"] > 1e-6
    assert moved["exponential"] > 1e-6


def test_without_memory_enabled_nothing_is_written(make_model):
    ids = random_ids(1, 60)
    changed = ids.clone()
    changed[0, 1] = (changed[0, 1] + 7) % 59 + 2
    for kind in ("titans", "exponential"):
        model = make_model(memory=kind)
        a, b = (model(t, recursion_steps=1, memory_enabled=False).logits[0, 40] for t in (ids, changed))
        assert torch.equal(a, b)
        assert not torch.equal(a, model(ids, recursion_steps=1).logits[0, 40])


def test_the_gate_mixes_only_layers_that_have_a_memory(make_model):
    model = make_model(memory_layers=[1])
    assert [layer.memory is not None for layer in model.layers] == [False, True]
    assert 0 < model(random_ids()).gate_mean < 1


def test_the_entropy_bonus_is_the_configured_multiple(make_model):
    output = make_model(gate_entropy=0.25)(random_ids(), labels=random_ids())
    torch.testing.assert_close(output.losses["gate_entropy"], -0.25 * output.gate_entropy)


def test_the_halting_head_learns_when_steps_are_right(make_model):
    model = make_model(memory="none", halt_weight=1.0).train()
    ids = random_ids(1, 12, seed=5)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        model(ids, labels=ids).loss.backward()
        optimizer.step()
    output = model.eval()(ids, recursion_steps=3, output_step_logits=True)
    right = torch.stack([s[:, :-1].argmax(-1) == ids[:, 1:] for s in output.step_logits], -1)
    q = output.halt_probabilities[:, :-1]
    assert right.any()
    assert q[right].mean() > 0.8  # memorised by now, and the head knows
    model.config.halt_threshold = 0.5
    assert model(ids).steps_taken.float().mean() < 2.5


def test_calibration_moves_in_training_only(make_model):
    model = make_model()
    model(random_ids(), labels=random_ids())
    assert model.halting.correct_ema.tolist() == [0.5] * 3
    model.train()
    with torch.no_grad():
        model(random_ids(), labels=random_ids())
    assert model.halting.correct_ema.tolist() == [0.5] * 3
    model(random_ids(), labels=random_ids())
    assert (model.halting.correct_ema < 0.5).all()


def test_fewer_steps_are_fewer_rows_in_the_recursion(make_model):
    model, ids = make_model(), random_ids()
    halves_halt(model, ids)
    rows = []
    model.recursion.net.feedforward.register_forward_hook(
        lambda _, given, __: rows.append(given[0][..., 0].numel())
    )
    taken = model(ids).steps_taken
    assert sum(rows) == taken.sum() * model.recursion.calls < 3 * ids.numel() * model.recursion.calls


def test_tokens_may_halt_in_training_and_the_rest_still_learns(make_model):
    model, ids = make_model(), random_ids()
    halves_halt(model, ids)
    taken = model(ids).steps_taken
    model.train()
    output = model(ids, labels=ids, halting=True)
    assert torch.equal(output.steps_taken, taken)
    output.loss.backward()
    assert [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().max() > 0] == []
    assert (model(ids, labels=ids).steps_taken == 3).all()


def test_a_bounded_depth_may_halt_below_it(make_model):
    model, ids = make_model(), random_ids()
    halves_halt(model, ids)
    bounded = model(ids, recursion_steps=2, halting=True).steps_taken
    assert torch.equal(bounded, model(ids).steps_taken.clamp(max=2))


def test_an_untrained_head_never_halts():
    torch.manual_seed(0)
    model = CognateForCausalLM(cognate_tiny()).eval()
    assert (model(random_ids()).steps_taken == 3).all()


def test_gradient_checkpointing_changes_no_gradient(model):
    ids = random_ids()
    gradients = []
    for enable in (False, True):
        model.train().zero_grad()
        if enable:
            model.gradient_checkpointing_enable()
        model(ids, labels=ids).loss.backward()
        gradients.append([p.grad.clone() for p in model.parameters()])
    assert model.gradient_checkpointing
    for a, b in zip(*gradients, strict=True):
        assert torch.equal(a, b)


def test_hidden_states_are_returned_only_where_asked(make_model):
    model, ids = make_model(), random_ids()
    assert model(ids).hidden_states is None
    assert len(model(ids, output_hidden_states=True).hidden_states) == 3


def test_only_the_asked_logits_are_computed(make_model):
    model, ids = make_model(), random_ids()
    output = model(ids, logits_to_keep=2, labels=ids)
    torch.testing.assert_close(output.logits, model(ids).logits[:, -2:])
    torch.testing.assert_close(output.loss, model(ids, labels=ids).loss)


def test_embeddings_may_be_given_instead_of_ids(make_model):
    model, ids = make_model(), random_ids()
    assert torch.equal(model(inputs_embeds=model.embedding(ids)).logits, model(ids).logits)
    with pytest.raises(ValueError, match="either input_ids or inputs_embeds"):
        model(ids, inputs_embeds=model.embedding(ids))


def test_a_depth_beyond_the_maximum_is_refused(make_model):
    with pytest.raises(ValueError, match="recursion_steps must be from 1 to 3, got 4"):
        make_model()(random_ids(), recursion_steps=4)


def test_attention_can_be_watched_in_backbone_and_recursion(make_model):
    model = make_model()
    attentions = [m for m in model.modules() if isinstance(m, SlidingWindowAttention)]
    assert len(attentions) == 3
    seen = []
    for attention in attentions:
        attention.record_max_logit = True
        attention.register_forward_hook(lambda module, *_: seen.append(module.max_logit))
    model(random_ids(), recursion_steps=3)
    assert len(seen) == 2 + 9
    assert all(s.shape == (2,) and s.isfinite().all() for s in seen)


def test_a_short_sequence_can_be_learnt(model):
    ids = random_ids(1, 12, seed=7)
    optimizer = torch.optim.Adam(model.train().parameters(), lr=1e-2)
    losses = []
    for _ in range(25):
        optimizer.zero_grad()
        output = model(ids, labels=ids)
        output.loss.backward()
        optimizer.step()
        losses.append(output.step_losses[-1].item())
    assert losses[-1] < losses[0] / 3


def test_autocast_and_half_weights_stay_near_the_exact_logits(model):
    ids = random_ids()
    exact = model(ids, recursion_steps=3).logits
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = model(ids, recursion_steps=3, labels=ids)
    mixed.loss.backward()
    half = model.to(torch.bfloat16)(ids, recursion_steps=3).logits
    assert half.dtype == torch.bfloat16
    for logits in (mixed.logits, half):  # 8 bits of mantissa through 11 blocks, logits of unit variance
        assert (logits.float() - exact).square().mean().sqrt() < 0.1
