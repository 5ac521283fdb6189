"""The cache: any split of a sequence and any shuffling of rows gives what one pass gives."""

import pytest
import torch

from bloomery.models.cache_cognate import WindowLayer


def random_ids(batch, length, seed=1):
    return torch.randint(2, 61, (batch, length), generator=torch.Generator().manual_seed(seed))


def spread(model, ids):
    """Half of the tokens halt after the first step, none of them by a hair."""
    q = model(ids, recursion_steps=1).halt_probabilities.flatten().sort().values
    middle = len(q) // 2
    gap = q[1:].sub(q[:-1])[middle - 3 : middle + 3].argmax() + middle - 3
    model.config.halt_threshold = q[gap : gap + 2].mean().item()


@pytest.mark.parametrize("split", [[1] * 17, [9, 1, 1, 6], [5, 12], [2, 3, 12]])
@pytest.mark.parametrize("steps", [None, 2])
def test_a_sequence_in_pieces_gives_the_logits_of_the_whole(model, split, steps):
    model.double()
    ids = random_ids(2, 17)
    spread(model, ids)
    whole = model(ids, recursion_steps=steps, use_cache=False)
    cache, logits, taken = model.new_cache(), [], []
    for piece in ids.split(split, dim=1):
        output = model(piece, past_key_values=cache, recursion_steps=steps)
        logits.append(output.logits)
        taken.append(output.steps_taken)
    torch.testing.assert_close(torch.cat(logits, 1), whole.logits, atol=1e-10, rtol=0)
    assert torch.equal(torch.cat(taken, 1), whole.steps_taken)
    assert cache.get_seq_length() == 17


def test_padding_is_remembered_between_calls(model):
    model.double()
    ids = random_ids(1, 12)
    pads = torch.zeros(1, 4, dtype=torch.long)
    mask = torch.cat((pads, torch.ones_like(ids)), 1)
    whole = model(ids, recursion_steps=3, use_cache=False).logits
    cache = model.new_cache()
    model(
        torch.cat((pads, ids[:, :2]), 1), attention_mask=mask[:, :6], past_key_values=cache, recursion_steps=3
    )
    rest = model(ids[:, 2:], past_key_values=cache, recursion_steps=3).logits
    torch.testing.assert_close(rest, whole[:, 2:], atol=1e-10, rtol=0)


SHUFFLES = {  # how rows 0, 1, 2 end up, by each way that generation has of moving rows
    "reorder_cache": (torch.tensor([2, 0, 0]), [2, 0, 0]),
    "batch_repeat_interleave": (2, [0, 0, 1, 1, 2, 2]),
    "batch_select_indices": (torch.tensor([2, 0]), [2, 0]),
}


@pytest.mark.parametrize("steps", [None, 3])
@pytest.mark.parametrize("shuffle", SHUFFLES)
def test_rows_may_be_reordered_repeated_and_dropped(model, steps, shuffle):
    model.double()
    ids, how, rows = random_ids(3, 7), *SHUFFLES[shuffle]
    spread(model, ids)
    mask = torch.ones_like(ids)
    mask[0, :3] = 0  # each row its own padding, within the window still
    mask[1, :1] = 0
    tail = random_ids(len(rows), 5, seed=2)
    cache = model.new_cache()
    model(ids, attention_mask=mask, past_key_values=cache, recursion_steps=steps)
    getattr(cache, shuffle)(how)
    after = model(tail, past_key_values=cache, recursion_steps=steps).logits
    whole = model(
        torch.cat((ids[rows], tail), 1), attention_mask=torch.cat((mask[rows], torch.ones_like(tail)), 1),
        recursion_steps=steps, use_cache=False,
    ).logits  # fmt: skip
    torch.testing.assert_close(after, whole[:, 7:], atol=1e-10, rtol=0)


def test_rows_may_be_selected_by_a_mask(make_model):
    model = make_model()
    ids = random_ids(3, 7)
    by_mask, by_number = (model(ids).past_key_values for _ in range(2))
    by_mask.batch_select_indices(torch.tensor([True, False, True]))
    by_number.batch_select_indices(torch.tensor([0, 2]))
    a, b = (model(random_ids(2, 3), past_key_values=c).logits for c in (by_mask, by_number))
    assert torch.equal(a, b)


def test_the_window_bounds_what_is_kept(model):
    cache = model.new_cache()
    for _ in range(3):
        model(random_ids(1, 10), past_key_values=cache)
    assert {layer.keys.shape[-2] for layer in cache.layers} == {5}  # the window of 6 without the next token
    assert cache.valid.shape == (1, 5)
    assert cache.get_seq_length() == 30


def test_a_cache_that_was_reset_is_new(model):
    ids, cache = random_ids(2, 9), model.new_cache()
    model(random_ids(2, 7, seed=3), past_key_values=cache)
    cache.reset()
    assert cache.get_seq_length() == 0
    assert torch.equal(model(ids, past_key_values=cache).logits, model(ids).logits)


def test_an_empty_cache_takes_any_shuffling():
    layer = WindowLayer(4)
    layer.reorder_cache(torch.tensor([1, 0]))
    layer.batch_repeat_interleave(3)
    assert layer.keys is None
    assert layer.get_seq_length() == 0


def test_a_memory_cannot_be_cropped(make_model):
    model = make_model()
    cache = model(random_ids(1, 4)).past_key_values
    with pytest.raises(NotImplementedError, match="cannot unread"):
        cache.crop(-1)
    assert not cache.is_croppable


def test_training_and_loss_make_no_cache(make_model):
    model, ids = make_model(), random_ids(1, 4)
    assert model(ids, labels=ids).past_key_values is None
    assert model(ids, use_cache=False).past_key_values is None
    assert model(ids).past_key_values.get_seq_length() == 4
    assert model.train()(ids).past_key_values is None
