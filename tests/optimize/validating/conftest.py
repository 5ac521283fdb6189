import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bloomery.optimize.proposal import Proposal
from bloomery.optimize.validating import Verdict, validate
from bloomery.optimize.validating.change import change_of_texts, checked_out_both
from bloomery.optimize.validating.site import Site
from bloomery.optimize.validating.validating import USUAL

PRICES = """\
def total(prices: list[int]) -> int:
    found = 0
    for one in prices:
        found = found + one
    return found


def cheapest(prices: list[int]) -> int:
    return sorted(prices)[0]
"""
FILES = {
    "src/shop/__init__.py": "",
    "src/shop/prices.py": PRICES,
    "tests/test_total.py": (
        "from shop.prices import total\n\n\ndef test_total():\n    assert total([1, 2]) == 3\n"
    ),
    "tests/test_cheapest.py": (
        "from shop.prices import cheapest\n\n\ndef test_cheapest():\n    assert cheapest([2, 1]) == 1\n"
    ),
}


@pytest.fixture(autouse=True)
def private_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git as on a machine where nobody has configured it."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "ada@localhost")


@dataclass
class Shop:
    """A small repository with a package and its tests."""

    root: Path

    def git(self, *words: str) -> str:
        done = subprocess.run(["git", *words], cwd=self.root, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def write(self, files: Mapping[str, str]) -> None:
        for path, text in files.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text)

    def commit(self, files: Mapping[str, str] | None = None) -> "Shop":
        self.write(files or {})
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "more")
        return self

    def snapshot(self) -> dict[str, Any]:
        """Every file outside of git's folder, and what git says of them and of worktrees."""
        files = {p: p.read_bytes() for p in self.root.rglob("*") if p.is_file() and ".git" not in p.parts}
        status, trees = self.git("status", "--porcelain"), self.git("worktree", "list")
        return {"files": files, "git": status, "trees": trees}

    def edited(self, old: str, new: str, path: str = "src/shop/prices.py") -> dict[str, str]:
        text = (self.root / path).read_text()
        assert old in text
        return {path: text.replace(old, new)}

    def validate(self, texts: Mapping[str, str], tests: Sequence[str] = (), **given: Any) -> Verdict:
        """Without equivalence and types, unless another goal and level are given."""
        proposal = Proposal("a test", "edit", "", texts)
        settings: dict[str, Any] = {"goal": "fix", "level": "basic", **given}
        return validate(self.root, proposal, tests=tests, **settings)

    @contextmanager
    def site(self, texts: Mapping[str, str], **given: Any) -> Iterator[Site]:
        """What a check is given, to make one check alone."""
        change = change_of_texts(self.root, texts)
        settings: dict[str, Any] = {"goal": "speed", "level": "paranoid", "tests": (), "seed": 0, **given}
        with checked_out_both(change) as trees:
            proposal = Proposal("a test", "edit", "", texts)
            yield Site(change, trees, proposal, answers=USUAL, **settings)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop(tmp_path / "shop")
    made.write(FILES)
    made.git("init", "--quiet")
    return made.commit()
