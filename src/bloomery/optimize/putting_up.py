"""Accepted proposals as patches with their evidence: the best of those that change the same lines."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from bloomery.core.errors import BloomeryError
from bloomery.core.evidence import Bar, Check, Evidence, judge, not_run
from bloomery.core.log import get_log
from bloomery.optimize.asking import MODELS
from bloomery.optimize.changes import (
    About,
    Ledger,
    Rules,
    apply,
    approve_automatically,
    attach,
    findings,
    propose,
)
from bloomery.optimize.changes.access import Access
from bloomery.optimize.changes.approving import AUTO
from bloomery.optimize.methods.method import Judged
from bloomery.optimize.reporting import gain
from bloomery.optimize.surveying import survey
from bloomery.optimize.task import OptimizationTask
from bloomery.source.diff import Diff, make
from bloomery.source.diff.overlapping import overlaps
from bloomery.source.python import NotPython, parse

WHO = "validation"
RULES = Rules(agents={MODELS: Access(network=True)})
"""Whoever gave us a model's key lets it propose; branches named main and master still need a person."""
PARSED = Check(
    name="applied.syntax", bar=Bar(op="==", value=0), unit="files", meaning="files that no longer parse"
)
TESTED = Check(
    name="applied.tests", bar=Bar(op="==", value=0), unit="tests", meaning="tests that fail with the patch"
)
_log = get_log("optimize")


def best(judged: Sequence[Judged], before: Mapping[str, str]) -> list[Judged]:
    """The accepted ones, the best first; of those that touch the same lines only the first.

    The best is the one with the highest score, where the method gives scores, else with the largest gain.
    """
    accepted = [one for one in judged if one.verdict.accepted]
    accepted.sort(key=lambda one: (-_worth(one), _size(one, before)))
    kept: list[tuple[Judged, Diff]] = []
    for one in accepted:
        diff = _diff(one, before)
        if diff and not any(overlaps(diff, other) for _, other in kept):
            kept.append((one, diff))
    return [one for one, _ in kept]


def put_up(ledger: Ledger, task: OptimizationTask, judged: Judged, method: str) -> str:
    """A proposal as a patch with its evidence; the patch's CID. Raises: UserError where rules forbid it."""
    proposal = judged.proposal
    about = About(
        proposer=proposal.proposer,
        goal=task.goal,
        operator=proposal.operator,
        description=proposal.why,
        network=proposal.proposer == MODELS,
        facts={"method": method, "level": task.level, "gain": gain(judged.verdict), "tests": task.tests},
    )
    patch = propose(ledger, about, texts=dict(proposal.texts))
    attach(ledger, patch.cid, judged.verdict.evidence, by=WHO)
    return patch.cid


def apply_automatically(ledger: Ledger, cid: str) -> tuple[bool, str]:
    """Approve a patch by the bars that its evidence had to meet, and apply it; whether, and if not, why not.

    The tests run again on the tree with the patch in it; where one fails, the patch is taken back out.
    """
    patch = ledger.load(cid)
    tests = tuple(patch.about.facts.get("tests", ()))
    try:
        required = [one for one in findings(ledger, cid)[1].evidence if one.required]
        approve_automatically(
            ledger, cid, [Check(name=one.check, bar=Bar.parse(one.bar)) for one in required]
        )
        apply(ledger, cid, by=AUTO, validate=measured_after(tests, patch.paths))
    except BloomeryError as error:
        _log.info("a patch was not applied automatically", patch=cid, why=str(error))
        return False, str(error)
    return True, ""


def measured_after(tests: Sequence[str], paths: Sequence[str]) -> Callable[[Path], Sequence[Evidence]]:
    """What is measured of the tree once a patch is in it."""

    def measured(root: Path) -> Sequence[Evidence]:
        return tuple(_measured(root, tests, paths))

    return measured


def _measured(root: Path, tests: Sequence[str], paths: Sequence[str]) -> Iterator[Evidence]:
    broken = [path for path in paths if path.endswith(".py") and not _parses(root / path)]
    yield judge(PARSED, len(broken), how="ast", duration_s=0.0)
    there = [test for test in tests if (root / test.partition("::")[0]).exists()]
    if not tests:
        return
    if not there:
        yield not_run(TESTED, "the tests that judged it are not there any more")
        return
    after = survey(root, there)
    if not after.passing and not after.failing:
        yield not_run(TESTED, "no test ran")
    else:
        took = sum(one.duration_s for one in after.results.outcomes)
        yield judge(TESTED, len(after.failing), how=f"pytest {' '.join(there)}", duration_s=took)


def _parses(path: Path) -> bool:
    try:
        parse(path)
    except NotPython:
        return False
    return True


def _worth(judged: Judged) -> float:
    score = judged.facts.get("score", gain(judged.verdict))
    return float(score or 0.0)


def _diff(judged: Judged, before: Mapping[str, str]) -> Diff:
    texts = judged.proposal.texts
    return make({path: before[path] for path in texts if path in before}, dict(texts))


def _size(judged: Judged, before: Mapping[str, str]) -> int:
    return sum(len(hunk.lines) for file in _diff(judged, before).files for hunk in file.hunks)
