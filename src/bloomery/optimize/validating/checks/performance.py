"""Time and memory of both versions, side by side in fresh processes."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bloomery.core.errors import CapabilityMissing, UserError
from bloomery.core.evidence import Check, Evidence, Measured, judge, not_run
from bloomery.optimize.validating.checks.reading import files_of_tests
from bloomery.optimize.validating.levels import FASTER, LARGER, SLOWER, SMALLER, is_measured
from bloomery.optimize.validating.site import Answer, Site

if TYPE_CHECKING:
    from bloomery.optimize.timing import Comparison

MEMORY_SLACK = 1 / 1.05


def performance(site: Site) -> Sequence[Answer]:
    """One comparison answers all that is asked of time and memory."""
    wanted = [check for check in (SLOWER, LARGER) if is_measured(check, site.level, site.goal)]
    claim = site.claim
    asked = [*map(site.asked, wanted), *(one for one in (FASTER, SMALLER) if one is claim)]
    try:
        found = _compared(site)
    except (CapabilityMissing, UserError) as error:
        return [Answer(not_run(check, str(error)), str(error), lasting=False) for check in asked]
    return [Answer(evidence, _mend(evidence, found)) for evidence in _judged(asked, found)]


def _compared(site: Site) -> "Comparison":
    """Raises: CapabilityMissing where nothing is found to be timed; UserError."""
    path = next((one for one in site.python if one in site.texts), None)
    if path is None or not (site.trees.before / path).is_file():
        raise CapabilityMissing("there are no two versions of a Python file to be timed")
    from bloomery.optimize.timing import compare, workloads

    found = workloads(site.trees.before, path, site.texts, tests=files_of_tests(site), seed=site.seed)
    if not found:
        raise CapabilityMissing(f"no call of what is changed in {path} is known that could be timed")
    return compare(site.trees.before, path, site.texts, found[0], seed=site.seed)


def _judged(checks: Sequence[Check], found: "Comparison") -> Iterator[Evidence]:
    how = f"{found.pairs} pairs of fresh processes, {found.clock} time, {found.workload}"
    for check in checks:
        if found.trouble and not found.slower:
            yield not_run(check, found.trouble, how=how)
        elif check.name == SLOWER.name:
            yield judge(
                check, int(found.slower), how=f"{how}; {found.ratio:.3g} times as fast", duration_s=0.0
            )
        elif check.name == LARGER.name:
            larger = found.memory_interval[1] < MEMORY_SLACK
            said = f"{how}; {found.memory_ratio:.3g} times less memory"
            yield judge(check, int(larger), how=said, duration_s=0.0)
        elif check.name == FASTER.name:
            yield _claimed(check, found.faster, found.ratio, found.interval, how)
        else:
            yield _claimed(check, found.smaller, found.memory_ratio, found.memory_interval, how)


def _claimed(check: Check, holds: bool, ratio: float, interval: tuple[float, float], how: str) -> Evidence:
    """The ratio where the claim holds, else the bound that does not exclude no gain."""
    value = ratio if holds else min(ratio, interval[0])
    if not holds and check.bar.holds(value):
        return not_run(check, f"{ratio:.3g} times is less than what is called a gain", how=how)
    measured = Measured(value=value, interval=interval, baseline=1.0)
    return judge(check, measured, how=how if holds else f"{how}; median ratio {ratio:.3g}", duration_s=0.0)


def _mend(evidence: Evidence, found: "Comparison") -> str:
    if evidence.state == "passed":
        return ""
    if evidence.state == "not_run":
        return evidence.reason
    if evidence.check in (FASTER.name, SLOWER.name):
        low, high = found.interval
        return f"it is {found.ratio:.3g} times as fast (between {low:.3g} and {high:.3g}): that is no gain"
    low, high = found.memory_interval
    return f"it needs {found.memory_ratio:.3g} times less memory (between {low:.3g} and {high:.3g}): no gain"
