"""bloomery paper: the verbs that read and plan. The rooms behind them have tests of their own."""

import json
from pathlib import Path

import pytest

from bloomery.papers.markdown import read_file
from bloomery.papers.planning import read_plan

pytest.importorskip("pylatexenc", reason="the extra `papers` is not installed")

FIXTURES = Path(__file__).parents[1] / "papers" / "reading" / "fixtures"
FADING, COLUMNS = FIXTURES / "fading", FIXTURES / "printed" / "columns.pdf"


@pytest.fixture
def contexts(bloomery, tmp_path):
    """Both papers read, as `papers/<id>/<id>.context.md` of a repository."""
    said = bloomery("paper", "read", FADING, COLUMNS, "-o", tmp_path / "read", "--date", "2026-01-02")
    assert said.code == 0
    for path in (tmp_path / "read").glob("*.context.md"):
        folder = tmp_path / "papers" / path.name.removesuffix(".context.md")
        folder.mkdir(parents=True)
        path.rename(folder / path.name)
    return sorted(tmp_path.glob("papers/*/*.context.md"))


def test_papers_become_contexts_that_say_how_much_they_hold(bloomery, tmp_path):
    said = bloomery("paper", "read", FADING, COLUMNS, "-o", tmp_path, "--json")
    found = json.loads(said.out)
    assert (said.code, found["errors"]) == (0, {})
    for source, one in found["written"].items():
        assert len(read_file(one["path"]).context.equations) == one["equations"] > 10, source


def test_what_cannot_be_read_is_said_and_the_rest_is_written(bloomery, tmp_path):
    said = bloomery("paper", "read", tmp_path / "nothing.pdf", FADING, "-o", tmp_path)
    assert said.code == 2
    assert "nothing.pdf" in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["fading-memory.context.md"]


def test_a_context_that_is_there_is_not_overwritten(bloomery, tmp_path):
    path = tmp_path / "fading-memory.context.md"
    path.write_text("mine")
    assert bloomery("paper", "read", FADING, "-o", tmp_path).code == 2
    assert path.read_text() == "mine"
    assert bloomery("paper", "read", FADING, "-o", tmp_path, "--force").code == 0
    assert path.read_text() != "mine"


@pytest.mark.parametrize("name", ["../../x", "Fading", "a/b", " "])
def test_an_id_that_is_none_is_refused_before_anything_is_read(bloomery, tmp_path, name):
    said = bloomery("paper", "read", FADING, "-o", tmp_path / "deep" / "er", "--id", name)
    assert said.code == 2
    assert f"'{name}' is no paper's id" in said.err
    assert list(tmp_path.iterdir()) == []


def test_a_check_ends_as_its_findings_do(bloomery, contexts):
    said = bloomery("paper", "check", *contexts, "--json")
    errors = [one for one in json.loads(said.out)["diagnostics"] if one["severity"] == "error"]
    assert said.code == int(bool(errors))
    assert bloomery("paper", "check", *contexts, "--strict").code == 1


def test_a_plan_is_written_and_can_be_read_again(bloomery, contexts, tmp_path):
    output = tmp_path / "PLAN.md"
    said = bloomery("paper", "plan", *contexts, "-o", output, "--intent", "validate", "--env", "gpu")
    assert said.code == 0
    made = read_plan(output)
    assert {one.id for one in made.papers} == {"columns", "fading-memory"}
    assert f"{len(made.tasks)} tasks" in said.out
    first = output.read_bytes()
    bloomery("paper", "plan", *reversed(contexts), "-o", output, "--intent", "validate", "--env", "gpu")
    assert output.read_bytes() == first


def test_a_project_is_made_once_and_what_was_changed_in_it_is_kept(bloomery, contexts, tmp_path):
    plan, project = tmp_path / "PLAN.md", tmp_path / "project"
    bloomery("paper", "plan", *contexts, "-o", plan)
    told = bloomery("paper", "scaffold", plan, "-o", project, "--dry-run")
    assert (told.code, project.exists()) == (0, False)
    assert "pyproject.toml" in told.out
    made = json.loads(bloomery("paper", "scaffold", plan, "-o", project, "--json").out)
    assert {one["action"] for one in made["files"]} == {"written"}
    (project / "README.md").write_text("mine")
    again = bloomery("paper", "scaffold", plan, "-o", project)
    assert again.code == 1
    assert "README.md" in again.out
    assert (project / "README.md").read_text() == "mine"


def test_a_graph_is_a_diagram_or_plain_data(bloomery, contexts):
    assert bloomery("paper", "graph", *contexts).out.startswith("graph TD")
    levels = json.loads(bloomery("paper", "graph", *contexts, "--json").out)["levels"]
    assert "fading-memory:1.1" in levels[0]


def test_a_repositorys_papers_are_listed_and_shown(bloomery, contexts, tmp_path):
    rows = json.loads(bloomery("paper", "list", tmp_path, "--json").out)
    assert [row["id"] for row in rows] == ["columns", "fading-memory"]
    assert "Fading Memory" in bloomery("paper", "list", tmp_path).out
    assert "1.2" in bloomery("paper", "show", "fading-memory", "--root", tmp_path).out
    one = json.loads(bloomery("paper", "show", "fading-memory", "1.2", "--root", tmp_path, "--json").out)
    assert one["number"] == "1.2"
    assert one["latex"] in bloomery("paper", "show", contexts[1], "1.2").out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["check", "none.context.md"], "there is no such context"),
        (["show", "none"], "there is no such context"),
        (["plan", "none.context.md"], "make one by `bloomery paper read`"),
        (["verify", "nowhere"], "there is no such folder"),
        (["quality", "nowhere"], "there is no such folder"),
    ],
)
def test_what_is_not_there_is_named(bloomery, arguments, says):
    said = bloomery("paper", *arguments)
    assert said.code == 2
    assert says in said.err


def test_an_unknown_equation_is_refused_with_those_that_there_are(bloomery, contexts):
    said = bloomery("paper", "show", contexts[1], "99")
    assert said.code == 2
    assert "equation" in said.err
    assert "99" in said.err
