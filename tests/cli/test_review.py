"""bloomery review: what it prints and how it ends."""

import json
import subprocess
from decimal import Decimal

import pytest

from bloomery.agents.answers import Analysis
from bloomery.agents.questions import Answer
from bloomery.cli import review

IDENTITY = ["-c", "user.name=Ada", "-c", "user.email=ada@localhost", "-c", "commit.gpgsign=false"]
CHEAP = [part for name in ("types", "security", "lint") for part in ("--without", name)]
EMPTY = "def later(a):\n    raise NotImplementedError\n"


@pytest.fixture
def project(tmp_path):
    def git(*words):
        subprocess.run(["git", *IDENTITY, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init", "-q")
    (tmp_path / "shop.py").write_text("def area(a, b):\n    return a * b\n")
    git("add", "-A")
    git("commit", "-q", "-m", "begin")
    return tmp_path


def test_findings_are_told_with_their_places_and_what_to_do(bloomery, project):
    (project / "shop.py").write_text(EMPTY)
    said = bloomery("review", "-C", project, *CHEAP)
    assert "shop.py:1: warning: later stands for work that is not done" in said.out
    assert "shop.py:1: warning: area is gone" in said.out
    assert "1 changed file: 0 errors, 2 warnings, 1 note; nothing stands against it" in said.out
    assert said.code == 0
    assert bloomery("review", "-C", project, "--strict", *CHEAP).code == 1


def test_json_holds_all_and_an_error_is_exit_code_1(bloomery, project):
    (project / "shop.py").write_text("def broken(:\n")
    said = bloomery("review", "-C", project, "--json", *CHEAP)
    found = json.loads(said.out)
    assert (said.code, found["passes"], found["head"], found["paths"]) == (1, False, None, ["shop.py"])
    assert [(one["check"], one["line"]) for one in found["findings"] if one["severity"] == "error"] == [
        ("syntax", 1)
    ]
    states = {one["check"]: one["state"] for one in found["checks"]}
    assert (states["syntax"], states["types"], states["untested lines"]) == ("failed", "not_run", "not_run")


def test_what_the_caller_can_mend_is_exit_code_2(bloomery, project, tmp_path_factory):
    assert bloomery("review", "nowhere..HEAD", "-C", project).code == 2
    assert bloomery("review", "-C", tmp_path_factory.mktemp("no repository")).code == 2
    assert bloomery("review", "-C", project, "--without", "tpyes").err.count("types") == 1


def test_a_models_opinion_is_marked_and_changes_no_exit_code(bloomery, project, monkeypatch):
    remark = {"line": 1, "kind": "bug", "claim": "it is all wrong", "suggestion": "write it anew"}
    value = Analysis.model_validate({"findings": [remark]})
    answer = Answer(value=value, model="tiny", cached=False, tokens=1, dollars=Decimal(0), cid=None)
    monkeypatch.setattr(review, "_ask", lambda _path: lambda *_, **__: answer)
    (project / "shop.py").write_text("def area(a, b):\n    return b * a\n")
    said = bloomery("review", "-C", project, "--strict", "--ask-models", *CHEAP)
    assert "A model's opinion, which nobody checked and which decides nothing:" in said.out
    assert "shop.py:1: tiny on bug: it is all wrong (write it anew)" in said.out
    assert said.code == 0


def test_without_a_model_that_can_be_asked_the_review_says_so_and_goes_on(bloomery, project, monkeypatch):
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    (project / "shop.py").write_text("def area(a, b):\n    return b * a\n")
    said = bloomery("review", "-C", project, "--ask-models", *CHEAP)
    assert "no model's opinion: " in said.out
    assert said.code == 0
