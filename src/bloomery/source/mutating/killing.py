"""Which test notices which mutant.

Every test is first run on the function as it is, and what runs which line is recorded: a mutant is judged
only by passing tests that run its statement. The mutants of all functions are tried in one process that has
imported and collected everything and forks for each: the mutant's code takes the place of the original's code
object. That this is sound is not assumed. Where a function runs at import already, where the mutant is in a
default value, or where putting `raise` into the function makes no test fail (something keeps a copy of it),
each mutant gets a process of its own, whose import of the file gives the mutant's text. No file is changed.

Not seen: what tests start in other processes, which import the original.
"""

import ast
import os
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bloomery.source.boxing import Box
from bloomery.source.covering import Covered, cover
from bloomery.source.mutating.mutants import Mutant, mutants, mutated
from bloomery.source.mutating.probing import CONTROL, PROBE, probe, unsound
from bloomery.source.mutating.tables import KillTable, Trial, judged
from bloomery.source.outcomes import Outcome
from bloomery.source.python import Parsed, first_line, functions
from bloomery.source.running import Ran, end_of, run_pytest

START_UP_S = 60.0
OVERALL_S = 3600.0


@dataclass(frozen=True, kw_only=True)
class Trying:
    """How mutants are drawn and tried.

    `full`: every test tries every mutant; else the first that notices one ends its trial. `limit_s` is in
    seconds of the processor for one mutant (default: two, and ten times what its tests took unmutated).
    `box`: the project is its copy, and everything runs in the sandbox.
    """

    operators: Collection[str] | None = None
    most: int | None = None
    seed: int = 0
    full: bool = False
    limit_s: float | None = None
    python: str = sys.executable
    box: Box | None = None


def kill_table(
    project: Path,
    parsed: Parsed,
    name: str,
    targets: Sequence[str],
    trying: Trying | None = None,
    *,
    covered: Covered | None = None,
) -> KillTable:
    """The mutants of one function against the tests that `targets` name."""
    return kill_tables(project, [(parsed, name)], targets, trying, covered=covered)[0]


def kill_tables(
    project: Path,
    subjects: Sequence[tuple[Parsed, str]],
    targets: Sequence[str],
    trying: Trying | None = None,
    *,
    covered: Covered | None = None,
) -> tuple[KillTable, ...]:
    """One table for each function; `covered` is what `cover` says of the same targets, where it is known."""
    trying = trying or Trying()
    files = dict.fromkeys(parsed.path for parsed, _ in subjects)
    covered = covered or cover(project, targets, files, python=trying.python, box=trying.box)
    plans = [_plan(parsed, name, covered, trying, at) for at, (parsed, name) in enumerate(subjects)]
    shared = [plan for plan in plans if not plan.own_process and _can_be_swapped(plan)]
    _try_forked(project, shared, trying)
    for plan in plans:
        _try_alone(project, plan, trying)
    return tuple(plan.table() for plan in plans)


@dataclass
class _Plan:
    """One function on its way to its table; `waiting` are mutants with the tests that are to judge them."""

    parsed: Parsed
    name: str
    number: int
    tests: tuple[str, ...]
    excluded: tuple[Outcome, ...]
    drawn: tuple[Mutant, ...]
    waiting: dict[int, tuple[str, ...]]
    limits_s: dict[int, float]
    own_process: str = ""
    done: dict[int, Trial] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return os.path.realpath(self.parsed.path)

    def table(self) -> KillTable:
        trials = tuple(self.done[at] for at in range(len(self.drawn)))
        return KillTable(self.parsed.path, self.name, self.tests, self.excluded, trials, self.own_process)


def _plan(parsed: Parsed, name: str, covered: Covered, trying: Trying, number: int) -> _Plan:
    drawn = mutants(parsed, name, operators=trying.operators, most=trying.most, seed=trying.seed)
    known = {one.node: one for one in covered.results.outcomes}
    early = covered.runs_before_tests(parsed, name)
    running = tuple(known) if early else covered.tests(parsed, name)
    by_test = {test: covered.ran(parsed, name, test) for test in running}
    excluded = tuple(known[test] for test in by_test if known[test].status != "passed")
    tests = tuple(test for test in by_test if known[test].status == "passed")
    plan = _Plan(parsed, name, number, tests, excluded, drawn, {}, {})
    plan.own_process = "importing or collecting runs the function already" if early else ""
    for at, mutant in enumerate(drawn):
        run = range(mutant.lines[0], mutant.lines[1] + 1)
        anywhere = mutant.default or early
        judges = tuple(test for test in tests if anywhere or any(line in by_test[test] for line in run))
        if judges:
            plan.waiting[at] = judges
            took_s = sum(known[test].duration_s for test in judges)
            plan.limits_s[at] = trying.limit_s or 2 + 10 * took_s
        elif tests:
            plan.done[at] = Trial(mutant, "survived", reason=f"no passing test runs line {mutant.line}")
        else:
            plan.done[at] = Trial(mutant, "not_run", reason="no passing test runs the function")
    return plan


def _try_forked(project: Path, plans: Sequence[_Plan], trying: Trying) -> None:
    """Try what can share a process; what turns out not to be sound stays waiting."""
    if not plans:
        return
    tests = list(dict.fromkeys(test for plan in plans for test in plan.tests))
    limit_s = sum(max(plan.limits_s.values()) for plan in plans)
    control = _trial(plans[0], CONTROL, "", tests, limit_s, stop=False)
    trials = [control, *(trial for plan in plans for trial in _forked_trials(plan, stop=not trying.full))]
    job = {"trials": trials, "stop": not trying.full}
    ran = _run(project, tests, trying, job, OVERALL_S)
    by_trial = dict(_by_trial(ran.events))
    for plan in plans:
        probe = by_trial.get(f"{plan.number} {PROBE}", [])
        plan.own_process = unsound(plan.tests, probe, by_trial.get(control["id"], []))
        for at in [] if plan.own_process else list(plan.waiting):
            events = by_trial.get(f"{plan.number} {at}")
            if events and _was_judged(events):
                plan.done[at] = judged(plan.drawn[at], plan.waiting.pop(at), events)


def _can_be_swapped(plan: _Plan) -> bool:
    return any(not plan.drawn[at].default for at in plan.waiting)


def _forked_trials(plan: _Plan, *, stop: bool) -> Iterator[dict[str, Any]]:
    """A probe, which tells whether exchanging code works here, then the mutants."""
    most_s = max(plan.limits_s.values())
    yield _trial(plan, PROBE, probe(plan.parsed, plan.name), plan.tests, most_s, stop=True)
    for at, judges in plan.waiting.items():
        if not plan.drawn[at].default:
            text = mutated(plan.parsed, plan.drawn[at])
            yield _trial(plan, str(at), text, judges, plan.limits_s[at], stop=stop)


def _trial(
    plan: _Plan, name: str, text: str, tests: Sequence[str], limit_s: float, *, stop: bool
) -> dict[str, Any]:
    outer = _outermost(plan.parsed, plan.name)
    return {
        "id": f"{plan.number} {name}",
        "path": plan.path,
        "name": outer.name,
        "line": first_line(outer),
        "text": text,
        "tests": list(tests),
        "limit_s": limit_s,
        "stop": stop,
    }


def _outermost(parsed: Parsed, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef:
    """The function that holds this one: functions in it are compiled into its code."""
    return functions(parsed.tree)[name.split(".<locals>.")[0]]


def _was_judged(events: Sequence[Mapping[str, Any]]) -> bool:
    return _was_loaded(events) and any(event["event"] == "trial over" for event in events)


def _was_loaded(events: Sequence[Mapping[str, Any]]) -> bool:
    told = {event["event"] for event in events}
    return "served" in told and "unswapped" not in told


def _by_trial(events: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    current = ""
    for event in events:
        current = event["trial"] if event["event"] == "trial" else current
        found.setdefault(current, []).append(event)
    yield from found.items()


def _try_alone(project: Path, plan: _Plan, trying: Trying) -> None:
    """A process for each mutant that still waits."""
    for at, judges in list(plan.waiting.items()):
        mutant = plan.drawn[at]
        job = {"serve": {plan.path: mutated(plan.parsed, mutant)}, "stop": not trying.full}
        limit_s = START_UP_S + 4 * plan.limits_s[at]
        ran = _run(project, list(judges), trying, job, limit_s)
        events = [*ran.events]
        if ran.ended != "finished":
            started = [event["node"] for event in events if event["event"] == "started"]
            by = "time" if ran.ended == "time limit" else "crash"
            events.append({"event": "ended", "node": (started or [""])[-1], "by": by, "code": ran.returncode})
        del plan.waiting[at]
        if _was_loaded(events):
            plan.done[at] = judged(mutant, judges, events)
        else:
            why = end_of(ran, limit_s) or ran.output.strip()[-200:] or "nothing imported the file"
            plan.done[at] = Trial(mutant, "not_run", reason=f"the mutant was never loaded: {why}")


def _run(project: Path, tests: Sequence[str], trying: Trying, job: Mapping[str, Any], limit_s: float) -> Ran:
    plugins = ["bloomery_mutants"]
    return run_pytest(
        project,
        tests,
        python=trying.python,
        time_limit_s=limit_s,
        plugins=plugins,
        job=job,
        box=trying.box,
    )
