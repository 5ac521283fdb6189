"""Statements that a code model writes anew are proposals like any other."""

from random import Random

import pytest

from bloomery.core.errors import FormatRefused, UnknownName
from bloomery.optimize.proposal import Known, Target
from bloomery.optimize.proposers.diffusing import CodeDiffusion


def asked_of(calls):
    def rewrite(text, language, function, seed):
        calls.append((language, function, seed))
        yield text.replace("1", "2"), f"line 2 of {function}"

    return rewrite


@pytest.fixture
def target(tmp_path):
    (tmp_path / "a.py").write_text("def f():\n    return 1\n")
    return Target(tmp_path, "a.py", "f")


def test_each_text_is_a_candidate_with_its_reason_and_the_models_name(target):
    calls = []
    (one,) = CodeDiffusion(asked_of(calls), "3fa2").propose(target, "fix", rng=Random(5))
    assert (one.proposer, one.operator, one.why) == ("code diffusion 3fa2", "infill", "line 2 of f")
    assert one.texts == {"a.py": "def f():\n    return 2\n"}
    assert (one.function, one.safety) == ("f", "candidate")
    assert calls == [("python", "f", Random(5).randrange(2**31))]


def test_without_a_function_those_that_are_urgent_are_asked_about_else_the_file(target):
    calls = []
    proposer = CodeDiffusion(asked_of(calls), "3fa2")
    whole = Target(target.root, target.path)
    list(proposer.propose(whole, "speed", rng=Random(0)))
    known = Target(target.root, target.path, known=Known(functions=("f", "g")))
    list(proposer.propose(known, "speed", rng=Random(0)))
    assert [function for _, function, _ in calls] == [None, "f", "g"]


def test_other_goals_and_other_files_are_not_its_own(target):
    proposer = CodeDiffusion(asked_of([]), "3fa2")
    assert list(proposer.propose(target, "coverage", rng=Random(0))) == []
    assert list(proposer.propose(target, "security", rng=Random(0))) == []
    (target.root / "a.txt").write_text("1")
    assert list(proposer.propose(Target(target.root, "a.txt"), "fix", rng=Random(0))) == []


def test_what_cannot_be_rewritten_is_passed_over_and_the_rest_is_asked(target):
    def rewrite(text, language, function, seed):
        if function == "f":
            raise UnknownName("function", "f", ["g"])
        yield text.replace("1", "2"), "why"
        if function == "g":
            raise FormatRefused("it does not parse")

    known = Target(target.root, target.path, known=Known(functions=("f", "g", "h")))
    found = CodeDiffusion(rewrite, "3fa2").propose(known, "fix", rng=Random(0))
    assert [one.function for one in found] == ["g", "h"]
