"""Proposers: what they write is looked at before a model is tried on it."""

import random

import pytest

from bloomery.core.errors import ConfigError
from bloomery.forge.curriculum.proposing import Checked, Generators, graded_tasks
from bloomery.tasks.ingredient import Ingredient
from bloomery.tasks.registry import task
from bloomery.tasks.splitting import side_of
from bloomery.tasks.task import Example, GeneratedTask

SUMS = task("chained_sums")


def anything(_):
    return True


class Writes:
    name = "one who writes"

    def __init__(self, *examples):
        self.examples = examples

    def propose(self, task, difficulty, count, rng):
        return list(self.examples)


def one_of(side):
    prompt = next(f"{n}+1=" for n in range(1000) if side_of(f"{n}+1=") == side)
    return Example(prompt, str(eval(prompt[:-1])), 2)


def test_generators_give_as_many_problems_of_the_training_side_as_were_asked_for():
    found = Generators().propose(SUMS, 3, 40, random.Random(0))
    assert [one.difficulty for one in found] == [3] * 40
    assert {side_of(one.prompt) for one in found} == {"train"}


def test_held_out_prompts_of_a_proposer_are_dropped():
    proposer = Checked(Writes(one_of("test"), one_of("train")), anything)
    assert proposer.propose(SUMS, 2, 3, random.Random(0)) == [one_of("train")] * 3


def refused(*written, task=SUMS):
    """Why a proposer's problems are left out, where it has no better ones."""
    given = Checked(Writes(*written), anything)
    with pytest.raises(ConfigError, match="one who writes gave 0 usable problems"):
        given.propose(task, 2, 1, random.Random(0))
    return set(given.refused)


@pytest.mark.parametrize("answer", ["", "9", "2 ", "02"])
def test_a_problem_whose_answer_is_wrong_is_refused_though_its_task_scores_it_against_itself(answer):
    one = Example("1+1=", answer, 2)
    assert SUMS.score(one, one.answer) == 1.0
    assert refused(one) == {"with a wrong answer"}


def test_a_prompt_that_the_task_cannot_compute_is_refused():
    assert refused(Example("what is 1+1?", "2", 2)) == {"no prompt that the task can compute"}


def test_what_is_refused_is_counted_and_the_rest_is_used():
    wrong = Example("1+1=", "9", 2)
    given = Checked(Writes(wrong, one_of("train"), wrong, one_of("test")), anything)
    assert given.propose(SUMS, 2, 2, random.Random(0)) == [one_of("train")] * 2
    assert given.refused == {"with a wrong answer": 4, "held out for tests": 2}


def test_who_writes_too_little_is_told_what_was_refused():
    with pytest.raises(ConfigError, match=r"not 1 \(refused: 1000 with a wrong answer\)"):
        Checked(Writes(Example("1+1=", "9", 2)), anything).propose(SUMS, 2, 1, random.Random(0))


class NoSolver(GeneratedTask):
    name = "no_solver"
    difficulties = range(2, 3)
    draw = chance = cost = None


def test_of_a_task_that_cannot_be_computed_no_problem_is_believed():
    assert refused(one_of("train"), task=NoSolver()) == {"no prompt that the task can compute"}


@pytest.mark.parametrize("written", [(), (one_of("test"),)])
def test_a_proposer_without_usable_problems_is_refused(written):
    with pytest.raises(ConfigError, match="one who writes gave 0 usable problems"):
        Checked(Writes(*written), anything).propose(SUMS, 2, 1, random.Random(0))


def test_a_mixture_without_a_graded_task_is_refused():
    with pytest.raises(ConfigError, match="it is empty"):
        graded_tasks({"parity": Ingredient(weight=0)})
    assert set(graded_tasks({"parity": Ingredient(), "sorting": Ingredient(weight=0)})) == {"parity"}
