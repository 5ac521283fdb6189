"""Time and memory of both versions, side by side in fresh processes."""

import math
from collections.abc import Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

from bloomery.core.errors import CapabilityMissing, UserError
from bloomery.core.evidence import Check, Evidence, Measured, judge, not_run
from bloomery.optimize.equivalence.versions import Version, same_code
from bloomery.optimize.validating.checks.reading import files_of_tests
from bloomery.optimize.validating.levels import FASTER, LARGER, SLOWER, SMALLER, is_measured
from bloomery.optimize.validating.site import Answer, Site, not_made

if TYPE_CHECKING:
    from bloomery.optimize.timing import Comparison, Workload

MEMORY_SLACK = 1 / 1.05
MOST = 3
"""Workloads in all; more only where more files are changed: each file is timed by one at least."""


def performance(site: Site) -> Sequence[Answer]:
    """The same comparisons answer all that is asked of time and memory.

    Faster is what is faster on at least one workload and slower on none; how much the least of these gains
    says, by the near end of its interval. Each comparison may be wrong in its share of 0.5 % of cases, so
    that the chance that any of them is stays below it (Bonferroni's inequality).
    """
    wanted = [check for check in (SLOWER, LARGER) if is_measured(check, site.level, site.goal)]
    claim = site.claim
    asked = [*map(site.asked, wanted), *(one for one in (FASTER, SMALLER) if one is claim)]
    try:
        found = _compared(site)
    except (CapabilityMissing, UserError) as error:
        return [not_made(check, error) for check in asked]
    return [_answer(check, found) for check in asked]


def _compared(site: Site) -> Sequence["Comparison"]:
    """Raises: CapabilityMissing where something that is changed cannot be timed; UserError."""
    from bloomery.optimize.timing import ERROR, compare

    chosen = _chosen(site)
    error = ERROR / len(chosen)
    return [
        compare(site.trees.before, path, site.texts, one, seed=site.seed, error=error) for path, one in chosen
    ]


def _chosen(site: Site) -> list[tuple[str, "Workload"]]:
    """What is timed: the first workload of each file, then a second one of each, as far as there is room."""
    paths = [path for path in site.python if path in site.texts and _is_another(site, path)]
    if not paths:
        raise CapabilityMissing("there are no two versions of a Python file to be timed")
    rounds = zip_longest(*([(path, one) for one in _workloads(site, path)] for path in paths))
    found = [pair for one in rounds for pair in one if pair]
    return found[: max(MOST, len(paths))]


def _is_another(site: Site, path: str) -> bool:
    """Whether a file was there before, with other code."""
    before = site.trees.before / path
    if not before.is_file():
        return False
    return not same_code(Version(before.read_text(), path), Version(site.texts[path], path))


def _workloads(site: Site, path: str) -> Sequence["Workload"]:
    from bloomery.optimize.timing import spread, workloads

    found = workloads(
        site.trees.before,
        path,
        site.texts,
        tests=files_of_tests(site),
        recorded=site.recorded,
        seed=site.seed,
    )
    if not found:
        raise CapabilityMissing(f"no call of what is changed in {path} is known that could be timed")
    return spread(found, MOST)


def _answer(check: Check, found: Sequence["Comparison"]) -> Answer:
    timed = [one for one in found if not one.untimed]
    how = "; ".join(_told(check, one) for one in found)
    worse = [one for one in timed if _is_worse(check, one)]
    trouble = next((one.trouble for one in timed if one.trouble), "")
    if not timed:
        trouble = found[0].trouble
    if check.name in (SLOWER.name, LARGER.name):
        if trouble and not worse:
            return Answer(not_run(check, trouble, how=how), trouble)
        evidence = judge(check, len(worse), how=how, duration_s=0.0)
        return Answer(evidence, _no_gain(check, worse[0]) if worse else "")
    if trouble:
        return Answer(not_run(check, trouble, how=how), trouble)
    better = [one for one in timed if (one.faster if check.name == FASTER.name else one.smaller)]
    better.sort(key=lambda one: _ratio(check, one)[1][0])  # how much better: by the least of what is claimed
    evidence = _claimed(check, (worse or better or timed)[0], bool(better) and not worse, how)
    if evidence.state == "failed":
        return Answer(evidence, _no_gain(check, (worse or timed)[0]))
    return Answer(evidence, evidence.reason)


def _is_worse(check: Check, one: "Comparison") -> bool:
    if check.name in (SLOWER.name, FASTER.name):
        return one.slower
    return one.memory_interval[1] < MEMORY_SLACK


def _ratio(check: Check, one: "Comparison") -> tuple[float, tuple[float, float], str]:
    if check.name in (SLOWER.name, FASTER.name):
        return one.ratio, one.interval, "times as fast"
    return one.memory_ratio, one.memory_interval, "times less memory"


def _told(check: Check, one: "Comparison") -> str:
    """One comparison in words: on what, how often, and what came out."""
    ratio, _, unit = _ratio(check, one)
    said = one.trouble or f"{ratio:.3g} {unit}"
    return f"{one.workload}: {said} ({one.pairs} pairs of fresh processes, {one.clock} time)"


def _claimed(check: Check, one: "Comparison", holds: bool, how: str) -> Evidence:
    """The ratio where the claim holds, else the bound that does not exclude no gain."""
    ratio, interval, _ = _ratio(check, one)
    value = ratio if holds else min(ratio, interval[0])
    if not holds and check.bar.holds(value):
        return not_run(check, f"{ratio:.3g} times is less than what is called a gain", how=how)
    bounded = interval if math.isfinite(interval[1]) else None  # so few pairs bound nothing at this error
    measured = Measured(value=value, interval=bounded, baseline=1.0)
    return judge(check, measured, how=how, duration_s=0.0)


def _no_gain(check: Check, one: "Comparison") -> str:
    ratio, (low, high), unit = _ratio(check, one)
    verb = "is" if unit == "times as fast" else "needs"
    return f"on {one.workload} it {verb} {ratio:.3g} {unit} (between {low:.3g} and {high:.3g}): no gain"
