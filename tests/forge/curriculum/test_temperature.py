"""Temperature self-prediction: what is asked, and the best that can be known, against enumeration."""

import random

import pytest
import torch

from bloomery.forge.curriculum.temperature import MARK, Written, best_possible, written_at
from bloomery.tasks.tokenizer import begin, encode
from tests.forge.curriculum.pupils import TOKENIZER, pupil

TEMPERATURES = (0.5, 2.0, 8.0)


@pytest.fixture(scope="module")
def model():
    return pupil(30)


def test_every_temperature_writes_equally_often_and_is_the_answer(model):
    found = written_at(model, TOKENIZER, ["1+0+1="] * 9, TEMPERATURES, max_new_tokens=3, seed=1)
    assert sorted(one.place for one in found) == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    for one in found:
        example = one.example()
        assert example.answer == str(one.place)
        assert example.prompt == f"1+0+1={one.text}{MARK}"


def test_the_best_possible_is_that_of_enumeration(model):
    """Of one token after one prompt: the mean over p(token) of the largest posterior, by all 259 tokens.

    600 texts estimate it; the estimate's standard deviation is below 0.5 / sqrt(600) = 0.02.
    """
    prompt = "1+0+1+1="
    with torch.no_grad():
        logits = (
            model.eval()(
                input_ids=torch.tensor([begin(TOKENIZER) + encode(TOKENIZER, prompt)]), use_cache=False
            )
            .logits[0, -1]
            .double()
        )
    p = torch.stack([(logits / temperature).softmax(0) for temperature in TEMPERATURES])
    exact = float(p.max(0).values.sum() / len(TEMPERATURES))
    assert 0.4 < exact < 0.95  # neither chance nor certainty
    texts = written_at(model, TOKENIZER, [prompt] * 600, TEMPERATURES, max_new_tokens=1, seed=3)
    assert best_possible(model, TOKENIZER, texts, TEMPERATURES) == pytest.approx(exact, abs=0.06)


def test_equal_temperatures_cannot_be_told_apart(model):
    texts = [Written("1+1=", (20, 30, 2), "", random.Random(0).randrange(2))]
    assert best_possible(model, TOKENIZER, texts, (1.0, 1.0)) == pytest.approx(0.5)
