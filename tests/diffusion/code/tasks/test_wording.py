"""A prompt means one thing, or is refused."""

import random

import pytest

from bloomery.diffusion.code.tasks import understanding
from bloomery.diffusion.code.tasks.catalogue import OPERATIONS
from bloomery.diffusion.code.tasks.operation import PARAMETERS, Step
from bloomery.diffusion.code.tasks.sampling import draw
from bloomery.diffusion.code.tasks.understanding import PromptRefused, understand
from bloomery.diffusion.code.tasks.wording import ASKING, word, wordings


def step(operation, k):
    return Step(operation.name, k if operation.has_parameter else None)


SINGLES = [
    (step(one, k),) for one in OPERATIONS.values() for k in (PARAMETERS if one.has_parameter else [None])
]
PAIRS = [
    (step(one, 3), step(other, 4))
    for one in OPERATIONS.values()
    for other in OPERATIONS.values()
    if one.gives is other.takes
]


def test_there_are_more_operations_than_were_asked_for():
    assert len(OPERATIONS) >= 80
    assert len(PAIRS) > 1000


def test_no_two_meanings_of_one_or_two_steps_share_a_prompt():
    owners = {}
    for meaning in [*SINGLES, *PAIRS]:
        for prompt in wordings(meaning):
            assert owners.setdefault(prompt, meaning) == meaning
    assert len(owners) > 50_000


def test_every_wording_of_a_single_operation_is_understood():
    for meaning in SINGLES:
        prompts = list(wordings(meaning))
        assert len(prompts) >= 4 * 2 + 3 * 2
        for prompt in prompts if meaning[0].k in (None, 3) else prompts[:2]:
            assert understand(prompt) == meaning


def test_every_pair_is_understood_in_a_drawn_wording():
    rng = random.Random(0)
    for meaning in PAIRS:
        prompt = word(meaning, rng)
        assert understand(prompt) == meaning
        assert prompt in set(wordings(meaning))


@pytest.mark.slow
def test_every_wording_of_every_pair_is_understood():
    for meaning in PAIRS:
        for prompt in wordings(meaning):
            if not prompt.startswith(ASKING[1:]):  # how one asks is independent of what
                assert understand(prompt) == meaning


def test_drawn_prompts_of_three_steps_are_understood():
    for sample in draw(150, seed=5, side="test", depths=(3,)):
        assert understand(sample.prompt) == sample.meaning
        assert len(sample.prompt) <= 300


def test_what_the_grammar_gives_as_its_example_means_what_it_says():
    meaning = (Step("keep_even"), Step("sum"))
    for prompt in (
        "return the sum of the even numbers",
        "Return the sum of the even numbers.",
        "  write a function that returns  the total of all even numbers ",
        "take the numbers, keep only the even ones, then add them up and return the result",
        "given the numbers, select the even numbers, sum them and return the result",
    ):
        assert understand(prompt) == meaning


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "hello",
        "return the sum",
        "return the numbers",
        "return the sum of the even integers",
        "return the sum of the even numbers and the odd numbers",
        "return the sum of the text",
        "return the length of the numbers",
        "return the sum of the numbers greater than 10",
        "return the sum of the numbers greater than 1",
        "return the sum of the numbers greater than three",
        "return the squares of the squares of the squares of the even numbers",
        "take the numbers, add them up",
        "take the numbers and return the result",
        "take the text, add them up and return the result",
        "take the numbers, add them up, reverse it and return the result",
        "take the numbers, reverse them, then reverse them, add them up and return the result",
        "return the sum of the even numbers; import os",
        "RETURN THE SUM OF THE EVEN NUMBERS",
        "return the sum of the even numbers " * 3000,
        "return " + "the squares of " * 500 + "the numbers",
        "\x00",
    ],
)
def test_what_is_outside_the_grammar_is_refused(prompt):
    with pytest.raises(PromptRefused) as refusal:
        understand(prompt)
    assert len(str(refusal.value)) < 700


def test_a_prompt_that_could_be_read_in_two_ways_would_be_refused(monkeypatch):
    readings = [(Step("sum"),), (Step("count"),)]
    monkeypatch.setattr(understanding, "_readings", lambda _: iter(readings))
    with pytest.raises(PromptRefused, match="could mean 2 things"):
        understand("return the sum of the numbers")


def test_a_refusal_says_what_to_change():
    with pytest.raises(PromptRefused, match="numbers go from 2 to 9, not 10"):
        understand("return the sum of the numbers greater than 10")
    with pytest.raises(PromptRefused, match="begin with one of: return, compute"):
        understand("please return the sum of the numbers")
    with pytest.raises(PromptRefused, match="at most 400 characters; this has 100,000"):
        understand("x" * 100_000)
