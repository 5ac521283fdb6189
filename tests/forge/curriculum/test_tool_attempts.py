"""Attempts with tools: calls are carried out, and learned as the model's own words; results are not."""

import pytest

from bloomery.core.errors import UnknownName
from bloomery.forge.curriculum import tool_attempts
from bloomery.forge.curriculum.attempts import Tried, solutions
from bloomery.forge.curriculum.course import attempt_of
from bloomery.forge.curriculum.pool import Problem
from bloomery.forge.curriculum.settings import ClimbConfig
from bloomery.forge.curriculum.tool_attempts import WithTools
from bloomery.tasks.batches import pieces
from bloomery.tasks.task import Example
from bloomery.tasks.tools.toolbox import toolbox
from tests.forge.curriculum.pupils import TOKENIZER, pupil

SUM = Example("17*23=", "391", 1)


@pytest.fixture
def speaker(monkeypatch):
    """A model that says what it is told to, in turn; what it was shown is kept."""
    said, heard = [], []

    def speak(model, tokenizer, prompts, **_):
        heard.append(list(prompts))
        return [TOKENIZER.encode(said.pop(0), add_special_tokens=False) for _ in prompts]

    monkeypatch.setattr(tool_attempts, "sampled", speak)
    return said, heard


def replies(*problems):
    return WithTools(toolbox("calculator"), 0.5, 2, 24)(None, TOKENIZER, problems, 1)


def test_a_call_is_answered_and_the_model_goes_on_from_there(speaker):
    said, heard = speaker
    said += ["[c17*23] and more", "391"]
    (reply,) = replies(Problem(0, "sums", SUM))
    assert reply.text == "391"
    assert heard == [["17*23="], ["17*23=[c17*23]{391}"]]


def test_the_call_is_learned_and_its_result_is_not(speaker):
    said, _ = speaker
    said += ["[c17*23]", "391"]
    problem = Problem(0, "sums", SUM)
    (reply,) = replies(problem)
    (found,) = solutions([Tried(problem, reply, True)])
    learned = [TOKENIZER.decode(ids) for ids, asked in pieces(found.example(), TOKENIZER) if asked]
    assert learned == ["[c17*23]", "391<|eos|>"]


def test_a_call_that_came_to_nothing_is_read_and_not_learned(speaker):
    said, _ = speaker
    said += ["[c1/0]", "[c17*23]", "391"]
    problem = Problem(0, "sums", SUM)
    (reply,) = replies(problem)
    (found,) = solutions([Tried(problem, reply, True)])
    learned = [TOKENIZER.decode(ids) for ids, asked in pieces(found.example(), TOKENIZER) if asked]
    assert learned == ["[c17*23]", "391<|eos|>"]


def test_who_calls_without_end_has_answered_nothing(speaker):
    said, heard = speaker
    said += ["[c1+1]"] * 3
    (reply,) = replies(Problem(0, "sums", SUM))
    assert reply.text == ""
    assert len(heard) == 3


def test_each_problem_has_its_own_conversation_and_replies_keep_their_order(speaker):
    said, heard = speaker
    said += ["[c2+2]", "5", "4"]
    first, second = replies(
        Problem(7, "sums", Example("2+2=", "4", 1)), Problem(3, "sums", Example("2+3=", "5", 1))
    )
    assert (first.text, second.text) == ("4", "5")
    assert heard[1] == ["2+2=[c2+2]{4}"]


def test_with_a_hint_the_model_goes_on_in_its_own_words():
    attempt = WithTools(toolbox("calculator"), 0.5, 2, 24)
    (reply,) = attempt(pupil(1), TOKENIZER, [Problem(0, "sums", SUM, hints=5)], 1)
    assert reply.text.startswith("391")
    assert reply.shown is None


def test_a_tool_that_there_is_not_is_refused_by_name():
    with pytest.raises(UnknownName, match="calculater"):
        attempt_of(ClimbConfig(tools=("calculater",)))
