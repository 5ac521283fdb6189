"""The door for a language model, tried with pydantic-ai's model that is a function: none is ever called."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic_ai import Agent, models
from pydantic_ai.exceptions import UnexpectedModelBehavior
from pydantic_ai.messages import ModelResponse, ToolCallPart
from pydantic_ai.models.function import FunctionModel

from bloomery.papers.context import Context, Variable
from bloomery.papers.reading.document import Document
from bloomery.papers.reading.extracting import extract
from bloomery.papers.reading.latex import read_latex
from bloomery.papers.reading.proposing import Proposal, ProposalRefused, Question, fill

models.ALLOW_MODEL_REQUESTS = False
FADING = Path(__file__).parent / "fixtures" / "fading"
GOOD = {
    "plain_english": "The output is the memory times the query.",
    "variables": [{"symbol": "y_t", "description": "the output"}],
    "criteria": ["A memory of zeros gives an output of zeros."],
}


@pytest.fixture(scope="module")
def document() -> Document:
    return read_latex(FADING)


@pytest.fixture(scope="module")
def context(document) -> Context:
    return extract(document, paper_id="fading")


def only(context: Context, *numbers: str) -> Context:
    return replace(context, equations=tuple(one for one in context.equations if one.number in numbers))


class Asking:
    """What a caller writes: pydantic-ai asks again when an answer is out of form, then gives up."""

    def __init__(self, answers: list[dict]) -> None:
        self.answers, self.asked = answers, 0
        self.agent = Agent(FunctionModel(self._answer), output_type=Proposal, retries=2)

    def _answer(self, messages, info):
        said = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return ModelResponse(parts=[ToolCallPart(info.output_tools[0].name, said)])

    def __call__(self, question: Question) -> Proposal:
        try:
            return asyncio.run(self.agent.run(f"{question.latex}\n{question.after}")).output
        except UnexpectedModelBehavior as error:
            raise ProposalRefused(str(error)) from error


def test_empty_fields_are_filled_and_marked_as_proposed(context, document):
    bare = only(context, "3.3")
    filled, found = fill(
        bare, document, Asking([{**GOOD, "variables": [{"symbol": "x", "description": "a number"}]}])
    )
    (equation,) = filled.equations
    assert equation.plain_english == GOOD["plain_english"]
    assert equation.variables == (Variable("x", description="a number"),)
    assert equation.criteria == tuple(GOOD["criteria"])
    assert equation.proposed == ("plain_english", "variables", "criteria")
    assert found == []


def test_what_the_paper_says_is_not_overwritten(context, document):
    told = context.equation("1.2").variables
    assert told != ()
    filled, _ = fill(only(context, "1.2"), document, Asking([GOOD]))
    (equation,) = filled.equations
    assert equation.variables == told
    assert equation.proposed == ("plain_english", "criteria")


def test_the_question_holds_the_equation_with_its_surroundings(context, document):
    questions = []

    def filler(question: Question) -> Proposal:
        questions.append(question)
        return Proposal()

    filled, found = fill(only(context, "2.2"), document, filler)
    (question,) = questions
    assert (question.paper, question.section, question.number) == (document.title, "Method", "2.2")
    assert question.before.startswith("Here, $s_t$ is the surprise.")
    assert question.latex.startswith(r"\ell_t")
    assert (filled, found) == (only(context, "2.2"), [])  # what proposes nothing changes nothing


def test_an_answer_out_of_form_is_asked_for_again_by_the_callers_library(context, document):
    asking = Asking([{"plain_english": 3}, GOOD])
    filled, found = fill(only(context, "1.2"), document, asking)
    assert asking.asked == 2
    assert filled.equations[0].plain_english == GOOD["plain_english"]
    assert found == []


def test_answers_that_stay_out_of_form_leave_the_fields_empty_with_a_diagnostic(context, document):
    asking = Asking([{"criteria": "none"}])
    filled, (found,) = fill(only(context, "1.2"), document, asking)
    assert asking.asked == 3
    assert filled == only(context, "1.2")
    assert found.code == "proposal"
    assert "equation 1.2: nothing is proposed" in found.message


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        ({"variables": [{"symbol": "\\zeta", "description": "not there"}]}, "variables"),
        ({"variables": [{"symbol": "x"}, {"symbol": "x"}]}, "variables"),
        ({"plain_english": "!!"}, "plain_english"),
    ],
)
def test_what_cannot_be_right_is_left_out_and_said(context, document, answer, field):
    filled, (found,) = fill(only(context, "3.3"), document, Asking([{**answer, "criteria": ["x is one"]}]))
    (equation,) = filled.equations
    assert getattr(equation, field) == getattr(context.equation("3.3"), field)
    assert equation.proposed == ("criteria",)
    assert f"the proposed {field} is left out" in found.message
