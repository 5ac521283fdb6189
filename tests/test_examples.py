"""The examples are what a reader copies: each runs here as it stands."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.github.fake import TOKEN, FakeGitHub
from bloomery.core.evidence import Bar, Check, judge
from bloomery.core.workspace import Workspace
from bloomery.optimize.changes import About, attach, open_ledger, propose

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
TINY = ROOT / "tests/integration/recipes/tiny.yaml"


def run(name: str, *arguments: str | Path, cwd: Path) -> str:
    done = done_by(name, *arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def done_by(name: str, *arguments: str | Path, cwd: Path) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_MODULES_CACHE": str(cwd / "modules")}
    command = [sys.executable, EXAMPLES / name, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)


@pytest.fixture
def shop(tmp_path):
    """The small repository that the optimizer's examples work on, with a commit."""
    root = shutil.copytree(EXAMPLES / "shop", tmp_path / "shop")
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for words in (["init", "-q", "-b", "main"], ["add", "."], [*who, "commit", "-qm", "begin"]):
        subprocess.run(["git", *words], cwd=root, check=True)
    return root


def test_a_change_is_put_in_with_evidence_and_taken_back_out(shop, tmp_path):
    change = ("prices.py", "result = result + price", "result += price")
    printed = run("patch_workflow.py", shop, *change, cwd=tmp_path).splitlines()
    assert {line.split()[0] for line in printed[:-2]} == {"passed"}
    assert "passed equivalence.behaviour" in printed
    assert printed[-2:] == ["in the tree: True", "as it was: True"]


def test_a_proven_patch_becomes_a_draft_pull_request_and_only_once(shop, tmp_path, monkeypatch):
    ledger = open_ledger(Workspace.open(shop / ".bloomery"), shop)
    changed = (shop / "prices.py").read_text().replace("result = result + price", "result += price")
    patch = propose(ledger, About(proposer="me", description="shorter"), texts={"prices.py": changed})
    passed = judge(Check(name="tests", bar=Bar(op="==", value=0)), 0, how="pytest", duration_s=1)
    attach(ledger, patch.cid, [passed], by="validation")
    subprocess.run(["git", "clone", "-q", "--bare", shop, tmp_path / "bare.git"], check=True)
    with FakeGitHub(tmp_path / "bare.git", name="ada/shop") as github:
        monkeypatch.setenv("GITHUB_API_URL", github.url)
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        first, again = (run("github_workflow.py", shop, "ada/shop", cwd=tmp_path) for _ in range(2))
        monkeypatch.setenv("GITHUB_TOKEN", "expired")
        refused = done_by("github_workflow.py", shop, "ada/shop", cwd=tmp_path)
    assert first == again
    assert first.split() == ["open", "1", patch.cid]
    assert (refused.stdout, "the same command sends them later" in refused.stderr) == (first, True)
    assert [one["draft"] for one in github.pulls.values()] == [True]


@pytest.mark.slow
def test_an_own_proposer_is_believed_where_evidence_is_with_it(shop, tmp_path):
    printed = run("own_proposer.py", shop, "prices.py", "tests", cwd=tmp_path).splitlines()
    assert [line.split()[:2] for line in printed if "sum(" in line] == [
        ["kept", "sum(prices)"],
        ["failed", "sum(set(prices))"],
    ]


@pytest.mark.slow
def test_one_agent_finds_what_is_slow_and_leaves_the_tree_alone(shop, tmp_path):
    before = (shop / "prices.py").read_text()
    printed = run("optimize_a_module.py", shop, "prices.py", "tests", cwd=tmp_path)
    assert re.search(r"^kept list-to-set shared [\d.]+x$", printed, re.MULTILINE)
    assert "bloomery patches apply" in printed
    assert (shop / "prices.py").read_text() == before


@pytest.mark.slow
def test_agents_share_a_queue(shop, tmp_path):
    printed = run("many_agents.py", shop, "tests", "prices.py", cwd=tmp_path).splitlines()
    assert printed[0].startswith("done prices.py by agent-")
    assert printed[1].startswith("patch ready ")
    assert printed[-1] == "0 conflicts"


def test_the_memory_reads_a_stream_in_pieces_as_it_reads_it_whole(tmp_path):
    printed = run("neural_memory_alone.py", cwd=tmp_path)
    assert float(printed.rsplit(" ", 1)[1]) < 1e-5  # float32, sums in another order


def test_an_own_task_shows_held_out_examples_that_are_right(tmp_path):
    shown = re.findall(r"(\d+)=(\d+) chance", run("own_task.py", cwd=tmp_path))
    assert len(shown) == 2
    assert all(answer == prompt[::-1] for prompt, answer in shown)


@pytest.mark.slow
def test_a_model_forged_from_python_answers_in_plain_transformers(tmp_path):
    printed = run("forge_a_model.py", TINY, tmp_path / "workspace", cwd=tmp_path)
    assert "passed   loads in plain transformers" in printed
    folder = printed.strip().splitlines()[-1]
    answered = run("use_a_shipped_model.py", folder, "3+5+9=", "1+1=", cwd=tmp_path)
    assert [line.split(" ")[0] for line in answered.splitlines()] == ["3+5+9=", "1+1="]


def test_a_coins_rewards_tell_a_way_through_its_cell_from_one_a_row_away(tmp_path):
    printed = run("coins.py", cwd=tmp_path).splitlines()
    assert printed == ["row 3: reward -0.21, picked up 1", "row 1: reward -2.16, picked up 0"]


def test_every_example_is_run_here():
    called = re.findall(r'run\("(\w+\.py)"', Path(__file__).read_text())
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(called)
