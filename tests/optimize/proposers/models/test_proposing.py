"""A language model as a proposer: what it proposes is a whole file, and it never stands in the way."""

import ast
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from bloomery.agents.routing import Router
from bloomery.agents.settings import Settings
from bloomery.core.errors import UserError
from bloomery.optimize.proposal import Proposer, Target
from bloomery.optimize.proposers import proposer
from bloomery.optimize.proposers.models import ModelProposer, language_models
from bloomery.source.python import NotPython
from tests.agents.fakes import PRICED, Fake, budget, entry, settings

LOOP = "def total(xs):\n    t = 0\n    for x in xs:\n        t += x\n    return t\n"
FILE = f"import os\n\n\n{LOOP}\n\nclass A:\n    def one(self):\n        return 1 + 0\n"
SUM = {"source": "def total(xs):\n    return sum(xs)\n", "idea": "sum()", "why": "the loop runs in C"}
ONE = {"source": "def one(self):\n    return 1\n", "idea": "folded", "why": "less to do"}


@pytest.fixture
def target(tmp_path: Path) -> Target:
    (tmp_path / "m.py").write_text(FILE)
    return Target(tmp_path, "m.py", "total")


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "OPENAI_API_KEY",
        "ANTHROPIC_API_KEY",
        "GOOGLE_API_KEY",
        "GEMINI_API_KEY",
        "BLOOMERY_MODELS",
    ):
        monkeypatch.delenv(name, raising=False)


def made(fake: Fake, **options: object) -> Proposer:
    return ModelProposer(fake.router(settings()).ask, **options)


def all_of(proposer: Proposer, target: Target, goal: str = "speed", seed: int = 0) -> list:
    return list(proposer.propose(target, goal, rng=Random(seed)))


def test_a_change_in_form_becomes_a_proposal_of_the_whole_file_and_is_only_a_candidate(target) -> None:
    (proposal,) = all_of(made(Fake({"tiny": [SUM]}), each=1), target)
    assert proposal.texts == {"m.py": FILE.replace(LOOP, SUM["source"])}
    assert (proposal.function, proposal.safety) == ("total", "candidate")
    assert proposal.proposer == "language models"
    assert (proposal.operator, proposal.why) == ("tiny: sum()", "the loop runs in C")
    assert (target.root / "m.py").read_text() == FILE  # nothing is written


def test_the_question_shows_the_function_the_goal_the_file_and_the_wishes(target) -> None:
    fake = Fake({"tiny": [SUM]})
    all_of(made(fake, each=1, wishes="no recursion, please"), target)
    asked = fake.requests[0][0][0].parts[0].content
    for told in ("Goal: speed", "def total(xs)", "`m.py`", "class A", "no recursion, please"):
        assert told in asked


def test_each_proposal_is_asked_for_by_another_approach_and_equal_ones_are_given_once(target) -> None:
    fake = Fake({"tiny": [SUM]})
    assert len(all_of(made(fake, each=3), target)) == 1
    asked = [messages[0].parts[0].content for messages, _ in fake.requests]
    assert len(set(asked)) == 3


def test_equal_seeds_ask_the_same(target) -> None:
    def asked(seed: int) -> list[str]:
        fake = Fake({"tiny": [SUM]})
        all_of(made(fake), target, seed=seed)
        return [messages[0].parts[0].content for messages, _ in fake.requests]

    assert asked(1) == asked(1)


def test_a_change_of_the_signature_is_sent_back_to_be_mended(target) -> None:
    wrong = {**SUM, "source": "def total(xs, start=0):\n    return sum(xs, start)\n"}
    fake = Fake({"tiny": [wrong, SUM]})
    (proposal,) = all_of(made(fake, each=1), target)
    assert "return sum(xs)\n" in proposal.texts["m.py"]
    assert "keep the name and the parameters" in str(fake.requests[1][0][-1])


def test_an_answer_that_stays_wrong_gives_nothing_and_the_next_is_asked(target) -> None:
    wrong = {**SUM, "source": "def other(): pass\n"}
    fake = Fake({"tiny": [wrong, wrong, wrong, SUM]})
    assert len(all_of(made(fake, each=2), target)) == 1


def test_without_a_function_the_file_is_gone_through_the_longest_first(target) -> None:
    fake = Fake({"tiny": [SUM, ONE]})
    found = all_of(made(fake, each=1), Target(target.root, "m.py"))
    assert [one.function for one in found] == ["total", "A.one"]
    for proposal in found:
        ast.parse(proposal.texts["m.py"])
    assert found[1].texts["m.py"].endswith("class A:\n    def one(self):\n        return 1\n")


def test_without_a_model_nothing_is_proposed_and_the_reason_is_said(target, capsys) -> None:
    assert all_of(ModelProposer(Router(Settings.load(), environment={}).ask), target) == []
    assert "no language model is configured" in capsys.readouterr().err


def test_with_the_budget_spent_nothing_is_proposed_and_the_reason_is_said(target, capsys) -> None:
    fake = Fake({"tiny": [SUM]})
    router = fake.router(settings({"tiny": entry(**PRICED)}, budgets=budget(dollars=0.0)))
    assert all_of(ModelProposer(router.ask), target) == []
    assert "does not cover this call" in capsys.readouterr().err
    assert fake.asked == []


def test_it_works_without_a_workspace_and_makes_none(target, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert all_of(language_models(), target) == []
    assert not (tmp_path / ".bloomery").exists()


@pytest.mark.parametrize(("goal", "path"), [("coverage", "m.py"), ("speed", "m.js")])
def test_what_is_not_its_business_is_left_to_others(target, goal, path) -> None:
    (target.root / path).write_text(FILE)
    fake = Fake({"tiny": [SUM]})
    assert all_of(made(fake), Target(target.root, path), goal) == []
    assert fake.asked == []


@pytest.mark.parametrize(
    ("text", "function", "error"),
    [("def f(:\n", None, NotPython), (FILE, "totl", UserError)],
)
def test_a_file_that_does_not_parse_and_a_function_that_is_not_there_are_told(
    target, text: str, function: str | None, error: type[Exception]
) -> None:
    (target.root / "m.py").write_text(text)
    ask: Callable = made(Fake({})).propose
    with pytest.raises(error, match=r"not Python|has no function 'totl'; it has: total, A\.one"):
        list(ask(Target(target.root, "m.py", function), "speed", rng=Random(0)))


def test_it_is_found_by_its_name(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert proposer("language models").name == "language models"
