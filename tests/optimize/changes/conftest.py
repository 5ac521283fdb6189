import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from bloomery.core.evidence import Bar, Check, Evidence, judge
from bloomery.core.workspace import Workspace
from bloomery.optimize.changes import About, Ledger, Patch, Rules, approve, attach, open_ledger, propose

TEXT = "".join(f"line {number}\n" for number in range(1, 21))


@pytest.fixture(autouse=True)
def private_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git as on a machine where nobody has configured it."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "ada@localhost")


@dataclass
class Site:
    """A repository with a workspace beside it."""

    root: Path
    home: Path
    rules: Rules

    @cached_property
    def workspace(self) -> Workspace:
        return Workspace.open(self.home)

    @property
    def ledger(self) -> Ledger:
        return open_ledger(self.workspace, self.root, self.rules)

    def git(self, *words: str, stdin: str = "") -> str:
        done = subprocess.run(["git", *words], cwd=self.root, input=stdin, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def read(self, path: str) -> str:
        return (self.root / path).read_text()

    def commit(self, message: str = "more") -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def snapshot(self) -> dict[str, object]:
        """Every file of the tree with its bytes and permissions, every folder, and what git says of them."""
        paths = [path for path in sorted(self.root.rglob("*")) if ".git" not in path.parts]
        files = {
            str(path.relative_to(self.root)): (path.is_file() and path.read_bytes(), path.stat().st_mode)
            for path in paths
        }
        own = sorted(path.name for path in (self.root / ".git").iterdir())
        return {"files": files, "git": own, "status": self.git("status", "--porcelain"), "head": self.head()}

    def head(self) -> str:
        return self.git("rev-parse", "HEAD") + self.git("ls-files", "--stage")

    def edit(self, **lines: str) -> str:
        """The usual text with other lines: `edit(l3="x")`."""
        out = TEXT.splitlines()
        for name, text in lines.items():
            out[int(name[1:]) - 1] = text
        return "\n".join(out) + "\n"

    def propose(self, texts: dict[str, str | None], proposer: str = "rewrites", **said: object) -> Patch:
        return propose(self.ledger, About(proposer=proposer, **said), texts=texts)

    def approved(self, texts: dict[str, str | None], **said: object) -> Patch:
        patch = self.propose(texts, **said)
        attach(self.ledger, patch.cid, [passed()], by="validation")
        approve(self.ledger, patch.cid, by="Ada")
        return patch


def passed(
    check: str = "tests", measured: float = 1.0, *, bar: float = 1.0, required: bool = True
) -> Evidence:
    asked = Check(name=check, bar=Bar(op=">=", value=bar), required=required)
    return judge(asked, measured, how="", duration_s=0.5)


@pytest.fixture
def measured() -> Callable[..., Evidence]:
    """Evidence of a check, `>= 1` unless `bar` is given."""
    return passed


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with one commit on the branch dev, and an empty workspace beside it."""
    with pytest.MonkeyPatch.context() as patch:
        private_git.__wrapped__(tmp_path_factory.getbasetemp(), patch)
        site = Site(tmp_path_factory.mktemp("template") / "tree", Path(), Rules())
        site.root.mkdir()
        site.git("init", "--quiet", "--initial-branch=dev")
        for path in ("a.py", "b.py", "pkg/c.py"):
            site.write(path, TEXT)
        site.commit("first")
    Workspace.open(site.root.parent / "space").catalog.close()
    return site.root


@pytest.fixture
def make_site(tmp_path: Path, template: Path) -> Callable[..., Site]:
    def make(name: str = "one", branch: str = "dev", rules: Rules | None = None) -> Site:
        site = Site(tmp_path / name / "tree", tmp_path / name / "space", rules or Rules())
        shutil.copytree(template.parent, site.root.parent)
        if branch != "dev":
            site.git("checkout", "--quiet", "-b", branch)
        return site

    return make


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site()
