"""What ruff and bandit object to in files of a tree, each with its place; both are asked in the sandbox."""

import importlib.util
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bloomery.core.errors import CapabilityMissing
from bloomery.core.sandbox import SandboxResult
from bloomery.optimize.validating.lacking import NotInstalled

RUFF = (
    "-m",
    "ruff",
    "check",
    "--output-format=json",
    "--no-cache",
    "--no-fix",
    "--exit-zero",
    "--force-exclude",
)
BANDIT = ("-m", "bandit", "--quiet", "--format=json", "--exit-zero")


@dataclass(frozen=True)
class Objection:
    """`severity` is bandit's word, in small letters; ruff has none."""

    path: str
    line: int
    code: str
    what: str
    severity: str = ""
    url: str = ""


class Place(Protocol):
    """A tree in the sandbox; programs run in it."""

    @property
    def tree(self) -> Path: ...

    def python(self, *words: str) -> SandboxResult: ...


def by_ruff(place: Place, files: Sequence[str]) -> list[Objection]:
    """By the project's own settings. Raises: CapabilityMissing where ruff is not there or does not judge."""
    found = _asked(place, "ruff", [*RUFF, *files]) if files else []
    return [
        Objection(_inside(one["filename"], place.tree), one["location"]["row"], one["code"] or "syntax",
                  one["message"], url=one.get("url") or "")
        for one in found
    ]  # fmt: skip


def by_bandit(place: Place, files: Sequence[str]) -> list[Objection]:
    """Raises: CapabilityMissing where bandit is not there or does not judge."""
    found = _asked(place, "bandit", [*BANDIT, *files])["results"] if files else []
    return [
        Objection(_inside(one["filename"], place.tree), one["line_number"], one["test_id"],
                  one["issue_text"], one["issue_severity"].lower(), one["more_info"])
        for one in found
    ]  # fmt: skip


def need(tool: str) -> None:
    """Raises: CapabilityMissing."""
    if importlib.util.find_spec(tool) is None:
        raise NotInstalled(f"{tool} is not installed: install bloomery[optimize]")


def _asked(place: Place, tool: str, words: Sequence[str]) -> Any:
    need(tool)
    ended = place.python(*words)
    try:
        return json.loads(ended.stdout)
    except ValueError:
        said = " ".join((ended.stderr or ended.stdout).split())[-300:]
        raise CapabilityMissing(f"{tool} did not judge the files: {ended.killed_by or said}") from None


def _inside(path: str, tree: Path) -> str:
    return path.removeprefix(str(tree)).removeprefix("./").lstrip("/")
