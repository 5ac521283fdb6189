"""What bandit finds and did not before."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bloomery.core.errors import CapabilityMissing, Failure
from bloomery.optimize.reviewing.change import Changed
from bloomery.optimize.reviewing.checks.sight import Sight
from bloomery.optimize.reviewing.finding import Finding, Severity, added, by_line

SEVERITY: dict[str, Severity] = {"HIGH": "error", "MEDIUM": "warning", "LOW": "note"}
_IN_TESTS = {"B101"}  # asserts
_PASSWORDS = {"B105", "B106", "B107"}  # whose text repeats what may be one


def look(sight: Sight) -> Iterator[Finding]:
    """Raises: CapabilityMissing without bandit."""
    if not find_spec("bandit"):
        raise CapabilityMissing("bandit is not installed: install bloomery[optimize]")
    files = [file for file in sight.change.python if file.parsed_after is not None]
    before = _findings({file.path: file.before for file in files})
    after = _findings({file.path: file.after for file in files})
    for file in files:
        keys = by_line(file.before), by_line(file.after)
        for one in added(before.get(file.path, ()), after.get(file.path, ()), keys):
            if not _is_idle(file, one):
                yield one


def _is_idle(file: Changed, finding: Finding) -> bool:
    return file.is_test and finding.what.partition(":")[0] in _IN_TESTS


def _findings(texts: Mapping[str, str | None]) -> dict[str, list[Finding]]:
    there = {path: text for path, text in texts.items() if text is not None}
    found: dict[str, list[Finding]] = {}
    for one in _asked(there) if there else ():
        found.setdefault(one.path, []).append(one)
    return found


def _asked(texts: Mapping[str, str]) -> Iterator[Finding]:
    with TemporaryDirectory(prefix="bloomery-bandit-") as name:
        folder = Path(name).resolve()
        for path, text in texts.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        done = subprocess.run(
            [sys.executable, "-m", "bandit", "-q", "-f", "json", "--exit-zero", *map(str, texts)],
            cwd=folder, capture_output=True, check=False,
        )  # fmt: skip
    try:
        told = json.loads(done.stdout)
    except ValueError:
        raise Failure(f"bandit gave no report: {done.stderr.decode(errors='replace')[-500:]}") from None
    yield from (_finding(one) for one in told["results"])


def _finding(one: Mapping[str, Any]) -> Finding:
    code, text = one["test_id"], one["issue_text"]
    what = text.partition(":")[0] if code in _PASSWORDS else text
    path = Path(one["filename"]).as_posix().removeprefix("./")
    severity = SEVERITY.get(one["issue_severity"], "note")
    do = f"see {one['more_info']}"
    return Finding("security", path, one["line_number"], severity, f"{code}: {what}", do)
