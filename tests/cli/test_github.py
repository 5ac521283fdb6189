import json
import subprocess
from pathlib import Path

import pytest

from benchmarks.github.fake import NAME, TOKEN, FakeGitHub, Fault
from bloomery.cli.main import run
from bloomery.core.evidence import Bar, Check, judge
from bloomery.core.workspace import Workspace
from bloomery.optimize.changes import About, attach, open_ledger, propose
from bloomery.optimize.github import connection
from bloomery.optimize.github.limits import Pace

SLOW = "def total(values):\n    out = 0\n    for value in values:\n        out += value\n    return out\n"
FAST = "def total(values):\n    return sum(values)\n"
TESTS = "from engine import total\n\n\ndef test_total():\n    assert total([1, 2, 3]) == 6\n"


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@localhost"]
    done = subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def fake(tmp_path: Path, monkeypatch):
    """A clone is the current folder; GitHub is a server on this machine, and nobody waits."""
    for name in ("GITHUB_REPOSITORY", "GITHUB_TOKEN", "GITHUB_OUTPUT", "GITHUB_EVENT_PATH"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "engine.py").write_text(SLOW)
    (tmp_path / "tree" / "test_engine.py").write_text(TESTS)
    git(tmp_path / "tree", "init", "--quiet", "--initial-branch=main")
    git(tmp_path / "tree", "add", "--all")
    git(tmp_path / "tree", "commit", "--quiet", "--message", "first")
    git(tmp_path, "clone", "--quiet", "--bare", "tree", "bare.git")
    git(tmp_path / "tree", "remote", "add", "origin", f"git@github.com:{NAME}.git")
    monkeypatch.chdir(tmp_path / "tree")
    monkeypatch.setenv("BLOOMERY_WORKSPACE", str(tmp_path / "space"))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    monkeypatch.setattr(connection, "Pace", lambda: Pace(sleep=lambda seconds: None))
    with FakeGitHub(tmp_path / "bare.git") as server:
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        monkeypatch.setenv("GH_TOKEN", TOKEN)
        yield server


@pytest.fixture
def patch(fake, tmp_path: Path) -> str:
    ledger = open_ledger(Workspace.open(tmp_path / "space"), Path())
    about = About(proposer="rewrites", facts={"level": "basic", "tests": ["test_engine.py"]})
    made = propose(ledger, about, texts={"engine.py": FAST})
    asked = Check(name="tests", bar=Bar(op=">=", value=1.0))
    attach(ledger, made.cid, [judge(asked, 1.0, how="pytest", duration_s=1.0)], by="validation")
    return made.cid


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict:
    assert run(["github", *words, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_publishing_opens_a_draft_and_says_so_everywhere(fake, patch, capsys, tmp_path: Path):
    assert run(["github", "publish", "--description", "sums are slow", "--open-issue"]) == 0
    (pull,) = fake.pulls.values()
    assert "sums are slow" in pull["body"]
    shown = capsys.readouterr().out
    assert pull["html_url"] in shown
    assert pull["html_url"] in (tmp_path / "summary.md").read_text()
    assert run(["github", "status"]) == 0
    assert pull["html_url"] in capsys.readouterr().out


def test_without_a_network_the_patches_lie_in_files_and_go_later(fake, patch, capsys, tmp_path: Path):
    fake.faults = [Fault("lost_before", times=1000)]
    told = said(capsys, "publish", "--files", str(tmp_path / "patches"))
    assert "cannot be reached" in told["problem"]
    assert sorted(path.suffix for path in (tmp_path / "patches").iterdir()) == [".json", ".patch"]
    assert "sent next time" in (tmp_path / "summary.md").read_text()
    fake.faults = []
    assert [one["stage"] for one in said(capsys, "publish")["publications"]] == ["open"]


def test_an_expired_token_is_one_line_and_exit_code_2(fake, patch, capsys, monkeypatch, tmp_path: Path):
    monkeypatch.setenv("GH_TOKEN", "ghp_" + "w8" * 20)
    assert run(["github", "publish", "--files", str(tmp_path / "patches")]) == 2
    shown = capsys.readouterr()
    assert "expired or was revoked" in shown.err
    assert len(shown.err.strip().splitlines()[-1:]) == 1
    assert "ghp_" not in shown.out + shown.err
    assert list((tmp_path / "patches").iterdir())


def test_no_token_is_said(fake, patch, capsys, monkeypatch):
    monkeypatch.delenv("GH_TOKEN")
    assert run(["github", "publish"]) == 2
    assert "GH_TOKEN or GITHUB_TOKEN" in capsys.readouterr().err


@pytest.mark.slow
def test_an_approved_pull_request_is_validated_again_merged_and_taken_out(
    fake, patch, capsys, tmp_path: Path, monkeypatch
):
    (one,) = said(capsys, "publish")["publications"]
    event = {"action": "created", "issue": {"number": one["pull"], "pull_request": {}},
             "comment": {"body": "/approve", "user": {"login": "ada"}}}  # fmt: skip
    (tmp_path / "event.json").write_text(json.dumps(event))
    monkeypatch.setenv("GITHUB_EVENT_NAME", "issue_comment")
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(tmp_path / "event.json"))
    monkeypatch.setenv("GITHUB_REPOSITORY", NAME)
    assert said(capsys, "check")["accepted"], (tmp_path / "summary.md").read_text()
    assert said(capsys, "merge")["merged"]
    assert fake.git("show", "main:engine.py") == FAST
    assert f"#{one['pull']} is merged" in (tmp_path / "summary.md").read_text()
    git(tmp_path / "tree", "pull", "--quiet", str(fake.bare), "main")
    (_, two) = sorted(said(capsys, "revert", str(one["pull"]))["publications"], key=lambda one: one["pull"])
    assert fake.git("show", f"{fake.pulls[two['pull']]['head']['ref']}:engine.py") == SLOW


def test_merging_what_was_not_checked_is_refused(fake, patch, capsys):
    (one,) = said(capsys, "publish")["publications"]
    assert run(["github", "merge", str(one["pull"]), "--by", "ada"]) == 2
    assert "bloomery github check" in capsys.readouterr().err


def test_the_limit_is_told_and_handed_to_the_next_step(fake, capsys, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "out"))
    fake.remaining = 150
    assert said(capsys, "limit", "--least", "100")["enough"] is True
    assert said(capsys, "limit", "--least", "200", "--strict", code=1)["enough"] is False
    assert (tmp_path / "out").read_text().count("\ntrue\n") == 1
    assert (tmp_path / "out").read_text().count("\nfalse\n") == 1
    assert fake.remaining == 150


def test_a_workflow_s_task_is_handed_on(fake, capsys, tmp_path: Path, monkeypatch):
    event = {"issue": {"number": 3, "title": "slow", "body": "target: engine.py\ngoal: memory"},
             "label": {"name": "needs-optimization"}}  # fmt: skip
    (tmp_path / "event.json").write_text(json.dumps(event))
    monkeypatch.setenv("GITHUB_EVENT_NAME", "issues")
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(tmp_path / "event.json"))
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "out"))
    told = said(capsys, "task")
    assert (told["target"], told["goal"], told["issue"]) == ("engine.py", "memory", 3)
    assert "\nengine.py\n" in (tmp_path / "out").read_text()


def test_init_writes_the_workflows_of_any_repository(fake, capsys, tmp_path: Path):
    assert len(said(capsys, "init", "--target", "engine.py")["written"]) == 2
    assert 'default: "engine.py"' in (tmp_path / "tree/.github/workflows/bloomery-optimize.yml").read_text()
    assert said(capsys, "init", "--target", "engine.py")["written"] == []


@pytest.mark.parametrize(
    "remote",
    ["https://github.com/ada/engine.git", "https://github.com/ada/engine", "git@github.com:ada/engine.git",
     "ssh://git@github.example:2222/ada/engine.git", "https://ada:pw@ghe.example/ada/engine/"],
)  # fmt: skip
def test_the_repository_is_read_from_the_remote(fake, remote):
    from bloomery.optimize.changes import Repository
    from bloomery.optimize.github.opening import name_of

    git(Path(), "remote", "set-url", "origin", remote)
    assert name_of(Repository.open(), "", {}) == "ada/engine"
