"""A repository on the fake GitHub, and who works on it."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.github.fake import NAME, TOKEN, FakeGitHub
from bloomery.agents.keys import Key
from bloomery.core.evidence import Bar, Check, judge
from bloomery.core.workspace import Workspace
from bloomery.optimize.changes import About, Ledger, attach, open_ledger, propose
from bloomery.optimize.github import approving
from bloomery.optimize.github.connection import Connection, connect
from bloomery.optimize.github.limits import Pace
from bloomery.optimize.github.outbox import Outbox
from bloomery.optimize.github.publishing import Wanted, publish, publishable
from bloomery.optimize.validating import Verdict

FILES = 24
PASSED = (judge(Check(name="tests", bar=Bar(op=">=", value=1.0)), 1.0, how="always", duration_s=0.0),)
WHO = {f"GIT_{role}_{what}": "ada" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


@dataclass
class Town:
    """A repository on the server, a clone of it, a workspace, and a clock that nobody waits for."""

    folder: Path
    fake: FakeGitHub
    now: float = 0.0
    told: list[str] = field(default_factory=list)

    @property
    def ledger(self) -> Ledger:
        return open_ledger(Workspace.open(self.folder / "space"), self.folder / "tree")

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=self.folder / "tree", capture_output=True, text=True, check=True,
            env=os.environ | WHO | {"GIT_CONFIG_GLOBAL": "/dev/null"},
        )  # fmt: skip
        return done.stdout.strip()

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        pace = Pace(now=lambda: self.now, sleep=self.sleep)
        with connect(
            NAME, folder=self.folder / "answers", token=Key(TOKEN), url=self.fake.url, pace=pace
        ) as one:
            yield one

    def propose(self, number: int, *, issue: bool = False) -> str:
        """A patch of one file, validated."""
        ledger, path = self.ledger, f"src/part{number % FILES}.py"
        before = (self.folder / "tree" / path).read_text()
        text = before.replace("VALUE = ", f"# patch {number}\nVALUE = 1 + ", 1)
        patch = propose(ledger, About(proposer="rewrites", goal="speed"), texts={path: text})
        attach(ledger, patch.cid, PASSED, by="validation")
        if issue:
            self.fake.open_issue(f"part {number} is slow")
        return patch.cid

    def push(self, text: str) -> None:
        """Somebody else's commit on main."""
        self.update()
        (self.folder / "tree" / "README.md").write_text(text)
        self.git("commit", "--quiet", "--all", "--message", "docs")
        self.git("push", "--quiet", "origin", "HEAD:main")

    def update(self) -> None:
        self.git("pull", "--quiet", "--ff-only", "origin", "main")

    def publish(self) -> None:
        ledger = self.ledger
        outbox, wanted = (
            Outbox.of(ledger.workspace, NAME),
            Wanted(files=self.folder / "patches", open_issue=True),
        )
        with self.connection() as github:
            told = publish(ledger, github, outbox, publishable(ledger), wanted)
        if told.problem:
            self.told.append(str(told.problem))

    def approve(self, number: int) -> None:
        """Check a pull request and merge it, as the two jobs of the workflow do."""
        self.update()
        ledger, ask = self.ledger, approving.Ask(pull=number, by="ada", kind="comment")
        outbox = Outbox.of(ledger.workspace, NAME)
        with self.connection() as github:
            if not self.fake.pulls[number]["merged"]:
                approving.check(github, ledger, outbox, ask, lambda *_: Verdict("basic", PASSED))
        with self.connection() as github:
            approving.merge(github, ledger, outbox, ask)


@contextmanager
def town() -> Iterator[Town]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "seed" / "src").mkdir(parents=True)
        for number in range(FILES):
            (folder / "seed" / "src" / f"part{number}.py").write_text(f"VALUE = {number}\n")
        (folder / "seed" / "README.md").write_text("parts\n")
        quiet = {"cwd": folder / "seed", "check": True, "env": os.environ | WHO}
        for words in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-q", "-m", "first")):
            subprocess.run(["git", *words], **quiet)
        subprocess.run(["git", "clone", "-q", "--bare", ".", folder / "bare.git"], **quiet)
        subprocess.run(["git", "clone", "-q", folder / "bare.git", folder / "tree"], **quiet)
        shutil.rmtree(folder / "seed")
        with FakeGitHub(folder / "bare.git", limit=1000, remaining=1000, renewed_in_s=3600) as fake:
            yield Town(folder, fake)
