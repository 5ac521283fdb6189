"""The steady state of scenarios: what they do without a fault, twice, and which seams they cross."""

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bloomery.core.config import option
from bloomery.core.sandbox import Limits
from bloomery.optimize.faults.executing import MIB, Ran, Subject, Trial, execute
from bloomery.optimize.faults.schedule import Crossing, Scenario
from bloomery.optimize.faults.sighting import Steady

CALLS = 12
"""Calls of one scenario that are looked at, at most."""
THREADED = frozenset({"threading", "concurrent", "_thread", "queue", "multiprocessing", "socketserver"})


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How hard weaknesses are looked for; counted, so that a busy machine decides nothing."""

    schedules: int = option(240, help="schedules tried on one scenario at most", low=1)
    pairs: int = option(8, help="of them, two faults at once", low=0)
    points: int = option(24, help="operations after which a second thread comes between", low=0)
    time_s: float = option(120.0, help="wall time of one run in the sandbox, seconds", low=1)
    memory_bytes: int = option(1024 * MIB, help="address space of each process", low=2**26)

    @property
    def limits(self) -> Limits:
        return Limits(
            time_s=self.time_s, cpu_s=int(self.time_s), memory_bytes=self.memory_bytes, file_bytes=64 * MIB
        )


@dataclass(frozen=True)
class Prepared:
    """A scenario with its steady state; `operations`: by call how many operations it takes."""

    scenario: Scenario
    steady: Steady
    crossings: tuple[Crossing, ...]
    operations: dict[int, int]


def prepare(
    which: Subject, scenarios: Sequence[Scenario], effort: Effort
) -> tuple[list[Prepared], list[str]]:
    """The scenarios that can be used, and of the others why not."""
    both = [*(Trial(one, twice=True) for one in scenarios), *(Trial(one) for one in scenarios)]
    ran = execute(which, both, limits=effort.limits)
    if ran.trouble:
        return [], [ran.trouble]
    left_out: list[str] = []
    usable = []
    first, second = ran.records[: len(scenarios)], ran.records[len(scenarios) :]
    for scenario, one, other in zip(scenarios, first, second, strict=True):
        if objection := _objection(one, other):
            left_out.append(f"{scenario.name}: {objection}")
        else:
            usable.append((scenario, one, other))
    return _looked_into(which, usable, effort), left_out


def _objection(one: dict[str, Any], other: dict[str, Any]) -> str:
    if one.get("lost") or other.get("lost"):
        return f"without a fault it is lost ({one.get('lost') or other.get('lost')})"
    if one["hung"]:
        return f"without a fault, {one['hung']}"
    if not one["calls"]:
        return f"it calls nothing of the module {one['ended']}".strip()
    if one["ended"]:
        return f"without a fault it ends in {one['ended']}"
    if [call["name"] for call in one["calls"]] != [call["name"] for call in other["calls"]]:
        return "it does not make the same calls each time"
    return ""


def _unstable(one: dict[str, Any], other: dict[str, Any]) -> frozenset[int]:
    keys = ("outcome", "value", "kinds", "files")
    pairs = enumerate(zip(one["calls"], other["calls"], strict=True))
    return frozenset(at for at, (a, b) in pairs if any(a.get(key) != b.get(key) for key in keys))


def _fleeting(one: dict[str, Any], other: dict[str, Any]) -> frozenset[str]:
    pairs = zip(one["calls"], other["calls"], strict=True)
    return frozenset(p for a, b in pairs for p in a["files"] if a["files"][p] != b["files"].get(p))


def _looked_into(
    which: Subject, usable: Sequence[tuple[Scenario, dict[str, Any], dict[str, Any]]], effort: Effort
) -> list[Prepared]:
    """The references of each call: made twice, and how many operations it takes."""
    threaded = _is_threaded(which)
    trials: list[Trial] = []
    for scenario, record, _ in usable:
        calls = range(min(len(record["calls"]), CALLS))
        trials += [Trial(scenario, again=at) for at in calls]
        trials += [Trial(scenario, intruded=at) for at in calls if threaded]
    ran = execute(which, trials, limits=effort.limits) if trials else Ran()
    made = list(zip(trials, ran.records, strict=False))
    return [_prepared(*one, [pair for pair in made if pair[0].scenario is one[0]]) for one in usable]


def _prepared(
    scenario: Scenario, record: dict[str, Any], other: dict[str, Any], made: list[tuple[Trial, dict]]
) -> Prepared:
    whole = [(trial, one) for trial, one in made if not one.get("lost") and not one["hung"]]
    again = {
        trial.again: one
        for trial, one in whole
        if trial.again is not None and "retry" in one["calls"][trial.again]
    }
    operations = {
        trial.intruded: one["calls"][trial.intruded].get("operations", 0)
        for trial, one in whole
        if trial.intruded is not None
    }
    differing = _unstable(record, other), _fleeting(record, other)
    steady = Steady(record, again, record.get("restart"), *differing)
    crossings = tuple(Crossing(*one) for one in record["crossings"])
    return Prepared(scenario, steady, crossings, operations)


def _is_threaded(which: Subject) -> bool:
    """Whether the module itself says that several threads use it."""
    tree = ast.parse(which.files[which.path])
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return bool(names & THREADED)


def renamed(scenarios: Iterable[Scenario]) -> list[Scenario]:
    """The scenarios with names that differ."""
    seen: dict[str, int] = {}
    out = []
    for one in scenarios:
        seen[one.name] = seen.get(one.name, 0) + 1
        out.append(one if seen[one.name] == 1 else replace(one, name=f"{one.name} ({seen[one.name]})"))
    return out
