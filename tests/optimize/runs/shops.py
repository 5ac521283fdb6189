"""A small repository with a planted effect, and a validator whose measure is counted, not timed."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from bloomery.core.evidence import Bar, Check, judge
from bloomery.core.workspace import Workspace
from bloomery.optimize.proposal import Goal, Proposal, Target
from bloomery.optimize.surveying import Survey
from bloomery.optimize.targets import named
from bloomery.optimize.task import OptimizationTask
from bloomery.optimize.validating.verdict import Verdict
from bloomery.source.covering import Covered
from bloomery.source.outcomes import Outcome, Results

SLOW = """
def paid(orders: list[int], paid_ids: list[int]) -> list[int]:
    kept = []
    for number in orders:
        if number in paid_ids:
            kept.append(number)
    return kept
"""
QUICK = SLOW.replace("    kept = []\n", "    paid = set(paid_ids)\n    kept = []\n").replace(
    "in paid_ids:", "in paid:"
)
WRONG = SLOW.replace(
    "            kept.append(number)\n", "            kept.append(number)\n            break\n"
)
OTHER = """

def total(amounts: list[int]) -> int:
    return sum(amounts)
"""
TEST = """
from shop.orders import paid, total


def test_paid():
    assert paid([1, 2, 3], [1, 3]) == [1, 3]


def test_total():
    assert total([1, 2]) == 3
"""
SAME = Check(name="behaviour", bar=Bar(op="==", value=0), unit="differences")
LESS = Check(name="speed", bar=Bar(op=">=", value=1.05), unit="times fewer comparisons")


class Counted(int):
    """A number that counts how often it is compared."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return int(self) == other

    __hash__ = int.__hash__


def ran(text: str, orders: Sequence[int], paid_ids: Sequence[int]) -> tuple[object, int]:
    """What a version gives, and how many comparisons it made."""
    module: dict = {}
    exec(text, module)
    Counted.compared = 0
    given = module["paid"]([Counted(one) for one in orders], [Counted(one) for one in paid_ids])
    return list(map(int, given)), Counted.compared


def decide(root, proposal, *, goal, level, tests=(), seed=0) -> Verdict:
    """The counted stand-in for validation: equal results on three inputs, and fewer comparisons."""
    ((path, after),) = proposal.texts.items()
    inputs = [([1, 2, 3], [3, 1]), ([5, 5], [5]), (range(100), range(0, 100, 2))]
    pairs = [(ran((root / path).read_text(), *one), ran(after, *one)) for one in inputs]
    differing = sum(old[0] != new[0] for old, new in pairs)
    ratio = (1 + pairs[-1][0][1]) / (1 + pairs[-1][1][1])
    evidence = (judge(SAME, differing, how="three inputs", duration_s=0),)
    if not differing:
        evidence += (judge(LESS, ratio, how="counted", duration_s=0),)
    return Verdict(level, evidence, {"behaviour": "give the same"}, frozenset({"speed"}))


@dataclass(frozen=True)
class Saying:
    """A proposer that says what it was given, in order."""

    name: str
    texts: tuple[str, ...]

    def propose(self, target: Target, goal: Goal, *, rng: Random) -> Iterator[Proposal]:
        for at, text in enumerate(self.texts):
            yield Proposal(self.name, f"saying {at}", "it says so", {target.path: text}, "paid")


@dataclass
class Shop:
    root: Path
    workspace: Workspace

    def git(self, *words: str) -> str:
        done = subprocess.run(["git", *words], cwd=self.root, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def write(self, path: str, text: str) -> Path:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)
        return self.root / path

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "more")

    def task(self, goal: Goal = "speed", **said) -> OptimizationTask:
        return named([self.root / "src/shop/orders.py"], goal, **said).task

    @property
    def files(self) -> dict[str, bytes]:
        paths = [
            path
            for path in self.root.rglob("*")
            if path.is_file() and not {".git", ".bloomery"} & set(path.parts)
        ]
        return {str(path.relative_to(self.root)): path.read_bytes() for path in paths}


@pytest.fixture(autouse=True)
def private_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("GIT_", "BLOOMERY_MODELS"))]:
        monkeypatch.delenv(name)
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "ada@localhost")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A repository on the branch dev, one commit, tests that pass, one function that is slow."""
    root = tmp_path / "tree"
    root.mkdir()
    made = Shop(root, Workspace.open(tmp_path / "space"))
    made.git("init", "--quiet", "--initial-branch=dev")
    made.write("src/shop/__init__.py", "")
    made.write("src/shop/orders.py", SLOW + OTHER)
    made.write("tests/test_orders.py", TEST)
    made.commit()
    return made


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that need not be run: they pass."""
    outcomes = tuple(
        Outcome(f"tests/test_orders.py::{name}", "passed") for name in ("test_paid", "test_total")
    )
    seen = Survey(("tests/test_orders.py",), Covered(Results(outcomes, ()), {}, {}))
    monkeypatch.setattr("bloomery.optimize.optimizing.survey", lambda *_, **__: seen)
    monkeypatch.setattr("bloomery.optimize.methods.test_driven.survey", lambda *_, **__: seen)
    monkeypatch.setattr("bloomery.optimize.methods.test_driven.for_blind_spots", lambda *_: iter(()))
