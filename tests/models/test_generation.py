"""`generate`, the Hugging Face way."""

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


def test_greedy_generation_is_repeated_argmax(model):
    by_hand = greedy_by_hand(model, prompt(), 9)
    assert torch.equal(model.generate(prompt(), **LENGTH), by_hand)
    assert torch.equal(model.generate(prompt(), use_cache=False, **LENGTH), by_hand)
    assert len(by_hand[:, 11:].unique()) > 3


@pytest.mark.parametrize("options", [{"recursion_steps": 1}, {"memory_enabled": False}])
def test_depth_and_memory_can_be_chosen_for_a_generation(model, options):
    by_hand = greedy_by_hand(model, prompt(), 9, **options)
    assert torch.equal(model.generate(prompt(), **options, **LENGTH), by_hand)


def test_a_left_padded_batch_generates_what_each_prompt_does_alone(model):
    short, long = prompt(1, 6), prompt(1, 11)
    pads = torch.zeros(1, 5, dtype=torch.long)
    ids = torch.cat((torch.cat((pads, short), 1), long))
    mask = torch.cat((torch.cat((pads, torch.ones_like(short)), 1), torch.ones_like(long)))
    together = model.generate(ids, attention_mask=mask, **LENGTH)
    assert torch.equal(together[0, 5:], model.generate(short, **LENGTH)[0])
    assert torch.equal(together[1], model.generate(long, **LENGTH)[0])


@pytest.mark.parametrize("beams", [3, 4])
def test_beams_are_the_same_with_and_without_a_cache(model, beams):
    options = {**LENGTH, "num_beams": beams, "num_return_sequences": 2}
    cached = model.generate(prompt(), **options)
    assert torch.equal(cached, model.generate(prompt(), use_cache=False, **options))
    assert cached.shape == (4, 20)


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
