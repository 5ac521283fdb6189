"""`paper bench` takes the repository that `paper verify` takes, and a paper's folder."""

import json

import pytest

from bloomery.papers.context import Benchmarks, Context, Equation, Result, Variable
from bloomery.papers.markdown import write
from bloomery.papers.planning import run as planned
from bloomery.papers.verifying.joining import python_files
from bloomery.papers.verifying.validators.completeness import unshared

MEASURING = "def loss(seed):\n    return 2.0\n\n\ndef depth():\n    return 7.0\n"


def context(paper, value):
    return Context(
        paper, paper.title(), paper.title(), ("Ada",), "0000.00001", 2024,
        equations=(Equation("1", "Fade", latex="x", variables=(Variable("x", "input"),)),),
        benchmarks=Benchmarks(results=(Result("Puddles", "loss", "down", value=value, source="Table 1"),)),
    )  # fmt: skip


@pytest.fixture
def scaffolded(bloomery, tmp_path):
    """A project of two papers as it is scaffolded, where functions measure their claims."""
    paths = []
    for paper, value in (("fade", "2.0"), ("grow", "5.0")):
        paths.append(tmp_path / f"{paper}.context.md")
        paths[-1].write_text(write(context(paper, value)))
    planned(paths, tmp_path / "PLAN.md", "full")
    assert bloomery("paper", "scaffold", tmp_path / "PLAN.md", "-o", tmp_path / "made").code == 0
    return tmp_path / "made"


def measure(project):
    (project / "src" / "measuring.py").write_text(MEASURING)
    for paper, name in (("fade", "loss"), ("grow", "depth")):
        file = project / "papers" / paper / "paper.yaml"
        text = file.read_text()
        assert "  source: Table 1\n" in text
        file.write_text(
            text.replace("  source: Table 1\n", f"  source: Table 1\n  command: measuring:{name}\n")
        )


def test_a_scaffold_benches_itself_as_its_page_says(bloomery, scaffolded, monkeypatch):
    assert "`bloomery paper bench .`" in (scaffolded / "docs" / "benchmarks.md").read_text()
    monkeypatch.chdir(scaffolded)
    said = bloomery("paper", "bench")
    assert said.code == 1
    for name in ("fade/puddles-loss", "grow/puddles-loss"):
        assert f"{name}  2" in said.out or f"{name}  5" in said.out
    assert said.out.count("no command measures it") == 2


def test_the_configs_of_a_scaffold_are_named_by_its_pages(scaffolded):
    configs = list(scaffolded.glob("configs/*.yaml"))
    assert {"default.yaml", "small.yaml", "fade.yaml"} <= {path.name for path in configs}
    assert list(unshared(scaffolded, list(python_files(scaffolded)))) == []


def test_every_paper_is_measured_and_each_claim_judged(bloomery, scaffolded):
    measure(scaffolded)
    said = bloomery("paper", "bench", scaffolded, "--json")
    found = {f"{one['paper']}/{one['name']}": (one["band"], one["measured"]) for one in json.loads(said.out)}
    assert found == {"fade/puddles-loss": ("match", 2.0), "grow/puddles-loss": ("deviation", 7.0)}
    assert said.code == 1
    assert all((scaffolded / "papers" / paper / "RESULTS.md").is_file() for paper in ("fade", "grow"))


def test_one_claim_of_a_repository_is_named_with_its_paper(bloomery, scaffolded):
    measure(scaffolded)
    assert bloomery("paper", "bench", scaffolded, "fade/puddles-loss").code == 0
    assert not (scaffolded / "papers" / "grow" / "RESULTS.json").exists()
    said = bloomery("paper", "bench", scaffolded, "puddles-loss")
    assert said.code == 2
    assert "puddles-loss" in said.err
    assert bloomery("paper", "bench", scaffolded / "papers" / "fade", "puddles-loss").code == 0


def test_a_paper_that_cannot_be_read_is_said_and_the_others_are_measured(bloomery, scaffolded):
    measure(scaffolded)
    (scaffolded / "papers" / "grow" / "grow.context.md").unlink()
    said = bloomery("paper", "bench", scaffolded)
    assert said.code == 2
    assert "papers/grow/paper.yaml" in said.err
    assert (scaffolded / "papers" / "fade" / "RESULTS.md").is_file()
