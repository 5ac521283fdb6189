import os
import subprocess
import sys
from collections import Counter

import pytest
import torch

from bloomery.core.errors import ConfigError, UnknownName
from bloomery.tasks.batches import collate
from bloomery.tasks.mixture import ExampleRows, Ingredient, PackedText, mixture
from bloomery.tasks.splitting import side_of
from bloomery.tasks.task import Example
from bloomery.tasks.tokenizer import encode

TASKS = {
    "recall": Ingredient(weight=3, difficulties=(2, 4)),
    "parity": Ingredient(weight=1, difficulties=(6,)),
    "needle": 0.0,
}


@pytest.fixture
def mixed(tokenizer):
    return mixture(TASKS, tokenizer, seq_len=24, seed=3, length=2000)


def test_an_item_depends_on_seed_and_index_alone(mixed, tokenizer):
    again = mixture(TASKS, tokenizer, seq_len=24, seed=3, length=10**9)
    for index in (5, 0, 1999):
        for name, tensor in mixed[index].items():
            assert torch.equal(tensor, again[index][name])
    other = mixture(TASKS, tokenizer, seq_len=24, seed=4, length=2000)
    assert [other.example(i) for i in range(9)] != [mixed.example(i) for i in range(9)]


def test_labels_are_the_answer_and_eos_and_nothing_else(mixed, tokenizer):
    for index in range(50):
        example, item = mixed.example(index), mixed[index]
        answer = [*encode(tokenizer, example.answer), tokenizer.eos_token_id]
        prompt = [tokenizer.bos_token_id, *encode(tokenizer, example.prompt)]
        used = len(prompt) + len(answer)
        assert item["input_ids"].tolist() == prompt + answer + [tokenizer.pad_token_id] * (24 - used)
        assert item["labels"].tolist() == [-100] * len(prompt) + answer + [-100] * (24 - used)
        assert item["attention_mask"].tolist() == [1] * used + [0] * (24 - used)


def test_weights_and_difficulties_are_kept(mixed):
    """Six hundred draws; five standard errors around three quarters."""
    drawn = [mixed.example(i) for i in range(600)]
    recalled = [one for one in drawn if "?" in one.prompt]
    assert abs(len(recalled) - 450) < 5 * (600 * 3 / 16) ** 0.5
    assert set(Counter(one.difficulty for one in recalled)) == {2, 4}
    assert not any("#" in one.prompt for one in drawn)


def test_held_out_prompts_are_never_trained_on(mixed):
    assert {side_of(mixed.example(i).prompt) for i in range(500)} == {"train"}


PRINT_ITEMS = """
from bloomery.tasks.mixture import mixture
from bloomery.tasks.tokenizer import train_tokenizer
mixed = mixture({"sorting": 1.0, "chained_sums": 2.0}, train_tokenizer([]), seq_len=120, seed=1)
print([mixed[i]["input_ids"].tolist() for i in (0, 7, 10**9)])
"""


@pytest.mark.slow
def test_another_process_with_another_hash_seed_makes_the_same_items():
    printed = {
        subprocess.run(
            [sys.executable, "-c", PRINT_ITEMS],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1
    assert printed.pop().startswith("[[1, ")


def test_an_index_out_of_range_ends_an_iteration(tokenizer):
    assert len(list(mixture({"parity": 1.0}, tokenizer, seq_len=80, seed=0, length=3))) == 3


def test_batches_are_no_longer_than_their_longest_row(mixed):
    batch = collate(mixed[i] for i in range(8))
    lengths = batch["attention_mask"].sum(dim=1)
    assert batch["input_ids"].shape == batch["labels"].shape == (8, int(lengths.max()))
    assert int(lengths.max()) < 24


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ({}, "at least one task"),
        ({"parity": 0.0}, "at least one task"),
        ({"parity": Ingredient(difficulties=(1,))}, "difficulties 2 to 64, not 1"),
        ({"parity": Ingredient(options={"bits": 3})}, "bits"),
    ],
)
def test_a_mixture_that_cannot_be_is_refused_at_once(tasks, message, tokenizer):
    with pytest.raises(ConfigError, match=message):
        mixture(tasks, tokenizer, seq_len=24, seed=0)


def test_an_unknown_task_in_a_mixture_is_named(tokenizer):
    with pytest.raises(UnknownName, match="did you mean 'parity'"):
        mixture({"paritty": 1.0}, tokenizer, seq_len=24, seed=0)


def test_an_example_that_does_not_fit_says_how_long_it_is(tokenizer):
    mixed = mixture({"parity": Ingredient(difficulties=(40,))}, tokenizer, seq_len=24, seed=0)
    with pytest.raises(ConfigError, match="44 tokens does not fit seq_len=24"):
        mixed[0]


def test_worked_answers_in_a_prompt_are_labels_too(tokenizer):
    rows = ExampleRows([Example("a3b7?a3?b", "7", 2, ((6, 7),))], tokenizer, seq_len=12)
    asked = rows[0]["labels"] != -100
    assert tokenizer.decode(rows[0]["input_ids"][asked]) == "37<|eos|>"
    assert asked.nonzero().flatten().tolist() == [7, 10, 11]
    assert tokenizer.decode(rows[0]["input_ids"]) == "<|bos|>a3b7?a3?b7<|eos|>"


def test_examples_that_are_too_long_are_counted(tokenizer):
    rows = ExampleRows([Example("ab", "c", 0), Example("a" * 30, "c", 0)], tokenizer, seq_len=8)
    assert (len(rows), rows.too_long) == (1, 1)
    assert rows[0]["labels"].tolist() == [-100] * 3 + [*encode(tokenizer, "c"), 2] + [-100] * 3
    with pytest.raises(ConfigError, match="none of 1 examples"):
        ExampleRows([Example("a" * 30, "c", 0)], tokenizer, seq_len=8)


def test_packed_text_loses_no_token_and_adds_none(tokenizer):
    packed = PackedText(["iron and coal", "slag"], tokenizer, seq_len=7)
    kept = [
        t for row in packed for t, real in zip(row["input_ids"], row["attention_mask"], strict=True) if real
    ]
    assert tokenizer.decode(kept) == "<|bos|>iron and coal<|eos|><|bos|>slag<|eos|>"
    assert len(packed) == 3
    labels = [label for row in packed for label in row["labels"].tolist() if label != -100]
    assert labels == [int(token) for token in kept]
    with pytest.raises(ConfigError, match="no text"):
        PackedText([], tokenizer, seq_len=7)
