"""What CodeQL's data-flow queries object to in a change and did not before, where it is installed."""

import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from bloomery.core.errors import CapabilityMissing
from bloomery.core.evidence import judge, not_run
from bloomery.optimize.validating.lacking import NotInstalled
from bloomery.optimize.validating.levels import FLOW
from bloomery.optimize.validating.site import Answer, Site, not_made

QUERIES = "codeql/python-queries"
LIMIT_S = 1800
GIVEN = ("PATH", "HOME", "LANG", "TMPDIR")  # of the environment: no tokens
OWN = "CODEQL_"  # and what begins so: its own settings


def flow(site: Site) -> Sequence[Answer]:
    """It reads the code and runs none of it, so it needs no sandbox, which could not hold it either."""
    check = site.asked(FLOW)
    tool = shutil.which("codeql")
    if tool is None:
        return [not_made(check, NotInstalled("CodeQL is not installed: its bundle is on GitHub"))]
    if not site.python:
        return [Answer(not_run(check, "no Python file is changed"))]
    try:
        before, after = (findings(tool, tree, site.python) for tree in site.trees.both)
    except CapabilityMissing as missing:
        return [not_made(check, missing)]
    added = list((after - before).elements())
    how = f"{'; '.join(added[:5])}; " if added else ""
    how += f"{sum(before.values())} findings before, {sum(after.values())} after"
    return [Answer(judge(check, len(added), how=how, duration_s=0.0), f"mend {added[0]}" if added else "")]


def findings(tool: str, tree: Path, files: Sequence[str]) -> Counter[str]:
    """Rule and file of each finding in some files. Raises: CapabilityMissing where the tool fails."""
    with TemporaryDirectory(prefix="bloomery-codeql-") as name:
        database, told = f"{name}/database", Path(name) / "told.sarif"
        _run(tool, "database", "create", database, "--language=python", f"--source-root={tree}")
        _run(tool, "database", "analyze", database, QUERIES, "--format=sarif-latest", f"--output={told}")
        try:
            runs = json.loads(told.read_text())["runs"]
        except (OSError, ValueError, KeyError) as error:
            raise CapabilityMissing(f"CodeQL told nothing that can be read: {error}") from None
    found = (result for run in runs for result in run.get("results", ()))
    return Counter(one for result in found if (one := _named(result)).partition(": ")[0] in files)


def _named(result: dict[str, object]) -> str:
    places = result.get("locations") or [{}]
    place = places[0].get("physicalLocation", {})  # type: ignore[index]
    return f"{place.get('artifactLocation', {}).get('uri', '')}: {result.get('ruleId', '')}"


def _run(tool: str, *words: str) -> None:
    try:
        done = subprocess.run(
            [tool, *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_S,
            stdin=subprocess.DEVNULL,
            env={name: value for name, value in os.environ.items() if name in GIVEN or name.startswith(OWN)},
        )
    except subprocess.TimeoutExpired:
        raise CapabilityMissing(f"CodeQL did not end within {LIMIT_S} s") from None
    if done.returncode:
        raise CapabilityMissing(f"CodeQL failed: {' '.join(done.stderr.split())[-300:]}")
