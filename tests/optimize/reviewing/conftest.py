import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from bloomery.optimize.reviewing import CHECKS, Finding, Review, review

SLOW = {"types"}  # it type-checks both trees: asked for by its own tests


@dataclass
class Site:
    root: Path

    def git(self, *words: str) -> str:
        done = subprocess.run(["git", *words], cwd=self.root, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def write(self, texts: dict[str, str | None]) -> None:
        for path, text in texts.items():
            file = self.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                file.unlink()
            else:
                file.write_text(text)

    def commit(self, texts: dict[str, str | None] | None = None) -> str:
        self.write(texts or {})
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "more")
        return self.git("rev-parse", "HEAD")

    def review(self, revisions: str = "", *only: str, **more) -> Review:
        wanted = set(only) or set(CHECKS) - SLOW
        return review(self.root, revisions, without=set(CHECKS) - wanted, **more)

    def found(self, check: str, before: dict[str, str | None], after: dict[str, str | None]) -> list[Finding]:
        """What one check says of a change of the working tree."""
        self.commit(before)
        self.write(after)
        return list(self.review("", check).findings)


@pytest.fixture
def site(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    for name, value in {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}.items():
        monkeypatch.setenv(name, value)
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "ada@localhost")
    made = Site(tmp_path / "repo")
    made.root.mkdir()
    made.git("init", "-q", "-b", "main")
    made.commit({"README": "nothing yet\n"})
    return made
