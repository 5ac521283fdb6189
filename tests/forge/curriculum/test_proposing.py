"""Proposers: what they write is looked at before a model is tried on it."""

import random

import pytest

from bloomery.core.errors import ConfigError
from bloomery.forge.curriculum.proposing import Checked, Generators, graded_tasks
from bloomery.tasks.ingredient import Ingredient
from bloomery.tasks.registry import task
from bloomery.tasks.splitting import side_of
from bloomery.tasks.task import Example

SUMS = task("chained_sums")


def anything(_):
    return True


class Writes:
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


def test_a_problem_without_an_answer_is_refused_by_name():
    with pytest.raises(ConfigError, match=r"has no answer that the task's scorer accepts: '1\+1='"):
        Checked(Writes(Example("1+1=", "", 2)), anything).propose(SUMS, 2, 1, random.Random(0))


@pytest.mark.parametrize("written", [(), (one_of("test"),)])
def test_a_proposer_without_usable_problems_is_refused(written):
    with pytest.raises(ConfigError, match="Writes gave 0 usable problems"):
        Checked(Writes(*written), anything).propose(SUMS, 2, 1, random.Random(0))


def test_a_mixture_without_a_graded_task_is_refused():
    with pytest.raises(ConfigError, match="it is empty"):
        graded_tasks({"parity": Ingredient(weight=0)})
    assert set(graded_tasks({"parity": Ingredient(), "sorting": Ingredient(weight=0)})) == {"parity"}
