"""Existing tests: first those that touch the change, then all that it can reach; the rest is remembered."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from bloomery.core.evidence import Check, judge, not_run
from bloomery.optimize.validating.levels import ALL, BEHAVIOUR_CHANGES, FIXED, TOUCHED
from bloomery.optimize.validating.recording import Record
from bloomery.optimize.validating.site import Answer, Site
from bloomery.optimize.validating.testing import Tried, try_tests
from bloomery.source.outcomes import covers

GOOD = ("passed", "skipped", "xfailed")
MOST_SAID = 5


def touched(site: Site) -> Sequence[Answer]:
    """The tests that ran what is changed, by the lines that they ran before the change."""
    check, known, chosen = _asked(site, TOUCHED), site.record, site.selection
    if trouble := _nothing_to_run(known):
        return [Answer(not_run(check, trouble), _START if known.trouble else _WRITE, lasting=False)]
    if site.change.nothing:
        return [Answer(not_run(check, "nothing is changed", how="equal texts"))]
    if not chosen.tests:
        return [Answer(not_run(check, "no test runs what is changed"), _WRITE)]
    targets = _targets(known, chosen.first)
    tried = try_tests(site.trees.after, targets, pace=known.pace, decisive=site.decisive)
    site.known["touched"] = tried
    how = f"all, since {chosen.unknown}" if chosen.unknown else f"{len(chosen.tests)} that touch the change"
    return [_answer(check, known, tried, chosen.first, how)]


def everything(site: Site) -> Sequence[Answer]:
    """All tests; those that the change cannot reach are as they were before it, and are not run again.

    At level paranoid all are run.
    """
    check, known, chosen = _asked(site, ALL), site.record, site.selection
    if trouble := _nothing_to_run(known):
        return [Answer(not_run(check, trouble), _START if known.trouble else _WRITE, lasting=False)]
    wanted = list(chosen.reached)
    if site.level == "paranoid" or chosen.unknown or site.change.nothing:
        wanted = list(known.statuses)
    tried = site.known.get("touched")
    if tried is None or not set(wanted) <= set(chosen.first):
        tried = _tried(site, wanted)
    rest = len(known.statuses) - len(wanted)
    how = f"{len(wanted)} run, {rest} as before the change: it does not reach them"
    return [_answer(check, known, tried, wanted, how), *_fixed(site, tried)]


def _tried(site: Site, wanted: Sequence[str]) -> Tried | None:
    if not wanted:
        return None
    every = len(wanted) == len(site.record.statuses)
    targets = site.record.targets if every else list(dict.fromkeys(n.partition("::")[0] for n in wanted))
    return try_tests(site.trees.after, targets, pace=site.record.pace, decisive=site.decisive)


def _fixed(site: Site, tried: Tried | None) -> Sequence[Answer]:
    """For the goal of a fix: what failed before."""
    if site.claim is not FIXED:
        return []
    failing = site.record.failing
    if not failing:
        reason = "no test failed before the change: there is nothing to fix"
        return [Answer(not_run(FIXED, reason), "name tests that fail")]
    if tried and tried.decided:
        return [Answer(not_run(FIXED, f"skipped: {tried.decided} passed before and fails now"))]
    now = tried.statuses() if tried else {}
    left = [node for node in failing if now.get(node, site.record.statuses[node]) != "passed"]
    how = f"of {len(failing)} that failed; left: {', '.join(left[:MOST_SAID]) or 'none'}"
    mend = f"{left[0]} still fails: {_why(left[0], tried)}" if left else ""
    return [Answer(judge(FIXED, len(left), how=how, duration_s=0.0), mend)]


def _asked(site: Site, check: Check) -> Check:
    """Below level strict, tests are required where there are any that can be asked."""
    found = site.asked(check)
    if check is TOUCHED and site.change.nothing:
        return replace(found, required=False)
    if site.level in ("basic", "standard") and site.goal not in BEHAVIOUR_CHANGES:
        there = site.record.statuses if check is ALL else site.selection.tests
        found = replace(found, required=found.required and bool(there))
    return found


def _nothing_to_run(known: Record) -> str:
    if known.trouble:
        return f"the tests could not be run before the change: {known.trouble}"
    if not known.statuses:
        return f"there is no test in {', '.join(known.targets)}"
    if not known.passing and not known.failing:
        return "no test ran to its end before the change"
    return ""


_START = "let pytest start and end by itself on the tests as they are, or name others (--tests)"
_WRITE = "write a test that runs what is changed (bloomery testgen)"


def _targets(known: Record, tests: Collection[str]) -> Sequence[str]:
    return known.targets if len(tests) == len(known.statuses) else list(tests)


def _answer(check: Check, known: Record, tried: Tried | None, wanted: Sequence[str], how: str) -> Answer:
    worse = _worse_of(known, tried, wanted) if tried else {}
    how = f"{how}; not all of them, since {tried.decided} is enough" if tried and tried.decided else how
    told = f"{how}; {_before(known)}" if _before(known) else how
    if worse:
        names = [f"{node} ({status})" for node, status in list(worse.items())[:MOST_SAID]]
        told = f"{', '.join(names)}; {told}"
    evidence = judge(check, len(worse), how=told, duration_s=sum(tried.units.values()) if tried else 0.0)
    first = next(iter(worse), "")
    mend = f"{first} passed before the change: {_why(first, tried)}" if worse else ""
    if tried and worse and tried.trouble:
        mend = f"the tests cannot be run after the change: {' '.join(tried.trouble.split())[:300]}"
    return Answer(evidence, mend, lasting=not (tried and _by_clock(tried)))


def _worse_of(known: Record, tried: Tried, wanted: Collection[str]) -> dict[str, str]:
    """After a test that decided what did not come to its end says nothing; unless it alone tells of it."""
    now = {n: s for n, s in tried.statuses().items() if s not in ("not run", "not collected")}
    found = _worse(known, now, [node for node in wanted if node in now]) if tried.decided else {}
    return found or _worse(known, tried.statuses(), wanted)


def _worse(known: Record, now: Mapping[str, str], wanted: Collection[str]) -> dict[str, str]:
    """Tests that are not as good as they were; new ones must not fail."""
    passing = set(known.passing)
    found = {node: now.get(node, "not collected") for node in wanted if node in passing}
    found = {node: status for node, status in found.items() if status != "passed"}
    others = {n: s for n, s in now.items() if n not in passing and n not in known.flaky and s not in GOOD}
    failing = set(known.failing)
    return found | {node: status for node, status in others.items() if node not in failing}


def _before(known: Record) -> str:
    """What is to be said of the tests as they were."""
    parts = []
    if known.failing:
        parts.append(f"{len(known.failing)} failed before the change, too (first {known.failing[0]})")
    if known.flaky:
        parts.append(f"{len(known.flaky)} are flaky and do not count: {', '.join(known.flaky[:MOST_SAID])}")
    return "; ".join(parts)


def _why(node: str, tried: Tried | None) -> str:
    if tried is None:
        return "it was not run"
    outcomes = tried.results.outcomes
    reason = next((one.reason or one.status for one in outcomes if one.node == node), "")
    reason = reason or next((one.reason for one in outcomes if covers(one.node, node)), "")  # of its file
    reason = reason or next((str(one) for one in tried.results.errors if covers(one.path, node)), "")
    return " ".join((reason or tried.trouble or "there is no such test any more").split())[:300]


def _by_clock(tried: Tried) -> bool:
    """A test decides by what it checks; a file of tests that had to be ended, by time."""
    unrun = any(one.status == "not run" for one in tried.results.outcomes)
    return bool(tried.trouble) or (unrun and "::" not in tried.decided)
