"""Tests proved by pytest in the sandbox: they pass in any order, under any hash seed, and fail on mutants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bloomery.core.errors import UserError
from bloomery.source.boxing import Box
from bloomery.source.covering import Covered, Lines, body_lines, cover
from bloomery.source.mutating import Trying, kill_tables
from bloomery.source.mutating.mutants import Mutant
from bloomery.source.python import Parsed, functions
from bloomery.source.running import run_tests

HASH_SEEDS = (1, 20240229)


@dataclass(frozen=True)
class Proof:
    """`kills` and `lines` by test, of those that always pass; `dropped` says of the others why they go."""

    kills: Mapping[str, frozenset[Mutant]]
    lines: Mapping[str, Lines]
    mutants: frozenset[Mutant]
    dropped: Mapping[str, str] = field(default_factory=dict)

    def by_name(self) -> "Proof":
        """The same by test function: the cases of a parametrized one are one test, of which none may fail."""
        dropped = {_name(node): why for node, why in self.dropped.items()}
        kills: dict[str, frozenset[Mutant]] = {}
        lines: dict[str, Lines] = {}
        for node in self.kills:
            name = _name(node)
            if name not in dropped:
                kills[name] = kills.get(name, frozenset()) | self.kills[node]
                lines[name] = lines.get(name, frozenset()) | self.lines[node]
        return Proof(kills, lines, self.mutants, dropped)


NOTHING = Proof({}, {}, frozenset())


def prove(
    box: Box,
    parsed: Parsed,
    tests: Sequence[str],
    *,
    mutants: frozenset[Mutant] | None = None,
    twice: bool = True,
) -> Proof:
    """What the tests that `tests` name are worth; each is named by its node id.

    `mutants`: the ones that count (default: all). `twice`: run them backwards and with other hash seeds, too.
    """
    covered = cover(box.project, tests, [parsed.path], box=box)
    dropped = _failing(covered)
    if twice:
        for hash_seed in HASH_SEEDS:
            job = {"backwards": True}
            again = run_tests(box.project, tests, box=box, hash_seed=hash_seed, job=job)
            for one in again.outcomes:
                if one.status != "passed":
                    dropped.setdefault(one.node, f"another order or hash seed changes it: {one.reason[:200]}")
    names = [name for name in functions(parsed.tree) if "<locals>" not in name]
    kept = [one.node for one in covered.results.outcomes if one.node not in dropped]
    lines = covered.lines.get(parsed.path.resolve(), {})
    kills: dict[str, set[Mutant]] = {node: set() for node in kept}
    known: set[Mutant] = set()
    trying = Trying(full=True, box=box)
    for table in kill_tables(box.project, [(parsed, name) for name in names], tests, trying, covered=covered):
        for trial in table.trials:
            if mutants is None or trial.mutant in mutants:
                known.add(trial.mutant)
                for kill in trial.kills:
                    kills.get(kill.test, set()).add(trial.mutant)
    return Proof(
        {node: frozenset(found) for node, found in kills.items()},
        {node: lines.get(node, frozenset()) for node in kept},
        frozenset(known),
        dropped,
    )


def statement_lines(parsed: Parsed) -> Lines:
    """The lines of all function bodies; what runs at import needs no test to run it."""
    names = [name for name in functions(parsed.tree) if "<locals>" not in name]
    found: set[int] = set()
    for name in names:
        try:
            found |= body_lines(parsed, name)
        except LookupError:
            continue  # in a branch that is never compiled
    return frozenset(found)


def put(box: Box, path: str, text: str) -> Path:
    """Write a file into the copy."""
    file = box.project / path
    if not file.resolve().is_relative_to(box.project):
        raise UserError(f"{path}: a path inside the project was expected")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def _name(node: str) -> str:
    return (node.partition("::")[2] or node).partition("[")[0]


def _failing(covered: Covered) -> dict[str, str]:
    found = {
        one.node: f"{one.status}: {one.reason[:200]}"
        for one in covered.results.outcomes
        if one.status != "passed"
    }
    return found | {one.path: str(one) for one in covered.results.errors}
