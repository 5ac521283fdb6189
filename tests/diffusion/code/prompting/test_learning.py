"""What is asked of the net in training, and what is near in retrieval."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from bloomery.core.step import Paused
from bloomery.diffusion.code.prompting.cutting import Cutting, prepared
from bloomery.diffusion.code.prompting.drawing import Drawing
from bloomery.diffusion.code.prompting.layout import MASK_ID, OPENING, PAD_ID, SKETCH
from bloomery.diffusion.code.prompting.learning import (
    LearningConfig,
    hidden,
    learn,
    masked_loss,
    mean_cost,
    split,
)
from bloomery.diffusion.code.prompting.model import PromptModel
from bloomery.diffusion.code.prompting.retrieving import Retrieval
from bloomery.diffusion.code.tasks.catalogue import OPERATIONS
from bloomery.diffusion.code.tasks.sampling import draw

from .conftest import SURE, TINY

CONFIG = LearningConfig(steps=4, programs=2, sketches=3, checkpoint_every=2)
VOCABULARY_LOSS = 2  # sketch and program are two costs


def batch(tiny):
    return Drawing(tiny, Cutting(tiny.tokenizer), 10, 3, 5)[2]


def fresh():
    tokenizer, layouts = prepared()
    return PromptModel.fresh(tokenizer, layouts, operations=tuple(OPERATIONS), **TINY)


@torch.no_grad()
def test_a_net_that_says_nothing_pays_the_whole_vocabulary_and_one_that_knows_next_to_nothing(tiny, knowing):
    generator = torch.Generator().manual_seed(0)
    each = masked_loss(CONFIG)
    paid = float(each(tiny.net, batch(tiny), generator))  # its head starts at 0
    assert paid == pytest.approx(VOCABULARY_LOSS * math.log(tiny.net.config.vocab_size), rel=1e-5)
    assert float(each(knowing.net, batch(tiny), generator)) < 2 * 1000 * math.exp(-SURE)


def test_what_is_given_is_never_masked_and_a_share_is_blank():
    x = torch.full((4000, 20), 7)
    masked = hidden(x, 5, 0.5, torch.Generator().manual_seed(0))
    assert not masked[:, :5].any()
    share = masked[:, 5:].float().mean(1)
    assert float((share == 1).float().mean()) == pytest.approx(0.5 + 0.5 / 16, abs=0.03)
    assert float(masked[:, 5:].float().mean()) == pytest.approx(0.75, abs=0.02)


def test_the_cost_is_the_weighted_mean_of_masked_places_only():
    x = torch.tensor([[4, 5, PAD_ID, PAD_ID]])
    seen = torch.tensor([[True, True, True, False]])
    logits = torch.randn(1, 4, 9, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    asked = []

    def net(ids, **told):
        asked.append(ids)
        return logits

    masked = torch.tensor([[False, True, True, True]])
    got = mean_cost(net, {"x": x, "seen": seen}, masked, 0.3)
    p = np.exp(logits[0].numpy()) / np.exp(logits[0].numpy()).sum(-1, keepdims=True)
    nats = -np.log(p[[1, 2], [5, PAD_ID]])
    assert float(got) == pytest.approx((nats[0] + 0.3 * nats[1]) / 1.3)
    assert asked[0].tolist() == [[4, MASK_ID, MASK_ID, MASK_ID]]


def test_a_batch_is_split_into_prompts_with_sketches_and_programs(tiny):
    asked, written = split(batch(tiny))
    assert asked["x"].shape == asked["lines"].shape == (5, OPENING + SKETCH)
    assert asked["lines"][0].tolist() == [0] * OPENING + [1] * SKETCH
    assert asked["indents"][0].tolist() == [*range(OPENING), *range(SKETCH)]
    assert "condition" not in written
    assert written["x"].shape == written["seen"].shape


def test_a_run_that_was_stopped_ends_with_the_same_bits(tmp_path):
    whole, parted = fresh(), fresh()
    learn(whole, CONFIG)
    asked = iter([False, True])
    with pytest.raises(Paused, match="2 of 4"):
        learn(parted, CONFIG, folder=tmp_path, should_stop=lambda: next(asked))
    learn(parted, CONFIG, folder=tmp_path)
    pairs = zip(whole.net.state_dict().values(), parted.net.state_dict().values(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)
    assert whole.net.stack.head.weight.any()


@pytest.mark.slow
def test_a_small_net_learns_a_few_sketches(tiny):
    """It reads single operations after a minute, and puts none of it down to chance."""
    from bloomery.diffusion.code.prompting.decoding import fill

    model = PromptModel.fresh(
        *prepared(), operations=tuple(OPERATIONS), hidden_size=64, num_hidden_layers=2,
        num_attention_heads=4, intermediate_size=256,
    )  # fmt: skip
    learn(model, LearningConfig(steps=700, programs=1, sketches=32, rate=3e-3))
    prompts = ["return the sum of the numbers", "return the even numbers", "return the length of the text"]
    found = fill(model, prompts, "python", generator=torch.Generator().manual_seed(0)).canvases
    named = [model.sketches.steps(row[OPENING : OPENING + SKETCH].tolist()) for row in found]
    assert sum(one == [name] for one, name in zip(named, ["sum", "keep_even", "length"], strict=True)) >= 2


def brute_force(prompts, asked):
    """Cosine of TF-IDF of words and pairs of words, by a matrix."""

    def terms(text):
        words = text.split()
        return words + [f"{a} {b}" for a, b in pairwise(words)]

    known = sorted({term for text in prompts for term in terms(text)})
    count = np.array([[terms(text).count(term) for term in known] for text in prompts], float)
    weight = np.log((1 + len(prompts)) / (1 + (count > 0).sum(0))) + 1
    rows = count * weight
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    query = np.array([terms(asked).count(term) for term in known]) * weight
    return int((rows @ query).argmax())


def test_the_nearest_prompt_is_that_of_brute_force():
    prompts = [one.prompt.lower().replace(",", " ,") for one in draw(60, seed=1, side="train")]
    memory = Retrieval(prompts)
    for asked in [one.prompt.lower().replace(",", " ,") for one in draw(40, seed=2, side="train")]:
        assert memory.nearest(asked) == brute_force(prompts, asked)
    assert memory.nearest("nothing known") == 0
