"""Accepted proposals as patches with their evidence: the best of those that change the same lines."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from bloomery.core.errors import BloomeryError, UserError
from bloomery.core.evidence import Bar, Check, Evidence, judge, not_run
from bloomery.core.log import get_log
from bloomery.optimize.asking import MODELS
from bloomery.optimize.changes import (
    About,
    Ledger,
    apply,
    approve_automatically,
    attach,
    findings,
    propose,
)
from bloomery.optimize.changes.approving import AUTO
from bloomery.optimize.methods.method import Judged
from bloomery.optimize.reporting import gain
from bloomery.optimize.surveying import survey
from bloomery.optimize.task import OptimizationTask
from bloomery.optimize.validating.levels import FASTER, SMALLER
from bloomery.source.diff import Diff, make
from bloomery.source.diff.overlapping import overlaps
from bloomery.source.python import NotPython, parse

WHO = "validation"
PARSED = Check(
    name="applied.syntax", bar=Bar(op="==", value=0), unit="files", meaning="files that no longer parse"
)
TESTED = Check(
    name="applied.tests", bar=Bar(op="==", value=0), unit="tests", meaning="tests that fail with the patch"
)
GROWTH = Check(
    name="growth",
    bar=Bar(op="==", value=1),
    unit="times",
    meaning="the original's steps on large inputs, where the order of growth is another",
    required=False,
)
GAIN = Check(
    name="gain", bar=Bar(op=">=", value=1), unit="times", meaning="times better, surely", required=False
)
GAINS = (GAIN.name, FASTER.name, SMALLER.name)
LEAST_GAINS = {"speed": 1.2, "memory": 1.2}
"""From how many times better on a patch is applied without a person, where the user does not say."""
_log = get_log("optimize")


def best(judged: Sequence[Judged], before: Mapping[str, str]) -> list[Judged]:
    """The accepted ones, the best first; of those that touch the same lines only the first.

    The best is the one with the highest score, where the method gives scores, else with the largest gain,
    else the smallest; a proposer's own ranking of its proposals holds among them. What its proposer says is
    slower, as a repair may be, comes last. One of several steps is left out where a step of it, alone, was
    surely worse: what another one gains would hide that.
    """
    worse = [one for one in judged if _is_worse(one)]
    accepted = [one for one in judged if one.verdict.accepted and not _holds_one_of(one, worse, before)]
    sizes = {id(one): _size(one, before) for one in accepted}
    order = sorted(
        accepted, key=lambda one: (_is_slower(one), -_worth(one), *_standing(one, accepted, sizes))
    )
    kept: list[tuple[Judged, Diff]] = []
    for one in order:
        diff = _diff(one, before)
        if diff and not any(overlaps(diff, other) for _, other in kept):
            kept.append((one, diff))
    return [one for one, _ in kept]


def _is_worse(one: Judged) -> bool:
    """Whether its gain was measured, and is surely a loss."""
    found = [one.verdict.of(claim) for claim in one.verdict.claims & set(GAINS)]
    return any(told is not None and told.interval is not None and told.interval[1] < 1 for told in found)


def _holds_one_of(one: Judged, some: Sequence[Judged], before: Mapping[str, str]) -> bool:
    steps = one.proposal.operator.split("+")
    mine = _diff(one, before)
    return len(steps) > 1 and any(
        other.proposal.operator in steps
        and other.proposal.proposer == one.proposal.proposer
        and overlaps(mine, _diff(other, before))
        for other in some
    )


def put_up(
    ledger: Ledger, task: OptimizationTask, judged: Judged, method: str, commit: str | None = None
) -> str:
    """A proposal as a patch with its evidence; the patch's CID. `commit`: on which it was made, HEAD if none.

    Raises: UserError where rules forbid it.
    """
    proposal = judged.proposal
    about = About(
        proposer=proposal.proposer,
        goal=task.goal,
        operator=proposal.operator,
        description=proposal.why,
        network=proposal.proposer == MODELS,
        commit=commit,
        facts={"method": method, "level": task.level, "gain": gain(judged.verdict), "tests": task.tests},
    )
    patch = propose(ledger, about, texts=dict(proposal.texts))
    attach(ledger, patch.cid, (*judged.verdict.evidence, *_told_of(judged, task.goal)), by=WHO)
    return patch.cid


def _told_of(judged: Judged, goal: str) -> Iterator[Evidence]:
    """The gain by its near end, and what a proposer measured of its own proposal: a person should know."""
    surely, slows = gain(judged.verdict), judged.proposal.facts.get("slows")
    if surely is not None and goal in LEAST_GAINS:
        yield judge(GAIN, surely, how="the near end of the interval of the goal's own check", duration_s=0.0)
    if slows is not None:
        how = "steps counted by the repair's search on its largest inputs on which the original was right"
        yield judge(GROWTH, float(slows), how=how, duration_s=0.0)


def check_least_gain(goal: str, approve: str, least_gain: float | None) -> None:
    """Raises: UserError for a least gain that nothing could be held to."""
    if least_gain is None:
        return
    if approve != "auto":
        raise UserError("--least-gain says what may be applied without a person: it goes with --approve auto")
    if goal not in LEAST_GAINS:
        raise UserError(
            f"--least-gain is for the goals {' and '.join(LEAST_GAINS)}: of {goal} no gain is timed"
        )
    if least_gain < 1:
        raise UserError(f"--least-gain {least_gain:g}: a gain is 1 or more, 1.2 for a fifth more")


def apply_automatically(ledger: Ledger, cid: str, *, least_gain: float | None = None) -> tuple[bool, str]:
    """Approve a patch by the bars that its evidence had to meet, and apply it; whether, and if not, why not.

    For speed and memory it must also be `least_gain` times better, surely: by the near end of the interval;
    where that is not given, as `LEAST_GAINS` says. The tests run again on the tree with the patch in it;
    where one fails, the patch is taken back out.
    """
    patch = ledger.load(cid)
    tests = tuple(patch.about.facts.get("tests", ()))
    try:
        evidence = findings(ledger, cid)[1].evidence
        threshold = [Check(name=one.check, bar=Bar.parse(one.bar)) for one in evidence if one.required]
        threshold += _least(patch.about.goal, evidence, least_gain)
        approve_automatically(ledger, cid, threshold)
        apply(ledger, cid, by=AUTO, validate=measured_after(tests, patch.paths))
    except BloomeryError as error:
        _log.info("a patch was not applied automatically", patch=cid, why=str(error))
        return False, str(error)
    return True, ""


def _least(goal: str, evidence: Sequence[Evidence], least_gain: float | None) -> list[Check]:
    """The user's own bar, for the goals that have one. Raises: UserError where the gain is not surely met."""
    goals = [one for one in goal.split(" and ") if one in LEAST_GAINS]  # several, where patches were merged
    if not goals:
        return []
    least = max(LEAST_GAINS[one] for one in goals) if least_gain is None else least_gain
    told = [one for one in evidence if one.check.partition(" ")[0] in GAINS and one.measured is not None]
    for one in told:
        near = one.interval[0] if one.interval else one.measured
        if near is not None and near < least:
            raise UserError(
                f"{one.check}: surely {near:.3g} times better, and {least:g} is the least that is applied "
                "without a person (--least-gain)"
            )
    names = [one.check for one in told] or [GAIN.name]
    return [Check(name=name, bar=Bar(op=">=", value=least)) for name in names]


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


def _is_slower(judged: Judged) -> bool:
    return bool(judged.proposal.facts.get("slower", False))


def _standing(judged: Judged, among: Sequence[Judged], sizes: Mapping[int, int]) -> tuple[int, int]:
    """The size of the change, or of the largest that its proposer ranks before it; then that rank."""
    rank = _rank(judged)
    if rank is None:
        return sizes[id(judged)], 0
    mine = judged.proposal.proposer, frozenset(judged.proposal.texts)
    before = [
        sizes[id(one)]
        for one in among
        if (one.proposal.proposer, frozenset(one.proposal.texts)) == mine
        and (other := _rank(one)) is not None
        and other <= rank
    ]
    return max(before), rank


def _rank(judged: Judged) -> int | None:
    rank = judged.proposal.facts.get("rank")
    return int(rank) if rank is not None else None


def _worth(judged: Judged) -> float:
    score = judged.facts.get("score", gain(judged.verdict))
    return float(score or 0.0)


def _diff(judged: Judged, before: Mapping[str, str]) -> Diff:
    texts = judged.proposal.texts
    return make({path: before[path] for path in texts if path in before}, dict(texts))


def _size(judged: Judged, before: Mapping[str, str]) -> int:
    return sum(len(hunk.lines) for file in _diff(judged, before).files for hunk in file.hunks)
