"""What linters object to in a change and did not in the original: ruff for style, bandit for security."""

import importlib.util
import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bloomery.core.errors import CapabilityMissing
from bloomery.core.evidence import Check, judge, not_run
from bloomery.core.sandbox import SandboxResult
from bloomery.optimize.validating.copying import Workplace, workplace
from bloomery.optimize.validating.levels import SAFER, SECURITY, STYLE
from bloomery.optimize.validating.site import Answer, Site

RUFF = ("-m", "ruff", "check", "--output-format=json", "--no-cache", "--no-fix", "--exit-zero")
FORMAT = ("-m", "ruff", "format", "--check", "--no-cache")
BANDIT = ("-m", "bandit", "--quiet", "--format=json", "--exit-zero")
Look = Callable[[Workplace, Sequence[str]], Counter[str]]


def style(site: Site) -> Sequence[Answer]:
    """Findings of ruff with the project's settings; to be formatted no more is one, too."""
    return [_added(site, STYLE, "ruff", by_ruff)]


def security(site: Site) -> Sequence[Answer]:
    answer = _added(site, SECURITY, "bandit", by_bandit)
    return [answer, _safer(site)] if site.claim is SAFER else [answer]


def _added(site: Site, check: Check, tool: str, look: Look) -> Answer:
    check = site.asked(check)
    if not site.python:
        return Answer(not_run(check, "no Python file is changed"))
    try:
        before, after = _both(site, tool, look)
    except CapabilityMissing as missing:
        return Answer(not_run(check, str(missing)), str(missing), lasting=False)
    added = list((after - before).elements())
    how = f"{tool}: {sum(before.values())} findings before, {sum(after.values())} after"
    how = f"{'; '.join(added[:5])}; {how}" if added else how
    mend = f"mend what {tool} objects to: {added[0]}" if added else ""
    return Answer(judge(check, len(added), how=how, duration_s=0.0), mend)


def _safer(site: Site) -> Answer:
    try:
        before, after = _both(site, "bandit", by_bandit)
    except CapabilityMissing as missing:
        return Answer(not_run(SAFER, str(missing)), str(missing), lasting=False)
    gone = list((before - after).elements())
    how = f"no longer found: {'; '.join(gone[:5])}" if gone else "everything is found as before"
    mend = "" if gone else "mend one of bandit's findings in the file"
    return Answer(judge(SAFER, len(gone), how=how, duration_s=0.0), mend)


def _both(site: Site, tool: str, look: Look) -> tuple[Counter[str], Counter[str]]:
    if importlib.util.find_spec(tool) is None:
        raise CapabilityMissing(f"{tool} is not installed: install bloomery[optimize]")
    before, after = (_findings(tree, site.python, look) for tree in site.trees.both)
    return before, after


def _findings(tree: Path, files: Sequence[str], look: Look) -> Counter[str]:
    present = [path for path in files if (tree / path).is_file()]
    if not present:
        return Counter()
    with workplace(tree, only=present) as place:
        return look(place, present)


def by_ruff(place: Workplace, files: Sequence[str]) -> Counter[str]:
    found = _json(place.python(*RUFF, *files), "ruff")
    root = str(place.tree)
    told = Counter(f"{_inside(one['filename'], root)}: {one['code']} {one['message']}" for one in found)
    for file in files:
        if place.python(*FORMAT, file).returncode == 1:
            told[f"{file}: it is not as ruff formats it"] += 1
    return told


def by_bandit(place: Workplace, files: Sequence[str]) -> Counter[str]:
    found = _json(place.python(*BANDIT, *files), "bandit")
    return Counter(
        f"{one['filename'].removeprefix('./')}: {one['test_id']} ({one['issue_severity'].lower()}) "
        f"{one['issue_text']}"
        for one in found["results"]
    )


def _json(ended: SandboxResult, tool: str) -> Any:
    try:
        return json.loads(ended.stdout)
    except ValueError:
        said = " ".join((ended.stderr or ended.stdout).split())[-300:]
        raise CapabilityMissing(f"{tool} did not judge the files: {ended.killed_by or said}") from None


def _inside(path: str, root: str) -> str:
    return path.removeprefix(root).lstrip("/")
