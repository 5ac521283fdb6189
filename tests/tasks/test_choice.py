import random

import pytest
import torch

from bloomery.core.errors import ConfigError, Failure, FormatRefused
from bloomery.tasks.choice import Question, choice_accuracy, loglikelihoods
from bloomery.tasks.tokenizer import encode

from .conftest import tiny_llama

PAIRS = [("a", "b"), ("iron and ", "coal"), ("x" * 20, "yz"), ("1+1=", "2"), ("", "slag")]


def one_by_one(model, tokenizer, prompt, continuation):
    """Each token's log-probability from a forward over what stands before it, in float64."""
    ids = [1, *encode(tokenizer, prompt)]
    total = 0.0
    for token in encode(tokenizer, continuation):
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids])).logits[0, -1].double()
        total += torch.log_softmax(logits, dim=0)[token].item()
        ids.append(token)
    return total


@pytest.mark.parametrize("batch_size", [1, 2, 16])
def test_a_loglikelihood_is_the_sum_of_its_tokens(tokenizer, llama, batch_size):
    """Float32 logits of about ten tokens: 1e-4."""
    found = loglikelihoods(llama, tokenizer, PAIRS, batch_size=batch_size)
    for (prompt, continuation), (total, _) in zip(PAIRS, found, strict=True):
        assert total == pytest.approx(one_by_one(llama, tokenizer, prompt, continuation), abs=1e-4)


def test_greedy_says_whether_generate_would_write_it(tokenizer, llama):
    prompt = tokenizer("iron", return_tensors="pt")
    written = llama.generate(**prompt, do_sample=False, max_new_tokens=1)[0, -1:]
    likeliest = tokenizer.decode(written)
    pairs = [("iron", likeliest), ("iron", "?" if likeliest != "?" else "!")]
    assert [greedy for _, greedy in loglikelihoods(llama, tokenizer, pairs)] == [True, False]


def test_the_likeliest_choice_is_compared_with_the_right_one(tokenizer, llama):
    rng = random.Random(0)
    questions = [
        Question(f"q{i}:", tuple(rng.choice("abcdefgh") * rng.randint(1, 3) for _ in range(3 + i % 2)), i % 3)
        for i in range(12)
    ]

    def right(question, weigh):
        scores = [
            one_by_one(llama, tokenizer, question.prompt, text) / weigh(text) for text in question.choices
        ]
        return scores.index(max(scores)) == question.right

    plain = choice_accuracy(llama, tokenizer, questions, benchmark="letters v1")
    assert plain.correct == sum(right(question, lambda text: 1) for question in questions)
    assert plain.chance == pytest.approx((6 / 3 + 6 / 4) / 12)
    assert {count: part.total for count, part in plain.by_difficulty.items()} == {3: 6, 4: 6}
    by_bytes = choice_accuracy(llama, tokenizer, questions, benchmark="letters v1", normalize="bytes")
    assert by_bytes.correct == sum(right(question, len) for question in questions)
    assert (plain.benchmark, by_bytes.benchmark) == ("letters v1", "letters v1, normalized by bytes")


def test_a_prompt_that_is_too_long_loses_its_beginning(tokenizer):
    model = tiny_llama(max_position_embeddings=8)
    ((long, _),) = loglikelihoods(model, tokenizer, [("abcdefghij", "klm")])
    with torch.no_grad():
        ids = torch.tensor([encode(tokenizer, "fghijklm")])
        scores = torch.log_softmax(model(input_ids=ids).logits.double(), dim=-1)
    expected = sum(scores[0, at - 1, ids[0, at]].item() for at in (5, 6, 7))
    assert long == pytest.approx(expected, abs=1e-4)
    with pytest.raises(ConfigError, match="8 tokens does not fit the model's 8 positions"):
        loglikelihoods(model, tokenizer, [("a", "klmnopqr")])


def test_a_model_that_gives_no_numbers_gets_no_score(tokenizer):
    model = tiny_llama()
    model.lm_head.weight.data[5] = float("nan")
    with pytest.raises(Failure, match="no log-likelihood for 'coal' after 'iron and '"):
        loglikelihoods(model, tokenizer, [("iron and ", "coal")])
    with pytest.raises(Failure, match="not a number"):
        choice_accuracy(model, tokenizer, [Question("a", ("b", "c"), 0)], benchmark="letters v1")


def test_nothing_to_choose_is_an_error(tokenizer, llama):
    with pytest.raises(ConfigError, match="no questions"):
        choice_accuracy(llama, tokenizer, [], benchmark="none")
    with pytest.raises(FormatRefused, match="not a pair"):
        loglikelihoods(tiny_llama(100), tokenizer, PAIRS)
