"""Thoughts are had where a model is unsure, looks everywhere or was surprised; the score can be reached."""

import math
from itertools import pairwise

import pytest
import torch
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel

from bloomery.core.errors import ConfigError
from bloomery.forge.quietstar.injecting import choose, difficulty, shows_attention, spaced
from bloomery.forge.quietstar.reinforcement import InjectionConfig
from bloomery.models.thinking.layout import Texts
from tests.models.thinking.small import SIZES, WORDS, cognate, llama, spread, two_texts

DEFAULT = InjectionConfig()


def blank(model):
    """All weights 0: the next token may be any, and attention is even."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    return model


def sure(model):
    """Token 5 always comes next, so surely that any other is a surprise."""

    class Sure(nn.Module):
        def forward(self, x):
            logits = x.new_zeros(*x.shape[:-1], WORDS)
            logits[..., 5] = 100.0
            return logits

    model.lm_head = Sure()
    return model


def five(length, *others):
    ids = torch.full((1, length), 5)
    ids[0, list(others)] = 7
    return Texts(ids, torch.ones_like(ids))


def test_a_model_that_knows_nothing_has_difficulty_1_everywhere_but_at_the_first_token():
    """Uniform prediction and even attention: every part is at its maximum. The first token has seen nothing
    that could foretell it, and sees itself alone."""
    texts = two_texts()
    found = difficulty(blank(llama()), texts, DEFAULT)
    expected = texts.mask.double().clone()
    expected[:, 0] = 0.4
    torch.testing.assert_close(found.score, expected.float(), rtol=0, atol=1e-5)  # summed in float32
    assert found.left_out == ()


def test_a_model_that_is_sure_and_right_has_no_entropy_and_no_loss():
    found = difficulty(sure(llama()), five(6, 3), DEFAULT)
    assert found.entropy.abs().max() < 1e-5
    assert found.loss[0].tolist() == [0, 0, 0, 1, 0, 0]  # 100 nats count as the maximum, log V


def by_hand(model, texts, row):
    """Each part from the model's own pass over one unpadded text, in float64."""
    ids = texts.ids[row : row + 1, : texts.lengths[row]]
    model.set_attn_implementation("eager")
    output = model(input_ids=ids, output_attentions=True)
    parts = []
    for i in range(ids.shape[1]):
        p = torch.softmax(output.logits[0, i].double(), -1)
        entropy = float(-(p * p.log()).sum()) / math.log(WORDS)
        loss = 0.0
        if i:
            loss = -float(torch.log_softmax(output.logits[0, i - 1].double(), -1)[ids[0, i]]) / math.log(
                WORDS
            )
        heads = [layer[0, head, i, : i + 1].double() for layer in output.attentions for head in range(2)]
        spread_out = [float(-(a * a.clamp(min=1e-300).log()).sum()) / math.log(i + 1) for a in heads if i]
        parts.append((entropy, min(loss, 1.0), sum(spread_out) / 4))
    return parts


@torch.no_grad()
@pytest.mark.parametrize("row", [0, 1])
def test_the_parts_and_their_sum_are_those_of_their_definitions(row):
    texts, model = two_texts(), llama()
    found = difficulty(model, texts, DEFAULT)
    for i, (entropy, loss, dispersion) in enumerate(by_hand(model, texts, row)):
        seen = [float(part[row, i]) for part in (found.entropy, found.loss, found.dispersion, found.score)]
        whole = 0.4 * entropy + 0.3 * dispersion + 0.3 * loss
        assert seen == pytest.approx([entropy, loss, dispersion, whole], abs=1e-5), i
    assert not found.score[row, int(texts.lengths[row]) :].any()


def test_a_model_that_shows_no_attention_is_judged_by_what_is_left_and_the_result_says_so():
    texts = two_texts()
    found = difficulty(cognate(), texts, DEFAULT)
    assert found.left_out == ("dispersion",)
    torch.testing.assert_close(found.score, (0.4 * found.entropy + 0.3 * found.loss) / 0.7)
    blank_found = difficulty(blank(cognate()), texts, DEFAULT)
    assert blank_found.score[:, 1:].max() == pytest.approx(1.0, abs=1e-5)


def test_a_score_changes_with_no_later_token():
    texts, model = two_texts(), llama()
    changed = texts.ids.clone()
    changed[:, 4] = changed[:, 4] % 17 + 1
    one, other = (difficulty(model, texts._replace(ids=ids), DEFAULT).score for ids in (texts.ids, changed))
    assert torch.equal(one[:, :4], other[:, :4])
    assert not torch.equal(one[:, 4:], other[:, 4:])


@pytest.mark.parametrize(("make", "shows"), [(llama, True), (cognate, False)])
def test_measuring_attention_leaves_the_model_as_it_was(make, shows):
    model = make()
    before = model.config._attn_implementation
    difficulty(model, two_texts(), DEFAULT)
    assert model.config._attn_implementation == before
    assert shows_attention(model) is shows


def test_another_kind_of_model_shows_its_attention_too():
    model = GPT2LMHeadModel(GPT2Config(vocab_size=WORDS, n_embd=16, n_layer=2, n_head=2, n_positions=16))
    assert SIZES["hidden_size"] == 16
    assert difficulty(spread(model), two_texts(), DEFAULT).left_out == ()


def test_thoughts_are_chosen_from_left_to_right_with_a_gap():
    score = torch.tensor([[0.7, 0.9, 0.6, 0.61, 0.1, 0.59, 0.8, 0.9], [0.1] * 8])
    spots = choose(score, DEFAULT)
    assert spots.text.tolist() == [0, 0, 0]
    assert spots.place.tolist() == [0, 3, 6]
    reached = choose(torch.tensor([[0.5, 0.25]]), InjectionConfig(threshold=0.5))
    assert reached.place.tolist() == [0]
    allowed = torch.ones_like(score, dtype=torch.bool)
    allowed[0, 0] = False
    assert choose(score, DEFAULT, allowed).place.tolist() == [1, 6]


@pytest.mark.parametrize("gap", [1, 2, 3, 5])
def test_no_choice_is_nearer_than_the_gap_and_none_that_is_far_enough_is_left(gap):
    hard = torch.rand(60, generator=torch.Generator().manual_seed(gap)) < 0.5
    places = list(spaced(hard, gap))
    assert all(b - a >= gap for a, b in pairwise(places))
    left = {int(p) for p in hard.nonzero()[:, 0]} - set(places)
    assert all(any(0 < p - chosen < gap for chosen in places) for p in left)


def test_weights_count_relative_to_one_another():
    texts, model = two_texts(), llama()
    double = InjectionConfig(entropy=0.8, dispersion=0.6, loss=0.6)
    torch.testing.assert_close(
        difficulty(model, texts, double).score, difficulty(model, texts, DEFAULT).score
    )
    only = difficulty(model, texts, InjectionConfig(dispersion=0.0, loss=0.0))
    assert torch.equal(only.score, only.entropy)


def test_weights_on_attention_alone_are_refused():
    with pytest.raises(ConfigError, match="some models show no attention"):
        InjectionConfig(entropy=0.0, loss=0.0)
