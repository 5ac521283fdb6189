import pytest

from bloomery.core.errors import ConfigError
from bloomery.tasks.registry import TASKS, task
from bloomery.tasks.splitting import examples, side_of, split


def test_one_prompt_in_eight_is_held_out():
    """Five standard errors around 1/8 of 4,000 prompts."""
    held = sum(side_of(f"prompt {i}") == "test" for i in range(4000))
    assert abs(held - 500) < 5 * (4000 * 7 / 64) ** 0.5


def test_a_task_with_too_few_prompts_says_how_many_it_has():
    with pytest.raises(ConfigError, match=r"has only \d different train prompts at difficulty 3, not 9"):
        split(TASKS["parity"], seed=0, train=9, test=0, difficulties=[3])


def test_shares_differ_by_at_most_one():
    drawn = examples(TASKS["needle"], "train", count=8, seed=0, difficulties=[1, 2, 3])
    assert [one.difficulty for one in drawn] == [1, 1, 1, 2, 2, 2, 3, 3]


def test_no_difficulties_is_an_error_not_an_empty_split():
    with pytest.raises(ConfigError, match="no difficulties"):
        split(TASKS["parity"], seed=0, train=1, test=1, difficulties=[])


def test_all_of_modular_addition_can_be_split():
    subject = task("modular_arithmetic", modulus=11, operators="+")
    every = {f"{a}+{b}=" for a in range(11) for b in range(11)}
    held = sum(side_of(prompt) == "test" for prompt in every)
    train, test = split(subject, seed=1, train=len(every) - held, test=held, difficulties=[1])
    assert {one.prompt for one in train} | {one.prompt for one in test} == every
