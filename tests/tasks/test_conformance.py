"""Every task in the registry keeps the promises that `Task` makes; a new task is tested on arrival."""

import os
import random
import subprocess
import sys
from collections import Counter

import pytest

from bloomery.core.errors import ConfigError
from bloomery.tasks.registry import TASKS, task
from bloomery.tasks.splitting import examples, split
from bloomery.tasks.task import benchmark

VARIANTS = {
    **TASKS,
    "recall of two-letter keys": task("recall", key_length=2),
    "recall of the oldest": task("recall", ask="oldest"),
    "recall, three questions": task("recall", questions=3),
    "needle in small blocks": task("needle", block=3),
    "modular addition": task("modular_arithmetic", modulus=97, operators="+"),
    "modular products": task("modular_arithmetic", modulus=6, operators="*"),
    "modular mix": task("modular_arithmetic", modulus=10, operators="+-*"),
    "sums of two-digit numbers": task("chained_sums", largest=99),
}

every_task = pytest.mark.parametrize("name", VARIANTS)


def levels(subject):
    """The easiest, some in between, the hardest."""
    every = subject.difficulties
    return sorted({every[0], every[1], every[len(every) // 4], every[-1]})


@every_task
def test_the_same_seed_draws_the_same_example(name):
    subject = VARIANTS[name]
    for level in levels(subject):
        drawn = [subject.example(random.Random(7), level) for _ in range(2)]
        assert drawn[0] == drawn[1]
        others = {subject.example(random.Random(seed), level).prompt for seed in range(20)}
        assert len(others) > 1


PRINT_EXAMPLES = """
import random
from bloomery.tasks.registry import TASKS
for name, subject in sorted(TASKS.items()):
    rng = random.Random(3)
    print(name, [subject.example(rng, level) for level in subject.difficulties for _ in range(3)])
"""


def test_another_process_with_another_hash_seed_draws_the_same_examples():
    printed = [
        subprocess.run(
            [sys.executable, "-c", PRINT_EXAMPLES],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert printed[0] == printed[1]
    assert all(name in printed[0] for name in TASKS)


@every_task
def test_the_stored_answer_scores_one_and_others_score_zero(name):
    subject = VARIANTS[name]
    rng = random.Random(1)
    for level in levels(subject):
        example = subject.example(rng, level)
        assert subject.score(example, example.answer) == 1.0
        for wrong in (
            "",
            " ",
            "x",
            example.answer + "0",
            "0" + example.answer,
            example.answer[:-1],
            example.prompt,
        ):
            assert subject.score(example, wrong) == 0.0


@every_task
def test_a_prompt_is_solved_by_computing_it_again(name):
    subject = VARIANTS[name]
    rng = random.Random(4)
    for level in levels(subject):
        for _ in range(20):
            example = subject.example(rng, level)
            assert subject.solve(example.prompt) == example.answer


@every_task
def test_what_is_no_prompt_of_the_task_is_not_solved(name):
    subject = VARIANTS[name]
    prompt = subject.example(random.Random(4), levels(subject)[1]).prompt
    for other in ("", "=", prompt[:-1], prompt + "\n", f" {prompt}", prompt.upper() + "!", "\u0663" + prompt):
        assert subject.solve(other) is None, other


def test_recall_believes_no_answer_within_a_prompt():
    assert VARIANTS["recall, three questions"].solve("a3b7c1?b7?a") == "3"
    assert VARIANTS["recall, three questions"].solve("a3b7c1?b8?a") is None
    assert VARIANTS["recall"].solve("a3a7?a") is None
    assert VARIANTS["recall"].solve("a3b7?c") is None


@every_task
def test_a_harder_level_costs_more(name):
    subject = VARIANTS[name]
    costs = [subject.cost(level) for level in subject.difficulties]
    assert costs == sorted(set(costs))
    assert costs[0] > 0


@every_task
def test_a_difficulty_out_of_range_is_refused_with_the_range(name):
    subject = VARIANTS[name]
    last = subject.difficulties[-1]
    for level in (subject.difficulties[0] - 1, last + 1, 2.5):
        with pytest.raises(ConfigError, match=rf"to {last}, not"):
            subject.example(random.Random(0), level)


@every_task
def test_prompts_of_a_split_are_all_different(name):
    subject = VARIANTS[name]
    few = [level for level in subject.difficulties if level >= 6][:3]
    train, test = split(subject, seed=5, train=60, test=4, difficulties=few)
    prompts = [example.prompt for example in train + test]
    assert len(prompts) == len(set(prompts)) == 64
    assert Counter(example.difficulty for example in train) == dict.fromkeys(few, 20)


@every_task
def test_test_prompts_never_come_up_in_training_whatever_the_seed(name):
    subject = VARIANTS[name]
    level = subject.difficulties[4]
    test = {one.prompt for one in examples(subject, "test", count=3, seed=0, difficulties=[level])}
    train = {
        one.prompt
        for seed in range(20)
        for one in split(subject, seed=seed, train=10, test=0, difficulties=[level])[0]
    }
    assert not test & train


@every_task
def test_prompts_and_answers_are_short_plain_text(name):
    subject = VARIANTS[name]
    rng = random.Random(2)
    for level in levels(subject):
        example = subject.example(rng, level)
        assert (example.prompt + example.answer).isascii()
        assert 1 <= len(example.answer) <= 32
        assert not example.prompt.endswith(" ")


def test_a_score_names_the_version_of_its_benchmark():
    assert benchmark(TASKS["recall"]) == "recall v1"


def guess(name, prompt):
    """The guess that each task's chance level is about, written without looking at the task's code."""
    if name.startswith("recall"):
        pairs, *asked = prompt.split("?")
        size = len(asked[-1]) + 1
        shown = [pairs[i : i + size] for i in range(0, len(pairs), size)]
        shown = [pair[-1] for pair in shown if pair not in asked]
        if name == "recall of the oldest":
            shown = shown[: len(shown) // 2]
        return Counter(shown).most_common(1)[0][0]
    if name == "sorting":
        return prompt.rstrip("=")
    return None


def commonest_answer(subject, level):
    rng = random.Random("other examples")
    return Counter(subject.example(rng, level).answer for _ in range(4000)).most_common(1)[0][0]


@every_task
def test_the_chance_level_is_what_guessing_gets(name):
    """Simulated; five standard errors, so that a right chance level fails less than once in a million."""
    subject = VARIANTS[name]
    draws = 3000
    for level in subject.difficulties[:4]:
        rng = random.Random(f"{name} {level}")
        drawn = [subject.example(rng, level) for _ in range(draws)]
        constant = commonest_answer(subject, level)
        right = sum(subject.score(one, guess(name, one.prompt) or constant) for one in drawn)
        chance = subject.chance(level)
        error = (chance * (1 - chance) / draws) ** 0.5
        assert abs(right / draws - chance) <= 5 * error + 1 / draws
