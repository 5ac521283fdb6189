"""Each family's answers against a brute-force reading of its prompts, and chances by counting."""

import itertools
import random
import re
from collections import Counter

import pytest

from bloomery.core.errors import ConfigError, UnknownName
from bloomery.tasks.counting import expected_largest_count, sums
from bloomery.tasks.registry import TASKS, task
from bloomery.tasks.task import benchmark


def drawn(subject, each=5):
    rng = random.Random(11)
    return [subject.example(rng, level) for level in subject.difficulties for _ in range(each)]


@pytest.mark.parametrize("key_length", [1, 2])
@pytest.mark.parametrize("ask", ["any", "oldest"])
def test_recall_is_answered_by_the_only_pair_with_that_key(key_length, ask):
    subject = task("recall", key_length=key_length, ask=ask)
    for example in drawn(subject, each=2):
        shown, key = example.prompt.split("?")
        assert example.worked == ()
        pairs = re.findall(rf"([a-z]{{{key_length}}})(\d)", shown)
        assert "".join(map("".join, pairs)) == shown
        assert len(pairs) == len(dict(pairs)) == example.difficulty
        assert len(shown) == subject.cost(example.difficulty)
        assert example.answer == dict(pairs)[key]
        position = [pair[0] for pair in pairs].index(key)
        assert ask == "any" or position < len(pairs) // 2


def test_recall_of_many_questions_answers_all_but_the_last_in_the_prompt():
    subject = task("recall", questions=5)
    for example in drawn(subject):
        shown, *asked = example.prompt.split("?")
        pairs = dict(re.findall(r"([a-z])(\d)", shown))
        assert len(asked) == min(5, example.difficulty)
        keys = [question[0] for question in asked]
        assert len(set(keys)) == len(keys)
        assert [question[1:] for question in asked] == [pairs[key] for key in keys[:-1]] + [""]
        assert example.answer == pairs[keys[-1]]
        worked = [example.prompt[start:stop] for start, stop in example.worked]
        assert worked == [pairs[key] for key in keys[:-1]]
        assert [example.prompt[start - 1] for start, _ in example.worked] == keys[:-1]


def test_recall_asks_for_every_position():
    rng = random.Random(0)
    subject = TASKS["recall"]
    asked = Counter()
    for _ in range(400):
        shown, key = subject.example(rng, 4).prompt.split("?")
        asked[shown.index(key) // 2] += 1
    assert set(asked) == {0, 1, 2, 3}


def test_a_needle_is_the_only_digit_and_stands_behind_its_mark():
    subject = TASKS["needle"]
    places = set()
    for example in drawn(subject):
        assert re.findall(r"\d", example.prompt) == [example.answer]
        assert f"#{example.answer}" in example.prompt
        assert example.prompt.endswith("#")
        assert sum(letter.isalpha() for letter in example.prompt) == subject.cost(example.difficulty)
        places.add(round(4 * example.prompt.index("#") / len(example.prompt)))
    assert places == {0, 1, 2, 3, 4}


def test_parity_is_the_exclusive_or_of_the_bits():
    for example in drawn(TASKS["parity"]):
        odd = False
        for bit in example.prompt[:-1]:
            odd ^= bit == "1"
        assert (example.answer == "1") == odd
        assert len(example.prompt) - 1 == example.difficulty


def test_a_sorted_answer_has_the_digits_in_order():
    for example in drawn(TASKS["sorting"]):
        assert Counter(example.answer) == Counter(example.prompt[:-1])
        assert all(left <= right for left, right in itertools.pairwise(example.answer))
        assert len(example.answer) == example.difficulty


@pytest.mark.parametrize("operators", ["+", "*", "+-", "+*", "+-*"])
def test_modular_arithmetic_agrees_with_python_on_brackets(operators):
    subject = task("modular_arithmetic", modulus=7, operators=operators)
    for example in drawn(subject, each=2):
        tokens = re.findall(r"\d+|[-+*]", example.prompt.rstrip("="))
        text = tokens[0]
        for operator, operand in zip(tokens[1::2], tokens[2::2], strict=True):
            text = f"({text}{operator}{operand})"
        assert int(example.answer) == eval(text) % 7
        assert len(tokens[1::2]) == example.difficulty
        assert set(tokens[1::2]) <= set(operators)


def test_the_commonest_remainder_by_trying_every_expression():
    subject = task("modular_arithmetic", modulus=6, operators="+*")
    answers = Counter(
        (a * b if first == "*" else a + b) * c % 6
        if second == "*"
        else ((a * b if first == "*" else a + b) + c) % 6
        for a, b, c in itertools.product(range(6), repeat=3)
        for first, second in itertools.product("+*", repeat=2)
    )
    assert subject.chance(2) == pytest.approx(max(answers.values()) / answers.total())


def test_a_chained_sum_is_the_sum():
    for example in drawn(task("chained_sums", largest=99)):
        terms = example.prompt.rstrip("=").split("+")
        assert int(example.answer) == sum(map(int, terms))
        assert len(terms) == example.difficulty


def test_sums_are_counted_right():
    by_hand = Counter(sum(terms) for terms in itertools.product(range(4), repeat=5))
    assert sums(5, 4) == tuple(by_hand[s] for s in range(16))


def test_the_largest_count_is_averaged_right():
    every = list(itertools.product(range(3), repeat=5))
    mean = sum(max(Counter(draw).values()) for draw in every) / len(every)
    assert expected_largest_count(5, 3) == pytest.approx(mean)


def test_chance_falls_with_difficulty_to_a_floor():
    recall = TASKS["recall"]
    assert recall.chance(2) == pytest.approx(0.55)
    assert recall.chance(20) < recall.chance(8) < recall.chance(2)
    assert TASKS["sorting"].chance(2) == pytest.approx(55 / 100)
    assert TASKS["chained_sums"].chance(2) == pytest.approx(10 / 100)


def test_an_unknown_task_is_answered_with_the_nearest_name():
    with pytest.raises(UnknownName, match="did you mean 'recall'"):
        task("recal")


def test_options_are_checked_strictly():
    with pytest.raises(ConfigError, match="key_length"):
        task("recall", key_lenght=2)
    with pytest.raises(ConfigError, match="modulus"):
        task("modular_arithmetic", modulus=1)
    assert benchmark(task("recall", key_length=2)) == "recall v1"
