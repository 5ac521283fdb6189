"""`generate` with what Cognate alone can be told; what all models do is in `test_causal_models.py`."""

import pytest
import torch

LENGTH = {"max_new_tokens": 9, "min_new_tokens": 9, "pad_token_id": 0, "do_sample": False}


@pytest.fixture
def model(model):
    """In float64, so that a tie in the last bits decides no token; half of the tokens halt early."""
    model.double()
    q = model(prompt(), recursion_steps=1).halt_probabilities.flatten().sort().values
    model.config.halt_threshold = q[len(q) // 2 : len(q) // 2 + 2].mean().item()
    return model


def prompt(batch=2, length=11):
    return torch.randint(2, 61, (batch, length), generator=torch.Generator().manual_seed(1))


def greedy_by_hand(model, ids, count, **options):
    for _ in range(count):
        logits = model(ids, use_cache=False, **options).logits
        ids = torch.cat((ids, logits[:, -1:].argmax(-1)), dim=1)
    return ids


@pytest.mark.parametrize("options", [{"recursion_steps": 1}, {"memory_enabled": False}])
def test_depth_and_memory_can_be_chosen_for_a_generation(model, options):
    by_hand = greedy_by_hand(model, prompt(), 9, **options)
    assert torch.equal(model.generate(prompt(), **options, **LENGTH), by_hand)


def test_sampling_returns_many_sequences_of_one_prompt(model):
    torch.manual_seed(0)
    options = {**LENGTH, "do_sample": True, "num_return_sequences": 3}
    cached = model.generate(prompt(), **options)
    torch.manual_seed(0)
    assert torch.equal(cached, model.generate(prompt(), use_cache=False, **options))


def test_a_cache_given_by_the_user_goes_on(model):
    whole = model.generate(prompt(), **LENGTH)
    cache = model.new_cache()
    model(prompt()[:, :7], past_key_values=cache)
    assert torch.equal(model.generate(prompt(), past_key_values=cache, **LENGTH), whole)
