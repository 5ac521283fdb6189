"""Lines that tests run after a change of the tests and that none ran before."""

from collections.abc import Sequence
from pathlib import Path

from bloomery.core.errors import CapabilityMissing
from bloomery.core.evidence import judge, not_run
from bloomery.optimize.validating.checks.text import is_judge
from bloomery.optimize.validating.levels import COVERED
from bloomery.optimize.validating.site import Answer, Site
from bloomery.optimize.validating.testing import try_tests

Lines = frozenset[tuple[str, int]]


def covered(site: Site) -> Sequence[Answer]:
    try:
        before, after = (_lines(site, tree) for tree in site.trees.both)
    except CapabilityMissing as missing:
        return [Answer(not_run(COVERED, str(missing)), str(missing), lasting=False)]
    added = sorted(after - before)
    said = ", ".join(f"{path}:{line}" for path, line in added[:5])
    how = f"{len(before)} lines run before, {len(after)} after; new: {said or 'none'}"
    mend = "" if added else "let a test run a line that none runs (bloomery coverage gaps)"
    return [Answer(judge(COVERED, len(added), how=how, duration_s=0.0), mend)]


def _lines(site: Site, tree: Path) -> Lines:
    targets = dict.fromkeys((*site.record.targets, *(p for p in site.python if (tree / p).is_file())))
    tried = try_tests(tree, list(targets), lines=True)
    if tried.trouble:
        raise CapabilityMissing(tried.trouble)
    return frozenset(
        (path, line)
        for seen in tried.seen.values()
        for path, lines in seen.lines.items()
        for line in lines
        if not is_judge(path, site.tests)
    )
