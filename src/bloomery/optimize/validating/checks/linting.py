"""What linters object to in a change and did not in the original: ruff for style, bandit for security."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from bloomery.core.errors import CapabilityMissing
from bloomery.core.evidence import Check, judge, not_run
from bloomery.optimize.validating.checks.shelled import left_of_shells
from bloomery.optimize.validating.copying import Workplace, workplace
from bloomery.optimize.validating.levels import SAFER, SECURITY, STYLE
from bloomery.optimize.validating.objecting import Objection, by_bandit, by_ruff, need
from bloomery.optimize.validating.site import Answer, Site, not_made

FORMAT = ("-m", "ruff", "format", "--check", "--no-cache")
Found = Counter[Objection]  # without lines: a change moves them
Look = Callable[[Workplace, Sequence[str]], list[Objection]]


def style(site: Site) -> Sequence[Answer]:
    """Findings of ruff with the project's settings; to be formatted no more is one, too."""
    return [_added(site, STYLE, "ruff", _style)]


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
        return not_made(check, missing)
    added = [_told(one) for one in new(site.trees.both, before, after).elements()]
    how = f"{tool}: {len(before)} findings before, {len(after)} after"
    how = f"{'; '.join(added[:5])}; {how}" if added else how
    mend = f"mend what {tool} objects to: {added[0]}" if added else ""
    return Answer(judge(check, len(added), how=how, duration_s=0.0), mend)


def _safer(site: Site) -> Answer:
    try:
        before, after = _both(site, "bandit", by_bandit)
    except CapabilityMissing as missing:
        return not_made(SAFER, missing)
    gone = [_told(one) for one in (counted(before) - counted(after)).elements()]
    how = f"no longer found: {'; '.join(gone[:5])}" if gone else "everything is found as before"
    mend = "" if gone else "mend one of bandit's findings in the file"
    return Answer(judge(SAFER, len(gone), how=how, duration_s=0.0), mend)


def _both(site: Site, tool: str, look: Look) -> tuple[list[Objection], list[Objection]]:
    need(tool)
    before, after = (_findings(tree, site.python, look) for tree in site.trees.both)
    return before, after


def _findings(tree: Path, files: Sequence[str], look: Look) -> list[Objection]:
    present = [path for path in files if (tree / path).is_file()]
    if not present:
        return []
    with workplace(tree, only=present) as place:
        return look(place, present)


def new(trees: tuple[Path, Path], before: Sequence[Objection], after: Sequence[Objection]) -> Found:
    """What was not there before, but for what is left of a process whose shell read what was put into it."""
    return counted(after) - counted(before) - left_of_shells(trees, before, after)


def counted(found: Sequence[Objection]) -> Found:
    return Counter(replace(one, line=0) for one in found)


def _style(place: Workplace, files: Sequence[str]) -> list[Objection]:
    found = by_ruff(place, files)
    unformatted = [file for file in files if place.python(*FORMAT, file).returncode == 1]
    return found + [Objection(file, 0, "", "it is not as ruff formats it") for file in unformatted]


def _told(one: Objection) -> str:
    severity = f"({one.severity})" if one.severity else ""
    return f"{one.path}: " + " ".join(filter(None, (one.code, severity, one.what)))
