"""Making failing tests pass by search: the door of the room."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bloomery.core.errors import MissingFile, UserError
from bloomery.optimize.proposers.repair.candidates import Program
from bloomery.optimize.proposers.repair.localising import ochiai
from bloomery.optimize.proposers.repair.ranking import Standing
from bloomery.optimize.proposers.repair.rendering import rendered
from bloomery.optimize.proposers.repair.searching import Progress, Ranked, Search
from bloomery.optimize.proposers.repair.working import (
    Pace,
    Surveyed,
    Traced,
    Worker,
    code_of,
    surveyed,
    traced,
    worker,
)
from bloomery.source.python import Parsed, functions, parse, parse_text

FIRST_PACE = Pace(steps=1_000_000, cpu_s=5.0)
TRACED_STEPS = 30_000
LEAST_STEPS, STEPS_FACTOR = 20_000, 20
LEAST_CPU_S, MOST_CPU_S = 0.5, 4.0  # what builtins do counts no steps
MOST_REPAIRS = 10
WRONG = ("AssertionError", "Failed", "assert")  # how a test fails that got an answer


class NothingToRepair(UserError):
    """Every test passes already."""


class CannotRepair(UserError):
    """The tests give nothing to search by: they are not collected, flaky, or never reach the file."""


@dataclass(frozen=True)
class Repair:
    """The whole new text of the file, with what was changed and why it stands where it does."""

    text: str
    operator: str
    line: int
    unit: str
    standing: Standing


@dataclass(frozen=True)
class Repairs:
    """What a search found, the likeliest first; `tried`: candidates, `budget`: how many there may be.

    `failing`: the tests that a repair had to turn; `flaky`: tests left out since two runs disagreed on them;
    `cpu_s`: CPU time of the processes that tried the candidates.
    """

    path: str
    ranked: tuple[Repair, ...]
    tried: int
    budget: int
    failing: tuple[str, ...]
    flaky: tuple[str, ...]
    cpu_s: float


def repair(
    root: Path,
    path: str,
    tests: Sequence[str],
    budget: int = 20_000,
    seed: int = 0,
    *,
    function: str | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Repairs:
    """Search for edits of `path` with which all of `tests` (files or node ids, relative to `root`) pass.

    Equal arguments give equal repairs: limits are counted in candidates and steps, not in seconds.

    Raises: NothingToRepair where the tests pass; CannotRepair where they cannot be collected, where every
    failing one is flaky, or where none reaches a function of the file; MissingFile, NotPython.
    """
    parsed = parse(root / path)
    for target in tests:
        if not (root / target.partition("::")[0]).exists():
            raise MissingFile(f"{root / target}: there is no such file with tests")
    with worker(root, path, tests, parsed.tree) as at_work:
        told = at_work.ask("survey", pace=FIRST_PACE, trace=TRACED_STEPS)
        seen = traced(told)
        known, flaky = _repeatable(_survey(told, tests), seen)
        failing = sorted((one for one in known if one.status == "failed"), key=lambda one: one.steps)
        passing = sorted((one for one in known if one.status == "passed"), key=lambda one: one.steps)
        order = [one.node for one in (*failing, *passing)]
        program = _program(parsed, at_work, seen, {one.node for one in failing}, function)
        search = Search(
            worker=at_work,
            program=program,
            order=order,
            failing=len(failing),
            calls=_calls(seen, {one.node for one in passing}),
            pace=_pace(passing),
            budget=budget,
            seed=seed,
            prints=[one.print for one in failing],
            crashed=not any(one.message.startswith(WRONG) for one in failing),
            progress=progress,
        )
        ranked = _confirmed(at_work, parsed, search.run(), order)
    return Repairs(
        path, ranked, search.tried, budget, tuple(one.node for one in failing), flaky, sum(at_work.spent_s)
    )


def _survey(told: Sequence[Sequence[Any]], tests: Sequence[str]) -> list[Surveyed]:
    """What becomes of each test of the program as it is."""
    errors = [line for line in told if line[0] == "not collected"]
    if errors:
        last = [line.removeprefix("E").strip() for line in errors[0][2].splitlines() if line.strip()]
        raise CannotRepair(
            f"{errors[0][1]}: the tests cannot be collected: {last[-1] if last else 'no reason'}"
        )
    found = list(surveyed(told))
    if not found:
        raise CannotRepair(f"{', '.join(tests)}: no test was found there; name files that hold tests")
    if all(one.status != "failed" for one in found):
        raise NothingToRepair(f"all {len(found)} tests pass or are skipped already; name a test that fails")
    return found


def _repeatable(first: Sequence[Surveyed], seen: Traced) -> tuple[list[Surveyed], tuple[str, ...]]:
    """The tests whose outcome was the same in a second run, and the names of the others."""
    flaky = tuple(one.node for one in first if seen.ended.get(one.node, "steps") not in ("steps", one.status))
    known = [one for one in first if one.node not in flaky]
    if not any(one.status == "failed" for one in known):
        raise CannotRepair(
            f"{', '.join(flaky)}: flaky, failed in one of two runs; make them repeatable first"
        )
    return known, flaky


def _program(
    parsed: Parsed, at_work: Worker, seen: Traced, failing: set[str], function: str | None
) -> Program:
    suspicions = ochiai(seen.lines, failing)
    known = functions(parsed.tree)
    if function is not None:
        if function not in known:
            raise UserError(f"{parsed.path}: there is no function {function}")
        wanted = known[function]
        span = range(wanted.lineno, (wanted.end_lineno or wanted.lineno) + 1)
        suspicions = {line: value for line, value in suspicions.items() if line in span}
    bodies = {
        line
        for node in known.values()
        for line in range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1)
    }
    if not bodies & set(suspicions):
        which = function or "a function"
        raise CannotRepair(
            f"{parsed.path}: no failing test reaches {which} of it; name the file that is at fault"
        )
    return Program(parsed.tree, str(at_work.target), suspicions, seen.types)


def _calls(seen: Traced, passing: set[str]) -> list[tuple[str, str, str]]:
    """(passed or failed, function, packed arguments), each call of a passing test once."""
    calls = [("passed" if test in passing else "failed", name, packed) for test, name, packed in seen.calls]
    return sorted(dict.fromkeys(calls), key=lambda one: one[0] != "passed")


def _pace(passing: Sequence[Surveyed]) -> Pace:
    steps = max((one.steps for one in passing), default=0)
    cpu_s = max((one.cpu_s for one in passing), default=0.0)
    return Pace(
        steps=max(LEAST_STEPS, STEPS_FACTOR * steps), cpu_s=min(MOST_CPU_S, max(LEAST_CPU_S, 20 * cpu_s))
    )


def _confirmed(
    at_work: Worker, parsed: Parsed, ranked: Sequence[Ranked], order: Sequence[str]
) -> tuple[Repair, ...]:
    """The repairs whose text, read anew in a fresh process, passes every test that has a say."""
    found: list[Repair] = []
    texts: set[str] = set()
    for one in ranked:
        text = rendered(parsed.text, parsed.tree, one.edit.changes)
        if text is None or text in texts or len(found) == MOST_REPAIRS:
            continue
        texts.add(text)
        if not found and not _passes(at_work, text, order):
            continue
        found.append(Repair(text, one.edit.operator, one.edit.line, one.edit.unit, one.standing))
    return tuple(found)


def _passes(at_work: Worker, text: str, order: Sequence[str]) -> bool:
    tree = parse_text(text, at_work.target).tree
    before = at_work.target.read_text()
    at_work.target.write_text(text)
    try:
        told = replace(at_work, code=code_of(tree, at_work.target)).ask(
            "survey", pace=FIRST_PACE, order=order, trace=0
        )
    finally:
        at_work.target.write_text(before)
    passed = {one.node for one in surveyed(told) if one.status == "passed"}
    return passed >= set(order)
