import math
import random
from types import SimpleNamespace

import pytest
import torch
from scipy.stats import binomtest
from torch import nn

from bloomery.core.errors import ConfigError, FormatRefused
from bloomery.tasks.accuracy import accuracy
from bloomery.tasks.batches import collate, row_of
from bloomery.tasks.registry import task
from bloomery.tasks.splitting import examples, split

from .conftest import tiny_llama

SUMS = task("chained_sums")


class Oracle(nn.Module):
    """Predicts the token after each, except where `spoil` says so; a token's steps are its position."""

    def __init__(self, spoil=lambda ids: False):
        super().__init__()
        self.config = SimpleNamespace(vocab_size=259)
        self.weight = nn.Parameter(torch.zeros(1))
        self.spoil, self.options, self.modes = spoil, [], []

    def forward(self, input_ids, attention_mask, use_cache, **options):
        self.options.append(options)
        self.modes.append((self.training, torch.is_grad_enabled()))
        following = torch.roll(input_ids, -1, dims=1)
        for row, ids in enumerate(input_ids):
            if self.spoil(ids[attention_mask[row].bool()].tolist()):
                following[row] = 5
        steps = torch.arange(input_ids.shape[1]).expand_as(input_ids)
        return SimpleNamespace(logits=nn.functional.one_hot(following, 259).float(), steps_taken=steps)


@pytest.fixture(scope="module")
def shown():
    return examples(SUMS, "test", count=60, seed=0, difficulties=[3, 5, 8])


def test_a_model_that_knows_every_answer_scores_one(tokenizer, shown):
    measured = accuracy(Oracle(), tokenizer, shown, SUMS, batch_size=7)
    assert (measured.correct, measured.total, measured.rate) == (60, 60, 1.0)
    assert measured.above_chance


def test_right_answers_are_counted_overall_and_by_difficulty(tokenizer, shown):
    wrong = {one.prompt for one in shown[::4]}
    seen = lambda ids: tokenizer.decode(ids[1:]).split("=")[0] + "=" in wrong  # noqa: E731
    measured = accuracy(Oracle(seen), tokenizer, shown, SUMS, batch_size=9)
    assert measured.correct == 45
    for level, part in measured.by_difficulty.items():
        of_level = [one for one in shown if one.difficulty == level]
        assert part.total == len(of_level) == 20
        assert part.correct == sum(one.prompt not in wrong for one in of_level)
        assert part.chance == pytest.approx(SUMS.chance(level))
    expected = binomtest(45, 60).proportion_ci(method="wilson")
    assert (measured.low, measured.high) == pytest.approx((expected.low, expected.high))
    assert measured.chance == pytest.approx(sum(SUMS.chance(d) for d in (3, 5, 8)) / 3)
    assert str(measured).startswith("chained_sums v1: 0.750 [0.628, 0.842] (45/60, chance 0.0")


def test_steps_are_averaged_over_real_tokens_and_over_the_answers(tokenizer):
    shown = [SUMS.example(random.Random(0), level) for level in (2, 4)]
    measured = accuracy(Oracle(), tokenizer, shown, SUMS)
    for one in shown:
        part = measured.by_difficulty[one.difficulty]
        prompt, answer = 1 + len(one.prompt), len(one.answer) + 1
        assert part.steps == pytest.approx(sum(range(prompt + answer)) / (prompt + answer))
        assert part.answer_steps == pytest.approx(sum(range(prompt - 1, prompt + answer - 1)) / answer)


def test_likelihood_in_closed_form(tokenizer, shown):
    """One-hot logits over 259 tokens: the one has probability e/(e+258), every other 1/(e+258)."""
    wrong = {one.prompt for one in shown[::4]}
    seen = lambda ids: tokenizer.decode(ids[1:]).split("=")[0] + "=" in wrong  # noqa: E731
    hit, miss = math.e / (math.e + 258), 1 / (math.e + 258)
    assert accuracy(Oracle(), tokenizer, shown, SUMS).likelihood == pytest.approx(hit, rel=1e-5)  # float32
    measured = accuracy(Oracle(seen), tokenizer, shown, SUMS, batch_size=9)
    assert measured.likelihood == pytest.approx((45 * hit + 15 * miss) / 60, rel=1e-5)


def test_likelihood_is_that_of_the_answer_and_its_end_one_by_one(tokenizer, llama, shown):
    """Each example alone, in float64: the mean log-probability of the answer's tokens and the end."""

    def alone(one):
        prompt, answer = (
            tokenizer.encode(text, add_special_tokens=False) for text in (one.prompt, one.answer)
        )
        ids = [tokenizer.bos_token_id, *prompt, *answer, tokenizer.eos_token_id]
        logits = llama(torch.tensor([ids])).logits[0].double().log_softmax(-1)
        start = 1 + len(prompt)
        return math.exp(
            sum(float(logits[t - 1, ids[t]]) for t in range(start, len(ids))) / (len(ids) - start)
        )

    with torch.no_grad():
        expected = sum(alone(one) for one in shown) / len(shown)
    measured = accuracy(llama, tokenizer, shown, SUMS, batch_size=11)
    assert measured.likelihood == pytest.approx(expected, rel=1e-5)  # float32 logits


def test_forward_options_reach_the_model_and_its_mode_is_put_back(tokenizer, shown):
    model = Oracle().train()
    accuracy(model, tokenizer, shown[:3], SUMS, recursion_steps=2)
    assert model.options == [{"recursion_steps": 2}]
    assert model.modes == [(False, False)]
    assert model.training


def test_a_model_without_steps_has_none(tokenizer, llama, shown):
    measured = accuracy(llama, tokenizer, shown, SUMS)
    assert measured.steps is None
    assert measured.correct == 0


def train_a_little(model, tokenizer, shown, steps=80):
    torch.manual_seed(0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    batch = collate(row_of(one, tokenizer, 40) for one in shown)
    for _ in range(steps):
        loss = model(**batch).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


def generated(model, tokenizer, example):
    prompt = tokenizer(example.prompt, return_tensors="pt")
    ids = model.generate(**prompt, do_sample=False, max_new_tokens=8)[
        0, prompt["input_ids"].shape[1] :
    ].tolist()
    ended = ids[: ids.index(tokenizer.eos_token_id)] if tokenizer.eos_token_id in ids else [*ids, 0]
    return tokenizer.decode(ended)


def test_one_forward_decides_as_generate_does(tokenizer):
    """A half-trained model, so that some are right and some wrong; the reference is `generate` one by one."""
    subject = task("chained_sums", largest=4)
    train, test = split(subject, seed=0, train=32, test=12, difficulties=[3, 4])
    model = train_a_little(tiny_llama(), tokenizer, train)
    shown = train[:16] + test
    right = [generated(model, tokenizer, one) == one.answer for one in shown]
    assert 0 < sum(right) < len(shown)
    for size in (1, 5, 28):
        assert accuracy(model, tokenizer, shown, subject, batch_size=size).correct == sum(right)
    each = [accuracy(model, tokenizer, [one], subject).correct == 1 for one in shown]
    assert each == right


def test_no_examples_is_an_error_not_an_accuracy_of_zero(tokenizer, llama):
    with pytest.raises(ConfigError, match="no examples"):
        accuracy(llama, tokenizer, [], SUMS)


def test_a_tokenizer_of_another_model_is_refused(tokenizer, shown):
    with pytest.raises(FormatRefused, match="not a pair"):
        accuracy(tiny_llama(128), tokenizer, shown, SUMS)
