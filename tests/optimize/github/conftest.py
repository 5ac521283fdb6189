import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pytest

from benchmarks.github.fake import NAME, TOKEN, FakeGitHub
from bloomery.agents.keys import Key
from bloomery.core.evidence import Bar, Check, Evidence, judge
from bloomery.core.workspace import Workspace
from bloomery.optimize.changes import About, Ledger, Patch, attach, open_ledger, propose
from bloomery.optimize.github.connection import Connection, connect
from bloomery.optimize.github.limits import Pace

SLOW = (
    "def total(values):\n    out = 0\n    for value in values:\n        out = out + value\n    return out\n"
)
FAST = "def total(values):\n    return sum(values)\n"


@pytest.fixture(autouse=True)
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git as on a machine where nobody has configured it, and nobody's token or proxy."""
    for name in list(os.environ):
        if name.startswith(("GIT_", "GITHUB_", "GH_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "ada@localhost")


@dataclass
class Clock:
    """A clock that moves when somebody sleeps; `slept` is how long, each time."""

    time: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass
class Site:
    """A clone of the fake's repository on its branch main, with a workspace beside it."""

    root: Path
    home: Path

    @cached_property
    def ledger(self) -> Ledger:
        return open_ledger(Workspace.open(self.home), self.root)

    def git(self, *words: str) -> str:
        return git(self.root, *words)

    def pull(self) -> None:
        self.git("pull", "--quiet", "--ff-only")

    def propose(self, text: str = FAST, *, passes: bool = True, **said: object) -> Patch:
        about = About(**{"proposer": "rewrites", "goal": "speed", "operator": "sum-of-loop", **said})
        patch = propose(self.ledger, about, texts={"src/engine.py": text})
        attach(self.ledger, patch.cid, evidence(passes), by="validation")
        return patch


@pytest.fixture
def measured() -> Callable[..., list[Evidence]]:
    return evidence


def evidence(passes: bool = True) -> list[Evidence]:
    """Three checks, one of each state where `passes` is false; the last decides nothing."""
    tests = Check(name="tests", bar=Bar(op=">=", value=1.0))
    speed = Check(name="speed", bar=Bar(op=">", value=1.0), unit="times", required=False)
    scan = Check(name="scan", bar=Bar(op="==", value=0.0), required=False)
    return [
        judge(tests, 1.0 if passes else 0.5, how="pytest", duration_s=0.5),
        judge(speed, 3.25, how="interleaved", duration_s=2.0),
        Evidence(check=scan.name, state="not_run", bar=str(scan.bar), reason="bandit | is not installed",
                 required=False),
    ]  # fmt: skip


@pytest.fixture(scope="session")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare repository with one commit on main, and an empty workspace."""
    folder = tmp_path_factory.mktemp("seed")
    with pytest.MonkeyPatch.context() as patch:
        private.__wrapped__(folder, patch)
        git(folder, "init", "--quiet", "--initial-branch=main", "tree")
        for path, text in {"src/engine.py": SLOW, "README.md": "engine\n"}.items():
            (folder / "tree" / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / "tree" / path).write_text(text)
        git(folder / "tree", "add", "--all")
        git(folder / "tree", "commit", "--quiet", "--message", "first")
        git(folder, "clone", "--quiet", "--bare", "tree", "bare.git")
    Workspace.open(folder / "space").catalog.close()
    return folder


@pytest.fixture
def fake(seed: Path, tmp_path: Path) -> Iterator[FakeGitHub]:
    shutil.copytree(seed / "bare.git", tmp_path / "bare.git")
    with FakeGitHub(tmp_path / "bare.git") as server:
        yield server


@pytest.fixture
def site(fake: FakeGitHub, seed: Path, tmp_path: Path) -> Site:
    git(tmp_path, "clone", "--quiet", str(fake.bare), "tree")
    shutil.copytree(seed / "space", tmp_path / "space")
    return Site(tmp_path / "tree", tmp_path / "space")


@pytest.fixture
def pace(clock: Clock) -> Pace:
    return Pace(now=clock.now, sleep=clock.sleep)


@pytest.fixture
def opened(fake: FakeGitHub, tmp_path: Path, pace: Pace) -> Callable[..., AbstractContextManager[Connection]]:
    """Connections to the fake, all with one folder of answers, as processes one after another."""

    def open_one(token: str | None = TOKEN, **given: object) -> AbstractContextManager[Connection]:
        key = Key(token) if token else None
        return connect(
            NAME, **{"folder": tmp_path / "answers", "token": key, "url": fake.url, "pace": pace, **given}
        )

    return open_one


@pytest.fixture
def github(opened: Callable[..., AbstractContextManager[Connection]]) -> Iterator[Connection]:
    with ExitStack() as stack:
        yield stack.enter_context(opened())
