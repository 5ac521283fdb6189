"""How far a prompted model is from an unprompted one: by its definition, token by token."""

import math

import numpy as np
import pytest
import torch

from bloomery.forge.baking.completions import Completion, sample
from bloomery.forge.baking.divergence import Residual, divergence, forward_kl
from bloomery.forge.baking.rows import BakingRows, collate_pairs, written_logits
from tests.forge.baking.promptable import LOUD, TOKENIZER, cognate, llama

EOS = TOKENIZER.eos_token_id


def test_the_divergence_is_the_sum_over_the_vocabulary_that_its_definition_says():
    generator = torch.Generator().manual_seed(0)
    teacher, student = (torch.randn(5, 7, generator=generator, dtype=torch.float64) for _ in range(2))
    p, q = (logits.softmax(-1).numpy() for logits in (teacher, student))
    by_hand = (p * np.log(p / q)).sum(-1)
    assert forward_kl(teacher, student).numpy() == pytest.approx(by_hand, rel=1e-5)  # it computes in float32
    assert forward_kl(teacher, teacher).abs().max() == 0


def test_teacher_and_student_are_compared_at_the_same_written_tokens():
    """Logits that name their own position and token: each pair predicts the token that was written next."""
    some = [Completion((7, 8), (9,), (4, 5, EOS)), Completion((), (6, 6, 6), (3, EOS), turns=(7,))]
    rows = BakingRows(some, TOKENIZER, seq_len=12)
    batch = collate_pairs([rows[0], rows[1]], pad=rows.pad)
    for reader in ("teacher", "student"):
        ids = batch[reader]["input_ids"]
        predicts_next = torch.roll(ids, -1, dims=1)[..., None]
        assert written_logits(predicts_next, batch[reader]).flatten().tolist() == [4, 5, EOS, 3, EOS]
    assert batch["student"]["input_ids"][0, :2].tolist() == [TOKENIZER.bos_token_id, 9]
    assert batch["student"]["input_ids"][1, :5].tolist() == [TOKENIZER.bos_token_id, 7, 6, 6, 6]
    assert batch["teacher"]["input_ids"].shape == (2, 7)


@pytest.mark.parametrize("make", [llama, cognate])
def test_what_stands_beside_a_completion_in_its_batch_does_not_change_its_divergence(make):
    """Rows are padded to the longest; in float32 the sums differ in the last bits alone."""
    model, other = make(0).eval(), make(1).eval()
    some = sample(model, TOKENIZER, LOUD, ["a1=", "longer than it="], max_new_tokens=5, seed=0)
    tokens = [len(one.written) for one in some]
    alone = [divergence(model, other, TOKENIZER, [one]) for one in some]
    together = divergence(model, other, TOKENIZER, some)
    mean = sum(kl * count for kl, count in zip(alone, tokens, strict=True)) / sum(tokens)
    assert together == pytest.approx(mean, rel=1e-4)


def test_the_divergence_of_a_model_from_itself_without_a_prompt_is_zero():
    model = llama().eval()
    some = sample(model, TOKENIZER, "", ["a1=", "b2="], max_new_tokens=4, seed=0)
    assert divergence(model, model, TOKENIZER, some) == 0


def test_no_effect_at_all_has_no_ratio():
    assert math.isnan(Residual(base=0.0, baked=0.0).ratio)
