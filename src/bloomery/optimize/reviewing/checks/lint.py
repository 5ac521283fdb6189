"""What ruff objects to, by the project's own settings, and did not before."""

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from bloomery.core.errors import CapabilityMissing, Failure
from bloomery.optimize.reviewing.checks.sight import Sight
from bloomery.optimize.reviewing.finding import Finding, added, by_line

_RUFF = ("check", "--no-cache", "--no-fix", "--exit-zero", "--force-exclude", "--output-format=json")


def look(sight: Sight) -> Iterator[Finding]:
    """Raises: CapabilityMissing without ruff."""
    if not find_spec("ruff"):
        raise CapabilityMissing("ruff is not installed: install bloomery[optimize]")
    root = sight.change.repository.root
    for file in sight.change.python:
        if file.parsed_after is not None:  # else the check of syntax says so
            before, after = (
                _objections(root, file.path, file.before),
                _objections(root, file.path, file.after),
            )
            yield from added(before, after, (by_line(file.before), by_line(file.after)))


def _objections(root: Path, path: str, text: str | None) -> list[Finding]:
    if text is None:
        return []
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *_RUFF, f"--stdin-filename={root / path}", "-"],
        cwd=root, input=text.encode(), capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise Failure(f"ruff did not judge {path}: {done.stderr.decode(errors='replace').strip()[-500:]}")
    return [_finding(path, one) for one in json.loads(done.stdout)]


def _finding(path: str, one: dict) -> Finding:
    code = one["code"] or "syntax"
    do = f"see {one['url']}" if one.get("url") else "mend it"
    return Finding("lint", path, one["location"]["row"], "warning", f"{code}: {one['message']}", do)
