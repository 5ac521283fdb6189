"""How far a plan is: the states of its equations, tests, files, claims and gates, from what was measured.

A gate that nobody measured, and what only a person can see, has no state, and its box stays open.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from bloomery.core.disk import write_atomically
from bloomery.core.errors import UserError
from bloomery.core.evidence import Evidence
from bloomery.core.evidence import State as Judged
from bloomery.papers.figures import figure
from bloomery.papers.planning import Plan, Progress, asked, progress, read_plan, render
from bloomery.papers.planning.checkpoints import GOALS_OF_CLAIMS
from bloomery.papers.planning.judged import STATES, Claim, State
from bloomery.papers.planning.message import with_coverage
from bloomery.papers.verifying.claims import ClaimReport
from bloomery.papers.verifying.verified import Verified
from bloomery.source.outcomes import Results
from bloomery.source.placeholders import placeholders
from bloomery.source.python import NotPython, parse
from bloomery.source.running import run_tests

CERTAIN = frozenset({"empty", "not implemented", "todo"})
GATES = {
    "lint": "gate ruff check",
    "format": "gate ruff format",
    "types": "gate ty check",
    "tests": "gate pytest",
    "coverage": "gate coverage",
}
OF_TESTS: dict[Judged, State] = {
    Judged.PASSED: "passing",
    Judged.FAILED: "failing",
    Judged.NOT_RUN: "skipped",
}


def retick(
    path: Path,
    root: Path,
    verified: Verified,
    gates: Sequence[Evidence] = (),
    *,
    python: str = sys.executable,
    time_limit_s: float = 1800,
) -> Progress:
    """Write a plan's document anew with the boxes ticked that the measurements tick, and no others.

    Its commit message says the coverage where that is among the gates.

    Raises: as `read_plan`; UserError where papers of the plan were not verified.
    """
    plan = read_plan(path)
    known = {paper.id for paper in verified.papers}
    if left := sorted({paper.id for paper in plan.papers} - known):
        raise UserError(
            f"{path}: its papers {', '.join(left)} were not verified; expected papers/<id> of each in {root}"
        )
    wanted = [file.path for file in plan.files if file.kind.endswith("test")]
    there = [name for name in wanted if (root / name).is_file()]
    results = run_tests(root, there, python=python, time_limit_s=time_limit_s) if there else Results((), ())
    states = standing(plan, root, verified, results, gates)
    covered = next((one.measured for one in gates if one.check == "coverage"), None)
    plan = replace(plan, commit_message=with_coverage(plan.commit_message, covered))
    write_atomically(path, render(plan, states).encode())
    return progress(plan, states)


def standing(
    plan: Plan, root: Path, verified: Verified, results: Results, gates: Iterable[Evidence] = ()
) -> dict[str, State]:
    """By what a plan asks for: how far it is; `results` are those of the plan's own test files."""
    found: dict[str, State] = {key: _state(held) for key, held in verified.states().items()}
    tests = {file.path for file in plan.files if file.kind.endswith("test")}
    for key in {*asked(plan), *(file.path for file in plan.files)}:
        if key.partition("::")[0] in tests:
            found[key] = _of_tests(root, key, results)
        elif _is_file(plan, key):
            found[key] = _of_file(root / key)
    for part in plan.parts:
        if part.kind != "equation":
            found[part.id] = _worst([found[part.source], found[part.test]])
    found.update(_of_claims(plan, verified.claims))
    found.update((GATES[one.check], _of_gate(one)) for one in gates if one.check in GATES)
    return {key: found[key] for key in asked(plan) if key in found}


def unmeasured(found: Progress) -> list[str]:
    """What boxes of the plan are of and nobody measured."""
    return [key for key in asked(found.plan) if key not in found.states]


def _is_file(plan: Plan, key: str) -> bool:
    return any(file.path == key for file in plan.files) or any(task.file == key for task in plan.tasks)


def _of_tests(root: Path, target: str, results: Results) -> State:
    if not (root / target.partition("::")[0]).is_file() or ("::" in target and not results.of(target)):
        return "missing"
    return OF_TESTS[results.state(target)]


def _of_file(path: Path) -> State:
    """A file that is there is as far as it can be; code that only stands for work fails."""
    if not path.is_file():
        return "missing"
    if path.suffix != ".py":
        return "passing"
    try:
        hollow = [one for one in placeholders(parse(path)) if one.kind in CERTAIN]
    except NotPython:
        return "failing"
    return "failing" if hollow else "passing"


def _of_claims(plan: Plan, reports: Sequence[ClaimReport]) -> Iterator[tuple[str, State]]:
    for claim in plan.claims:
        own = _reports(claim, reports)
        yield claim.id, _worst([_of_claim(one, one.claim.tolerance) for one in own] or ["missing"])
        for percent in GOALS_OF_CLAIMS.values():
            near = [_of_claim(one, percent / 100) for one in own]
            yield f"{claim.id} within {percent} %", _worst(near or ["missing"])


def _of_claim(one: ClaimReport, limit: float) -> State:
    if one.claim.scale != "paper" or one.stale or one.shortfall is None:
        return "skipped"
    return "passing" if one.shortfall <= limit else "failing"


def _reports(claim: Claim, reports: Sequence[ClaimReport]) -> list[ClaimReport]:
    """What was measured of a plan's claim: the paper's claims of its number, where several, of its source."""
    stated = figure(claim.value)
    same = [
        one
        for one in reports
        if one.paper == claim.paper and stated is not None and one.claim.value == stated[0]
    ]
    return [one for one in same if one.claim.source == claim.source] or same


def _of_gate(one: Evidence) -> State:
    return OF_TESTS[one.state]


def _worst(states: Sequence[State]) -> State:
    return min(states, key=STATES.index)


def _state(text: str) -> State:
    return next(state for state in STATES if state == text)
