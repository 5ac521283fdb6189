"""The planted effect of reinforcement: only the right thought makes the answer likely."""

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from bloomery.forge.quietstar.reinforcing import policy_of, reinforce
from bloomery.forge.quietstar.tokens import add_thought_tokens, thought_ids
from bloomery.models.thinking.layout import Spots, Texts
from bloomery.models.thinking.thinking_model import ThinkingModel
from bloomery.tasks.tokenizer import train_tokenizer
from tests.forge.quietstar.thinkers import ONLY_POLICY, TRAIN, config
from tests.forge.test_fitting import context

QUESTIONS, ANSWERS = "abcd", "wxyz"


class Rows(torch.utils.data.Dataset):
    """Question a, answer w; b, x and so on. With `thoughts` a random thought, and the answer it leads to."""

    def __init__(self, tokenizer, count, *, thoughts=None):
        start, end = thought_ids(tokenizer)
        word = {
            letter: tokenizer.encode(letter, add_special_tokens=False)[0] for letter in QUESTIONS + ANSWERS
        }
        draw = torch.Generator().manual_seed(0)
        self.rows = []
        for _ in range(count):
            q, thought, other = torch.randint(4, (3,), generator=draw).tolist()
            said = word[ANSWERS[thought]]
            if thoughts is None:
                ids, asked = [1, word[QUESTIONS[q]], word[ANSWERS[q]]], [2]
            else:
                answer = said if thoughts == "heeded" else word[ANSWERS[other]]
                ids, asked = [1, word[QUESTIONS[q]], start, said, end, answer], [3, 4, 5]
            labels = [token if place in asked else -100 for place, token in enumerate(ids)]
            self.rows.append({"input_ids": ids, "labels": labels, "attention_mask": [1] * len(ids)})

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        return {name: torch.tensor(value) for name, value in self.rows[index].items()}


def taught(thoughts):
    """A small Llama that thinks at random, and answers what it thought, or whatever it thought."""
    tokenizer = train_tokenizer([])
    torch.manual_seed(0)
    sizes = {"hidden_size": 24, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
    words = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=259, num_key_value_heads=2, **sizes, **words))
    add_thought_tokens(model, tokenizer, 0)
    rows = Rows(tokenizer, 160 * 16, thoughts=thoughts)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for step in range(160):
        one = torch.utils.data.default_collate([rows[step * 16 + i] for i in range(16)])
        optimizer.zero_grad()
        model(**one).loss.backward()
        optimizer.step()
    return model, tokenizer


def right_after_thinking(thinking, tokenizer):
    """Chance of the right answer after a thought, mean over questions and 32 thoughts each."""
    ids = torch.tensor(
        [tokenizer.encode(q + a, add_special_tokens=True) for q, a in zip(QUESTIONS, ANSWERS, strict=True)]
    )
    texts = Texts(ids, torch.ones_like(ids))
    spots = Spots(torch.arange(4), torch.full((4,), 1))
    policy = policy_of(tokenizer, config(length=1))
    with torch.no_grad():
        generator = torch.Generator().manual_seed(0)
        thoughts = thinking.think(texts, spots, policy, thoughts=32, generator=generator)
        each = spots.times(32)
        blocks = thinking.enclose(thoughts, texts, each, 1)
        mixed, _ = thinking.talk(thinking.read(texts, each, blocks), each, blocks, 1, weight=1.0)
        chance = torch.softmax(mixed[:, 0], -1)[torch.arange(128), ids[each.text, 2]]
    return float(chance.mean())


@pytest.mark.parametrize("thoughts", ["heeded", "ignored"])
def test_thoughts_that_help_are_learned_and_thoughts_that_cannot_are_not(tmp_path, thoughts):
    """Guessing is right in 1 of 4. No loss shows the answer to the model: only rewards can."""
    model, tokenizer = taught(thoughts)
    start, end = thought_ids(tokenizer)
    before = right_after_thinking(ThinkingModel(model, start=start, end=end).eval(), tokenizer)
    rates = {"steps": 60, "optimizer": "adamw", "muon_grokfast": {"lr": 3e-3}}
    settings = config(
        {**rates, "train": {**TRAIN, "micro_batch": 16}},
        **{**ONLY_POLICY, "hold": 1.0},
        thoughts=4, length=1, ahead=1, opening=0.9, clamp=False,
    )  # fmt: skip
    thinking = reinforce(context(tmp_path), model, tokenizer, settings, Rows(tokenizer, 60 * 16))
    after = right_after_thinking(thinking, tokenizer)
    assert before < 0.3
    assert (after > 0.75) if thoughts == "heeded" else (after < 0.3)  # 0.24 -> 0.89, or 0.24 as before
