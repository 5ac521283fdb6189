"""A plan's boxes follow what was measured: ticked where a test passes, open again where it breaks."""

import re

import pytest

from bloomery.papers.context import Benchmarks, Context, Equation, Result, Variable
from bloomery.papers.markdown import write
from bloomery.papers.planning import read_plan
from bloomery.papers.planning import run as planned

CODE = '''
"""A memory that fades."""


def fade(s, a):
    """Source: fade eq. 1"""
    return {formula}
'''
TEST = """
import pytest

from {package} import fade


@pytest.mark.equation("fade", 1)
def test_a_memory_fades():
    assert fade(2.0, 0.25) == 1.5
"""
SETTINGS = '[tool.pytest.ini_options]\npythonpath = ["src"]\nmarkers = ["equation"]\n'
PAPER = """
citation: {title: Fading, year: 2024, arxiv: "0000.00001"}
claims:
  - {id: loss, value: 2.5, metric: loss, direction: lower, source: Table 1, not_reproduced: it takes years}
"""
CLAIM = "| fade: Puddles"


@pytest.fixture
def project(tmp_path):
    """A project whose plan asks for one equation, with its code and a test."""
    variables = (Variable("s", "state", "Tensor", "[]", "what is kept"),)
    results = (Result("Puddles", "loss", "down", value="2.5", source="Table 1"),)
    context = Context(
        "fade", "Fading", "Fading", ("Ada",), "0000.00001", 2024,
        equations=(Equation("1", "Fade", latex="(1 - a) s", variables=variables),),
        benchmarks=Benchmarks(results=results),
    )  # fmt: skip
    home = tmp_path / "papers" / "fade"
    home.mkdir(parents=True)
    (home / "fade.context.md").write_text(write(context))
    (home / "paper.yaml").write_text(PAPER)
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    plan, _ = planned([home / "fade.context.md"], tmp_path / "PLAN.md", "full")
    (part,) = plan.parts
    package = part.source.removeprefix("src/").removesuffix(".py").replace("/", ".")
    for name, text in ((part.source, CODE.format(formula="(1 - a) * s")), (part.test, TEST)):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text.replace("{package}", package))
    return tmp_path


def boxes(project):
    """By the text of its line: whether it is ticked."""
    lines = (project / "PLAN.md").read_text().splitlines()
    return {re.sub(r"\[[ x]\]", "[]", line): "[x]" in line for line in lines if re.search(r"\[[ x]\]", line)}


def row(project, *words):
    return next(ticked for line, ticked in boxes(project).items() if all(word in line for word in words))


def verify(bloomery, project, *more):
    return bloomery("paper", "verify", project, "--no-mutate", "--plan", project / "PLAN.md", *more)


@pytest.mark.slow
def test_a_box_is_ticked_by_a_passing_test_and_open_again_when_it_breaks(bloomery, project):
    assert not any(boxes(project).values())
    before = read_plan(project / "PLAN.md")
    (part,) = before.parts
    said = verify(bloomery, project)
    assert row(project, part.source)
    assert row(project, "All 1 equations implemented")
    assert row(project, "All tests written")
    assert not row(project, "kills a planted sign")  # nothing was mutated
    assert not row(project, "README.md")  # it is not there
    assert not row(project, CLAIM)  # stated as not reproduced
    assert not row(project, "ruff check")
    assert "gate ruff check" in said.err
    assert read_plan(project / "PLAN.md") == before
    (project / part.source).write_text(CODE.format(formula="(1 + a) * s"))
    verify(bloomery, project)
    assert not row(project, part.source)
    assert not row(project, "All 1 equations implemented")
    assert row(project, "All tests written")  # a test that fails is written


@pytest.mark.slow
def test_code_that_stands_for_work_is_not_done(bloomery, project):
    (part,) = read_plan(project / "PLAN.md").parts
    (project / part.source).write_text(CODE.replace("return {formula}", "raise NotImplementedError"))
    verify(bloomery, project)
    assert not row(project, part.source)
    assert row(project, "All tests written")


@pytest.mark.slow
def test_a_file_that_is_there_ticks_its_box(bloomery, project):
    (project / "README.md").write_text("What this is.\n")
    verify(bloomery, project)
    assert row(project, "README.md")
    (project / "README.md").unlink()
    verify(bloomery, project)
    assert not row(project, "README.md")


@pytest.mark.slow
def test_gates_are_ticked_as_quality_measures_them(bloomery, project):
    verify(bloomery, project, "--gates")
    assert row(project, "`ruff check`")
    assert not row(project, "`ruff format`")  # a blank line too many at the top
    assert row(project, "`pytest`", "100%")
    message = "\n\nTest coverage: 100 %\nMESSAGE\n"
    assert message in (project / "PLAN.md").read_text()
    verify(bloomery, project)  # what is not measured is not said
    assert "Test coverage" not in (project / "PLAN.md").read_text()


def test_gates_without_a_plan_are_refused(bloomery, project):
    said = bloomery("paper", "verify", project, "--gates")
    assert said.code == 2
    assert "name the document by --plan" in said.err


@pytest.mark.slow
def test_a_plan_of_papers_that_were_not_verified_is_refused_and_kept(bloomery, project):
    (project / "papers" / "fade").rename(project / "papers" / "other")
    (project / "papers" / "other" / "fade.context.md").rename(
        project / "papers" / "other" / "other.context.md"
    )
    kept = (project / "PLAN.md").read_bytes()
    said = verify(bloomery, project)
    assert said.code == 2
    assert "fade were not verified" in said.err
    assert (project / "PLAN.md").read_bytes() == kept
