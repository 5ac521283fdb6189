"""A conversation carries out the calls that are written, and ends."""

import pytest

from bloomery.core.errors import ConfigError, Failure
from bloomery.tasks.registry import task
from bloomery.tasks.task import Example
from bloomery.tasks.tools.conversation import Conversation, ToolExample, attempt, attempts
from bloomery.tasks.tools.demonstration import demonstrate
from bloomery.tasks.tools.grading import ToolUse, grade, graded, tool_use
from bloomery.tasks.tools.tool import Call
from bloomery.tasks.tools.toolbox import toolbox

BOX = toolbox("calculator", "store", "file")
SUM = Example("3+5=", "8", 2)


def saying(*texts):
    """A writer that says these, one after the other, and notes what it was shown."""
    left = iter(texts)

    def write(text):
        write.shown.append(text)
        return next(left)

    write.shown = []
    return write


def test_a_result_follows_its_call_and_the_answer_follows_the_result():
    write = saying("[c3+5]", "8")
    tried = attempt(write, SUM, BOX)
    assert write.shown == ["3+5=", "3+5=[c3+5]{8}"]
    assert (tried.transcript, tried.answer, tried.ended, tried.returned) == ("[c3+5]{8}8", "8", "answered", 1)
    assert tried.called[0].call == Call("calculator", {"expression": "3+5"})


def test_results_that_a_model_invents_are_dropped():
    write = saying("so [c3+5]{9}9", "8")
    tried = attempt(write, SUM, BOX)
    assert write.shown[1] == "3+5=so [c3+5]{8}"
    assert tried.answer == "8"


def test_an_answer_without_a_call_is_an_answer():
    tried = attempt(saying("8"), SUM, BOX)
    assert (tried.answer, tried.called, tried.transcript) == ("8", (), "8")


@pytest.mark.parametrize(
    ("written", "state", "shown"),
    [
        ("[c1/0]", "failed", "{!division by zero}"),
        ("[x1]", "refused", "{!no tool has the letter 'x'; there are c, s, f}"),
        ("[fa|x]", "refused", "{!line is no JSON: 'x'}"),
        ("[c2**999]", "failed", "{!301 characters came, at most 200 fit}"),
    ],
)
def test_a_call_that_fails_says_why_and_the_model_goes_on(written, state, shown):
    tried = attempt(saying(written, "[c3+5]", "8"), SUM, BOX)
    assert [one.state for one in tried.called] == [state, "returned"]
    assert tried.transcript == f"{written}{shown}[c3+5]{{8}}8"
    assert tried.answer == "8"


def test_calls_without_end_are_ended():
    tried = attempt(lambda text: "[c1+1]", SUM, BOX, max_calls=3)
    assert (len(tried.called), tried.answer, tried.ended) == (3, None, "out of calls")
    assert attempt(lambda text: "[c1+1]", SUM, BOX, max_calls=0).called == ()


def test_a_call_that_is_cut_off_is_no_answer():
    tried = attempt(saying("8[c3+"), SUM, BOX)
    assert (tried.answer, tried.ended, tried.transcript) == (None, "unfinished call", "8[c3+")


def test_a_store_lasts_for_one_attempt_and_changes_no_example():
    example = ToolExample("@", "2", 1, stored={"k": "1"})
    for _ in range(2):
        tried = attempt(saying("[sk]", "[sk|2]", "[sk]", "2"), example, BOX)
        assert [one.result for one in tried.called] == ["1", "2", "2"]
    assert example.stored == {"k": "1"}


def test_many_attempts_go_as_each_would_alone():
    scripts = {"a": ["1"], "b": ["[c1+1]", "2"], "c": ["[c1/0]", "[c3]", "3"], "d": ["["], "e": ["[c1]"] * 9}
    examples = [Example(f"{name}=", "", 1) for name in scripts]

    def together(texts):
        rounds.append(len(texts))
        return [scripts[text[0]][text.count("]")] for text in texts]

    rounds = []
    assert attempts(together, examples, BOX, 4) == [
        attempt(saying(*script), example, BOX, 4)
        for script, example in zip(scripts.values(), examples, strict=True)
    ]
    assert rounds == [5, 3, 2, 1, 1]


def test_an_unfinished_conversation_is_no_attempt():
    with pytest.raises(RuntimeError, match="goes on"):
        Conversation(SUM, BOX, max_calls=1).attempt()


def test_right_answers_are_counted_beside_what_the_calls_did():
    scripts = [("8",), ("[c3+5]", "8"), ("[c1/0]", "[x]", "9"), ("[",)]
    tried = [attempt(saying(*script), SUM, BOX) for script in scripts]
    sums = task("chained_sums")
    found = graded(sums, [SUM] * 4, tried)
    assert (found.correct, found.total, found.chance) == (2, 4, 0.1)
    assert found.benchmark == "chained_sums v1, with tools"
    assert tool_use(tried) == ToolUse(returned=1, failed=1, refused=1, unanswered=1)
    with pytest.raises(ConfigError, match="no examples"):
        graded(sums, [], [])


def test_an_attempt_without_an_answer_is_never_shown_to_the_scorer():
    class Strict(type(task("chained_sums"))):
        def score(self, example, text):
            return float(
                text.strip() == example.answer
            )  # as other packages' scorers: fails on what is no text

    tried = attempt(saying("["), SUM, BOX)
    assert grade(Strict(), SUM, tried) == 0.0


@pytest.mark.parametrize(
    ("calls", "said"),
    [
        ((Call("calculator", {"expression": "3+4"}),), "returned: 7, expected '8'"),
        ((Call("calculator", {"expression": "1/0"}),), "failed"),
        ((), "no call"),
    ],
)
def test_a_demonstration_whose_calls_do_not_give_the_answer_is_refused(calls, said):
    with pytest.raises(Failure, match=said):
        demonstrate(ToolExample("3+5=", "8", 2, calls=calls), BOX)
