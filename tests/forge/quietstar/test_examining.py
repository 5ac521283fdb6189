"""Thoughts examined on a model that thinks, against the same done one example at a time by `generate`."""

import math
from dataclasses import replace

import pytest
import torch

from bloomery.core.errors import ConfigError, FormatRefused
from bloomery.forge.exams import TaskExam, exams
from bloomery.forge.folders import load_model
from bloomery.forge.quietstar.conditions import CONDITIONS
from bloomery.forge.quietstar.examining import examine, generated, own_accuracy, think
from bloomery.forge.quietstar.tokens import thought_ids
from bloomery.tasks.accuracy import accuracy
from bloomery.tasks.tokenizer import train_tokenizer
from tests.forge.quietstar.planted import config, small_llama

TOKENS = 32


@pytest.fixture(scope="module")
def pair(planted):
    model, tokenizer = load_model(planted.folder("model"))
    return model.eval(), tokenizer


@pytest.fixture(scope="module")
def exam():
    (found,) = exams(config().mixture, config().exam, "selection").values()
    return TaskExam(found.task, found.examples[:24])


@pytest.fixture(scope="module")
def examined(pair, exam):
    return examine(*pair, exam, tokens=TOKENS, seed=1)


def one_by_one(pair, ids, most, ends):
    """What greedy decoding adds, without padding or batches."""
    model, tokenizer = pair
    given = torch.tensor([ids])
    return model.generate(
        input_ids=given, attention_mask=torch.ones_like(given), do_sample=False, max_new_tokens=most,
        pad_token_id=tokenizer.pad_token_id, eos_token_id=ends,
    )[0, len(ids) :].tolist()  # fmt: skip


@pytest.fixture(scope="module")
def by_hand(pair, exam):
    """Thought, last value, and written answer of each example, found alone."""
    tokenizer = pair[1]
    start, end = thought_ids(tokenizer)
    eos = tokenizer.eos_token_id
    rows = []
    for example in sorted(exam.examples, key=lambda one: len(one.prompt)):
        ids = [*tokenizer.encode(example.prompt), start]
        thought = [one for one in one_by_one(pair, ids, TOKENS, [end, eos]) if one not in (end, eos)]
        answer = one_by_one(pair, [*ids, *thought, end], 4, [eos])
        rows.append((example, [*ids], thought, tokenizer.decode(answer)))
    return rows


@pytest.mark.slow
def test_right_after_its_own_thought_is_what_one_by_one_generation_writes(examined, by_hand):
    right = [answer == f"{example.answer}<|eos|>" for example, _, _, answer in by_hand]
    assert examined.right["own"] == right
    assert 0 < sum(right) < len(right)  # else this would show little
    assert examined.accuracy["own"].rate == sum(right) / len(right)


def test_without_thoughts_it_is_the_usual_accuracy(examined, pair, exam):
    usual = accuracy(*pair, exam.examples, exam.task)
    assert examined.accuracy["without"] == replace(usual, likelihood=None, by_difficulty={
        level: replace(one, likelihood=None) for level, one in usual.by_difficulty.items()})  # fmt: skip


def test_coherence_is_counted_as_it_says(examined, by_hand, pair):
    model, tokenizer = pair
    _, end = thought_ids(tokenizer)
    likely, agreed = [], []
    for _, ids, thought, answer in by_hand:
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([[*ids, *thought, end]])).logits[0].double()
        picked = logits.log_softmax(-1)[len(ids) - 1 : -1]
        losses = picked.gather(1, torch.tensor([*thought, end])[:, None])
        likely.append(math.exp(float(losses.mean())))
        agreed.append(answer == tokenizer.decode(thought).split(",")[-1] + "<|eos|>")
    assert examined.coherence.agreed == sum(agreed) / len(agreed)
    assert examined.coherence.likely == pytest.approx(sum(likely) / len(likely), abs=1e-5)  # ours in float32
    assert examined.coherence.ended == 1.0
    assert examined.tokens == sum(len(thought) for _, _, thought, _ in by_hand) / len(by_hand)
    assert examined.shown[0] == (by_hand[0][0].prompt, tokenizer.decode(by_hand[0][2]))


def test_a_thought_that_is_cut_off_did_not_end(pair, exam):
    short = examine(*pair, exam, tokens=5, seed=1)
    assert (short.coherence.ended, short.tokens) == (0.0, 5.0)


def test_own_accuracy_is_that_of_the_whole_examination(examined, pair, exam):
    assert own_accuracy(*pair, exam, tokens=TOKENS) == examined.accuracy["own"].rate


def test_every_condition_is_counted_on_the_same_examples(examined, exam):
    assert set(examined.right) == set(examined.accuracy) == set(CONDITIONS)
    for condition in CONDITIONS:
        assert len(examined.right[condition]) == len(exam.examples) == examined.accuracy[condition].total
        assert sum(examined.right[condition]) == examined.accuracy[condition].correct


def test_a_model_without_the_tokens_is_refused():
    with pytest.raises(FormatRefused, match="add_thought_tokens"):
        think(small_llama(), train_tokenizer([]), [[1, 5]], tokens=4)


def test_thoughts_are_examined_on_generated_tasks_only(exam):
    assert generated({"sums": exam, "other": object()}) == {"sums": exam}
    with pytest.raises(ConfigError, match="name one in the mixture"):
        generated({"other": object()})
