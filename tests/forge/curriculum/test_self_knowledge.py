"""What a model can learn of itself, with the effect planted: the temperature at which it wrote, where that
leaves a trace, and activations that are easier to predict than those of a training without self-modelling."""

import random

import numpy as np
import pytest
import torch

from bloomery.forge.curriculum.self_model import SelfModelling, _activations, explained, fit_head
from bloomery.forge.curriculum.temperature import best_possible, written_at
from bloomery.tasks.batches import collate, row_of
from bloomery.tasks.generation import write
from tests.forge.baking.promptable import TOKENIZER, asked, control, promptable_llama, queries

LEARNT, UNSEEN = queries("train"), queries("test")


def studied(wrapped, given, steps, *, lr=3e-3, batch=32):
    rng = random.Random(0)
    optimizer = torch.optim.AdamW(wrapped.parameters(), lr=lr)
    rows = [row_of(one, TOKENIZER, 24) for one in given]
    for _ in range(steps):
        loss = wrapped(**collate(rng.choice(rows) for _ in range(batch))).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@pytest.mark.parametrize(("temperatures", "told"), [((0.3, 5.0), True), ((1.0, 1.0), False)])
def test_a_model_tells_its_temperature_of_unseen_texts_where_that_leaves_a_trace(temperatures, told):
    """120 texts; guessing is right for half of them with a standard deviation of 5: three are 15.

    119 were told, and 38 where there is nothing to tell.
    """
    model = promptable_llama()
    words = {"max_new_tokens": 3}
    learnt = written_at(model, TOKENIZER, LEARNT * 4, temperatures, seed=1, **words)
    unseen = written_at(model, TOKENIZER, UNSEEN * 10, temperatures, seed=2, **words)[:120]
    best = best_possible(model, TOKENIZER, unseen[::4], temperatures)
    studied(model, [one.example() for one in learnt], 80)
    given = [one.example() for one in unseen]
    answers = write(model.eval(), TOKENIZER, [one.prompt for one in given], max_new_tokens=2, batch_size=64)
    right = sum(answer == one.answer for answer, one in zip(answers, given, strict=True))
    assert (right > len(given) / 2 + 15) is told
    assert (best > 0.9) is told


def examples(side):
    """All that is asked on a side, with its answers."""
    given = [(kind, one) for kind in (asked, control) for one in queries(side, kind)]
    return [kind("", *one.strip("#=")) for kind, one in given]


def test_self_modelling_makes_held_out_activations_easier_to_predict_than_the_control():
    """0.020 of the variance stay unexplained, and 0.032 in the control."""
    left = {}
    for weight in (0.1, 0.0):
        wrapped = SelfModelling(promptable_llama(), layer=1, weight=weight)
        fit_head(wrapped, TOKENIZER, examples("train"))
        studied(wrapped, examples("train"), 40, lr=1e-3)
        fit_head(wrapped, TOKENIZER, examples("train"))
        left[weight] = 1 - explained(wrapped, TOKENIZER, examples("test"))
    assert 0 < left[0.1] < 0.8 * left[0.0]


def test_the_fitted_prediction_is_numpys_least_squares():
    """Up to a ridge of a millionth."""
    wrapped = SelfModelling(promptable_llama(), layer=1, weight=0.1)
    fit_head(wrapped, TOKENIZER, examples("train"))
    x, y = (tensor.numpy() for tensor in _activations(wrapped, TOKENIZER, examples("train")))
    other_x, other_y = (tensor.numpy() for tensor in _activations(wrapped, TOKENIZER, examples("test")))
    found, *_ = np.linalg.lstsq(np.hstack([x, np.ones((len(x), 1))]), y, rcond=None)
    missed = other_y - np.hstack([other_x, np.ones((len(other_x), 1))]) @ found
    expected = 1 - (missed**2).sum() / ((other_y - other_y.mean(0)) ** 2).sum()
    assert expected < 0.999
    assert explained(wrapped, TOKENIZER, examples("test")) == pytest.approx(expected, abs=1e-3)
