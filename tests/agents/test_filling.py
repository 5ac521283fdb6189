"""A language model behind the papers' door and behind the curriculum's: what it says is judged there."""

import random
from collections import Counter
from pathlib import Path

import pytest

from bloomery.agents.filling import ModelFiller
from bloomery.agents.problems import ModelProblems
from bloomery.core.errors import ConfigError
from bloomery.forge.curriculum.proposing import Checked, TaskProposer
from bloomery.papers.context import Variable
from bloomery.papers.reading.extracting import extract
from bloomery.papers.reading.latex import read_latex
from bloomery.papers.reading.proposing import fill
from bloomery.tasks.registry import task
from tests.agents.fakes import Fake, settings

FADING = Path(__file__).parents[1] / "papers" / "reading" / "fixtures" / "fading"
FIELDS = {
    "plain_english": "The output is the memory times the query.",
    "variables": [{"symbol": "x", "description": "a number"}],
    "criteria": ["A memory of zeros gives an output of zeros."],
}


@pytest.fixture(scope="module")
def document():
    return read_latex(FADING)


@pytest.fixture
def context(document):
    from dataclasses import replace

    whole = extract(document, paper_id="fading")
    return replace(whole, equations=tuple(one for one in whole.equations if one.number == "3.3"))


def test_a_model_fills_an_equations_empty_fields_and_they_are_marked(context, document) -> None:
    fake = Fake({"tiny": [FIELDS]})
    filled, found = fill(context, document, ModelFiller(fake.router(settings()).ask))
    (equation,) = filled.equations
    assert equation.plain_english == FIELDS["plain_english"]
    assert equation.variables == (Variable("x", description="a number"),)
    assert equation.proposed == ("plain_english", "variables", "criteria")
    assert found == []
    asked = str(fake.requests[0][0])
    assert equation.latex in asked.replace("\\\\", "\\")
    assert document.title in asked


def test_what_the_equation_has_not_is_left_out_by_the_papers_own_judgement(context, document) -> None:
    fake = Fake({"tiny": [{**FIELDS, "variables": [{"symbol": "\\zeta", "description": "no"}]}]})
    filled, (found,) = fill(context, document, ModelFiller(fake.router(settings()).ask))
    assert filled.equations[0].proposed == ("plain_english", "criteria")
    assert "the equation has no" in found.message


def test_without_a_model_the_fields_stay_empty_and_a_diagnostic_says_why(context, document) -> None:
    from bloomery.agents.routing import Router
    from bloomery.agents.settings import Settings

    router = Router(Settings.load(), environment={})
    filled, (found,) = fill(context, document, ModelFiller(router.ask))
    assert filled == context
    assert "nothing is proposed: no language model is configured" in found.message


def test_a_model_that_stays_out_of_form_leaves_the_fields_empty(context, document) -> None:
    fake = Fake({"tiny": [{"plain_english": 3}]})
    filled, (found,) = fill(context, document, ModelFiller(fake.router(settings()).ask))
    assert filled == context
    assert "no language model answered 'paper_fields'" in found.message


def test_a_model_writes_problems_that_the_curriculum_computes_again() -> None:
    """Right ones, wrong ones and ones of no form: only the right ones of the training side come through."""
    sums, rng = task("chained_sums"), random.Random(3)
    right = [f"{a}+{b}=" for a in range(2, 9) for b in range(2, 9)]
    written = [{"prompt": one, "answer": str(eval(one[:-1]))} for one in right]
    wrong = [{"prompt": "2+2=", "answer": "5"}, {"prompt": "what is two and two?", "answer": "4"}]
    fake = Fake({"tiny": [{"problems": [*wrong, *written]}]})
    proposer: TaskProposer = ModelProblems(fake.router(settings()).ask, "language model tiny")
    checked = Checked(proposer, lambda _: True, Counter())
    found = checked.propose(sums, 2, 5, rng)
    assert len(found) == 5
    assert all(sums.solve(one.prompt) == one.answer for one in found)
    assert {one.difficulty for one in found} == {2}
    assert set(checked.refused) >= {"with a wrong answer", "no prompt that the task can compute"}
    assert checked.name == "language model tiny"


def test_each_request_for_problems_is_another_question_and_equal_seeds_make_equal_ones() -> None:
    sums = task("chained_sums")

    def asked(*seeds: int) -> list[str]:
        fake = Fake({"tiny": [{"problems": [{"prompt": "1+1=", "answer": "2"}]}]})
        router = fake.router(settings())
        for seed in seeds:
            ModelProblems(router.ask, "m").propose(sums, 2, 1, random.Random(seed))
        return [str(messages[0].parts[0].content) for messages, _ in fake.requests]

    first, second = asked(1, 2)
    assert first != second
    assert asked(1) == [first]


def test_a_model_that_writes_nothing_usable_is_not_asked_for_ever() -> None:
    fake = Fake({"tiny": [{"problems": [{"prompt": "2+2=", "answer": "5"}]}]})
    checked = Checked(ModelProblems(fake.router(settings()).ask, "m", most=3), lambda _: True)
    with pytest.raises(ConfigError, match="m gave 0 usable problems"):
        checked.propose(task("chained_sums"), 2, 5, random.Random(0))
    assert len(fake.asked) == 3
