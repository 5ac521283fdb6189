"""What is sampled under a prompt: from the model's own distribution, and never next to nothing."""

import pytest
import torch

from bloomery.core.errors import UserError
from bloomery.forge.baking.completions import Completion, check_not_empty, sample
from bloomery.forge.experts.writing import sampled, written
from tests.forge.baking.promptable import TOKENIZER, llama

EOS = TOKENIZER.eos_token_id


def test_completions_come_from_the_models_own_distribution():
    """The first token of 600 samples of a random model against its softmax: a chi-square over the likeliest
    bytes. 60 is beyond the 99.99 % quantile for 20 degrees of freedom (52.4)."""
    model = llama().eval()
    with torch.no_grad():
        model.lm_head.weight[10:30] *= 12  # a few likely bytes, so that there is something to count
    ids = torch.tensor([[TOKENIZER.bos_token_id, *TOKENIZER.encode("U:q", add_special_tokens=False)]])
    p = model(input_ids=ids).logits[0, -1].softmax(-1)
    drawn = sample(model, TOKENIZER, "U:", ["q"], per_query=600, max_new_tokens=1, seed=5)
    counts = torch.bincount(torch.tensor([one.written[0] for one in drawn]), minlength=259)
    top = p.topk(20).indices
    rest = 600 * (1 - p[top].sum())
    found = ((counts[top] - 600 * p[top]) ** 2 / (600 * p[top])).sum()
    found += (600 - counts[top].sum() - rest) ** 2 / rest
    assert found < 60


def test_equal_seeds_write_equal_completions_and_leave_the_callers_randomness_alone():
    model = llama()
    before = torch.random.get_rng_state()
    one, same, other = (
        sample(model, TOKENIZER, "", ["a1=", "b2="], max_new_tokens=6, seed=seed) for seed in (1, 1, 2)
    )
    assert one == same != other
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_prompt_that_silences_the_model_is_refused(tmp_path):
    model = llama()
    with torch.no_grad():
        model.model.norm.weight.zero_()
        model.lm_head.weight.zero_()  # every token is equally likely: what is written is not empty
    some = sample(model, TOKENIZER, "U:", ["a1="], per_query=4, max_new_tokens=3, seed=0)
    check_not_empty(TOKENIZER, "U:", some, 0.5)
    silent = [Completion(one.prompt, one.query, (EOS,)) for one in some[:3]] + some[3:]
    with pytest.raises(UserError, match="under the prompt 'U:' 75% of the model's answers are empty"):
        check_not_empty(TOKENIZER, "U:", silent, 0.5)


def test_a_folders_own_habits_of_generating_change_nothing():
    """As configs of released models have them: no distribution that is baked or trained on has penalties."""
    model = llama().eval()
    with torch.no_grad():
        model.lm_head.weight *= 20  # so that there is a likeliest token, again and again
    habits = {"repetition_penalty": 3.0, "no_repeat_ngram_size": 1, "min_p": 0.9, "typical_p": 0.2}
    given = [[TOKENIZER.bos_token_id, *TOKENIZER.encode(text)] for text in ("a1=", "b2=")]

    def all_that_is_written():
        torch.manual_seed(0)
        baked = sample(model, TOKENIZER, "U:", ["a1=", "b2="], max_new_tokens=8, seed=1)
        learned = sampled(model, TOKENIZER, given, max_new_tokens=8)
        return baked, learned, written(model, TOKENIZER, given, max_new_tokens=8)

    before = all_that_is_written()
    for name, value in habits.items():
        setattr(model.generation_config, name, value)
    assert all_that_is_written() == before
