"""Lines that tests run after a change of the tests and that none ran before, and whether they are checked."""

from collections.abc import Sequence
from pathlib import Path

from bloomery.core.errors import CapabilityMissing, UserError
from bloomery.core.evidence import judge
from bloomery.optimize.validating.levels import COVERED
from bloomery.optimize.validating.noticing import noticed
from bloomery.optimize.validating.site import Answer, Site, not_made
from bloomery.optimize.validating.testing import try_tests

Lines = frozenset[tuple[str, int]]


def covered(site: Site) -> Sequence[Answer]:
    """New lines count only where a check of the changed tests notices at least one wrong version of them."""
    try:
        before, after = (_lines(site, tree) for tree in site.trees.both)
        added = sorted(after - before)
        return [_answer(site, added, f"{len(before)} lines run before, {len(after)} after")]
    except (CapabilityMissing, UserError) as missing:
        return [not_made(COVERED, missing)]


def _answer(site: Site, added: Sequence[tuple[str, int]], how: str) -> Answer:
    said = ", ".join(f"{path}:{line}" for path, line in added[:5])
    how = f"{how}; new: {said or 'none'}"
    if not added:
        mend = "let a test run a line that none runs (bloomery coverage gaps)"
        return Answer(judge(COVERED, 0, how=how, duration_s=0.0), mend)
    lines = {path: frozenset(line for other, line in added if other == path) for path, _ in added}
    tests = [path for path in site.python if path in site.texts]
    found = noticed(site.trees.after, lines, tests)
    if found.noticed:
        return Answer(judge(COVERED, len(added), how=f"{how}; {found}", duration_s=0.0))
    missed = f" such as {found.missed}" if found.missed else ""
    mend = f"the tests run {said} and check nothing of it: assert what a wrong version{missed} would not give"
    return Answer(judge(COVERED, 0, how=f"{how}; {found}", duration_s=0.0), mend)


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
        if not site.judges(path)
    )
