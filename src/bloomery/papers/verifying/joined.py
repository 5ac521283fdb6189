"""An equation with what cites it, and which of its tests and functions count."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bloomery.papers.context import Equation as Printed
from bloomery.papers.verifying.joining import Definition, Oracle
from bloomery.papers.verifying.mutation import Function, Tried
from bloomery.papers.verifying.paper_file import Choice
from bloomery.source.citing import numbers
from bloomery.source.covering import Covered
from bloomery.source.outcomes import Outcome, Results
from bloomery.source.placeholders import Placeholder


@dataclass(frozen=True)
class Seen:
    """What was run: outcomes, lines where they were recorded, trials where there were any.

    `names`: what a paper is called in code and markers. `unfailing`: reasons by test.
    """

    root: Path
    results: Results
    covered: Covered | None
    unfailing: Mapping[str, str]
    placeholders: Mapping[Function, Placeholder]
    trials: Mapping[Function, tuple[Tried, ...]] | None = None


@dataclass(frozen=True)
class Joined:
    """An equation of a context with what cites it."""

    paper: str
    names: frozenset[str]
    printed: Printed
    code: tuple[Definition, ...]
    oracles: tuple[Oracle, ...]
    choice: Choice | None = None
    out_of_scope: str = ""

    @property
    def readings(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.printed.readings)


def cases(joined: Joined, oracle: Oracle, results: Results) -> tuple[Outcome, ...]:
    """What became of the cases of a test that belong to the equation."""
    found = results.of(oracle.node)
    if not oracle.some_cases:
        return found
    wanted = {joined.printed.number, *joined.printed.aliases}
    return tuple(
        one
        for one in found
        if one.status == "not collected"
        or any(
            mark
            and mark[0].lower() in joined.names
            and wanted & {n for text in mark[1:] for n in numbers(text)}
            for mark in one.equations
        )
    )


def good_cases(joined: Joined, seen: Seen) -> frozenset[str]:
    """Cases that pass and can fail."""
    return frozenset(
        case.node
        for oracle in joined.oracles
        if oracle.node not in seen.unfailing
        for case in cases(joined, oracle, seen.results)
        if case.status == "passed"
    )


def run_functions(joined: Joined, definition: Definition, seen: Seen) -> tuple[str, ...]:
    """The functions of a definition that a good test of the equation runs."""
    if seen.covered is None:
        return definition.functions
    good = good_cases(joined, seen)
    return tuple(
        name for name in definition.functions if good & set(seen.covered.tests(definition.parsed, name))
    )


def nodes(joined: Iterable[Joined]) -> list[str]:
    """The tests of these equations, each once, in the order of their files."""
    return sorted({oracle.node for one in joined for oracle in one.oracles})
