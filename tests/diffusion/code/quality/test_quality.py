"""Scores are from 0 to 1, better where a person would say so, and harmless where a user's own are not."""

import math

import pytest
import torch

from bloomery.core.errors import CapabilityMissing, ConfigError, UnknownName, UserError
from bloomery.diffusion.code.quality.rewards import Guarded, combined, reward
from bloomery.diffusion.code.quality.scores import quality, scores
from bloomery.diffusion.guiding.best_of import best_of

GOOD = "def total(values):\n    return sum(values)\n"
LANGUAGES = {
    "python": GOOD,
    "javascript": "function total(values) {\n  return values.length;\n}\n",
    "typescript": "function total(values: number[]): number {\n  return values.length;\n}\n",
    "java": "class Sums {\n    static int total(int[] values) {\n        return values.length;\n    }\n}\n",
    "go": "package sums\n\nfunc total(values []int) int {\n\treturn len(values)\n}\n",
}


def branching(count):
    body = "".join(f"    if a == {at}:\n        return {at + 1}\n" for at in range(count))
    return f"def f(a):\n{body}    return 0\n"


@pytest.mark.parametrize("language", LANGUAGES)
def test_clean_code_is_worth_1_in_every_language(language):
    assert quality(LANGUAGES[language], language) == 1


def test_each_score_is_what_its_definition_says():
    """By hand: 4 paths, 1 name of 2 is odd, 1 handler of 2 is silent, 2 objections on 4 lines of code."""
    assert scores(branching(3), "python")["complexity"] == pytest.approx(10 / (9 + 4))
    assert scores("def f(Odd):\n    return Odd\n", "python")["naming"] == 0.5
    handled = "try:\n    f()\nexcept ValueError:\n    pass\nexcept KeyError:\n    g()\n"
    assert scores(handled, "python")["error handling"] == 0.5
    assert scores("class A {\n    int a; \n    int b; \n}\n", "java")["lint"] == pytest.approx(
        1 / (1 + 50 / 10)
    )
    broken = "def total(values:\n    return sum(values)\n"
    found = scores(broken, "python")
    assert 0 < found.pop("parse") < 0.5
    assert set(found.values()) == {None}


def test_what_is_not_there_is_not_measured_and_does_not_count():
    assert scores(GOOD, "python")["error handling"] is None
    assert quality("x = 1\n", "python") == 1
    only_handlers = {"error handling": 1.0}
    assert quality(GOOD, "python", only_handlers) == 0, "nothing measured is worth nothing"


def test_better_code_is_worth_more_and_broken_code_the_least():
    ranked = [
        GOOD,
        branching(4),
        branching(30),
        "def Total(ALL):\n    import os\n    try:\n        return sum(ALL)\n    except:\n        pass\n",
        GOOD.replace(":", ""),
        "the of a to and in that it is was for on\n",
        "",
    ]
    worth = [quality(text, "python") for text in ranked]
    assert worth == sorted(worth, reverse=True)
    assert len(set(worth)) == len(worth)
    assert all(0 <= each <= 1 for each in worth)
    weighted = quality(branching(30), "python", {"complexity": 1.0})
    assert weighted == pytest.approx(10 / (9 + 31))


def test_texts_that_cannot_be_read_are_worth_nothing_and_bad_weights_are_refused():
    assert quality("x = '\udc80'\n", "python") == 0
    assert quality("x" * 3 * 2**20, "python") == 0
    for wrong in ({}, {"parse": 0.0}, {"parse": -1.0, "lint": 2.0}, {"parse": math.nan}, {"lint": math.inf}):
        with pytest.raises(ConfigError):
            quality(GOOD, "python", wrong)
    with pytest.raises(UnknownName, match="did you mean 'naming'"):
        quality(GOOD, "python", {"nameing": 1.0})
    with pytest.raises(UnknownName):
        quality(GOOD, "cobol")


def test_scores_that_raise_or_say_nothing_finite_are_worth_0_and_counted():
    def of_the_users(text):
        return {"a": 0.5, "b": math.nan, "c": math.inf, "d": 1.0, "e": 0.0}[text]

    guarded = Guarded(of_the_users)
    assert [guarded(text) for text in "abcdef"] == [0.5, 0, 0, 1, 0, 0]
    assert guarded.failed == {"nan": 1, "inf": 1, "KeyError: 'f'": 1}

    for outside in (1.0001, 5, -1e-9):
        with pytest.raises(UserError, match="a score is from 0 to 1; this one says"):
            Guarded(lambda text, said=outside: said)("a")

    def missing(text):
        raise CapabilityMissing("no ruff")

    with pytest.raises(CapabilityMissing):
        Guarded(missing)("a")
    mean = combined({"theirs": (of_the_users, 1.0), "length": (len, 3.0)})
    assert mean("a") == pytest.approx((0.5 + 3 * 1) / 4)
    assert mean("z") == pytest.approx(3 / 4)
    with pytest.raises(ConfigError):
        combined({"none": (len, 0.0)})


def test_the_best_of_some_samples_is_the_one_that_parses():
    texts = ["def f(:\n", GOOD, "f(\n", GOOD]
    asked = []

    def decode(row):
        asked.append(row[0])
        return texts[row[0]]

    rows = torch.tensor([[0, 9], [1, 9], [2, 9], [1, 9]])
    chosen = best_of(rows, reward(decode, lambda text: quality(text, "python", {"parse": 1.0})))
    assert chosen.samples.tolist() == [[1, 9]]
    assert sorted(asked) == [0, 1, 2], "equal rows are scored once"
    assert chosen.rewards[0, 1] == 1
