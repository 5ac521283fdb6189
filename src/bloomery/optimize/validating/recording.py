"""What the tests do before any change: their outcomes, and what each of them runs and reads."""

import ast
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Self

from bloomery.optimize.validating.testing import Pace, Seen, Tried, try_tests
from bloomery.source.python import FUNCTION, NotPython, definitions, last_line, parse

LEAST_S, FACTOR = 10.0, 10.0
Names = frozenset[str]


@dataclass(frozen=True)
class Did:
    """`ran`: functions by file; `opened`: files read as data; `quoted`: files whose constants are examples of
    Hypothesis; `apart`: what could not be seen."""

    ran: Mapping[str, Names] = field(default_factory=dict)
    opened: Names = frozenset()
    quoted: Names = frozenset()
    apart: Names = frozenset()


NOTHING = Did()


@dataclass(frozen=True)
class Record:
    """Of the unchanged tree: by test its status and why, what two runs disagree about, by unit and by test
    the seconds that it took, and how many it took to begin.

    `did`: by test, by unit (a file with tests), and "" for the import.
    """

    targets: tuple[str, ...]
    statuses: Mapping[str, str]
    reasons: Mapping[str, str]
    flaky: tuple[str, ...]
    units: Mapping[str, float]
    seconds: Mapping[str, float]
    start_s: float
    did: Mapping[str, Did]
    trouble: str = ""

    @property
    def failing(self) -> tuple[str, ...]:
        """Tests that do not pass before any change, flaky ones aside."""
        bad = ("failed", "error", "not run", "not collected", "xpassed")
        return tuple(
            node for node, status in self.statuses.items() if status in bad and node not in self.flaky
        )

    @property
    def passing(self) -> tuple[str, ...]:
        return tuple(n for n, status in self.statuses.items() if status == "passed" and n not in self.flaky)

    @property
    def pace(self) -> Pace:
        """What a changed tree's tests may take: ten times what they took, and ten seconds."""
        limits = {unit: LEAST_S + FACTOR * seconds for unit, seconds in self.units.items()}
        whole = 60.0 + LEAST_S + FACTOR * sum(self.units.values())
        return Pace(limits_s=limits, whole_s=min(whole, Pace().whole_s))

    def to_plain(self) -> dict[str, Any]:
        did = {
            owner: {
                "ran": {file: sorted(names) for file, names in one.ran.items()},
                "opened": sorted(one.opened),
                "quoted": sorted(one.quoted),
                "apart": sorted(one.apart),
            }
            for owner, one in self.did.items()
        }
        return {**self.__dict__, "did": did}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        did = {
            owner: Did(
                {file: frozenset(names) for file, names in one["ran"].items()},
                frozenset(one["opened"]),
                frozenset(one["quoted"]),
                frozenset(one["apart"]),
            )
            for owner, one in plain["did"].items()
        }
        targets, flaky = tuple(plain["targets"]), tuple(plain["flaky"])
        return cls(**{**plain, "did": did, "targets": targets, "flaky": flaky})


def record(tree: Path, targets: Sequence[str], pace: Pace) -> Record:
    """Run the tests twice: with their lines noted, and once more to see which of them are flaky.

    What used up its time (`pace.test_s`) does so once.
    """
    first = try_tests(tree, targets, lines=True, pace=pace)
    endless = [one.node for one in first.results.outcomes if one.took_too_long]
    began = time.monotonic()
    second = try_tests(tree, targets, pace=pace, without=endless)
    took_s = time.monotonic() - began
    now, then = _statuses(first), _statuses(second) | dict.fromkeys(endless, "failed")
    flaky = tuple(node for node in now if now[node] != then.get(node))
    return Record(
        tuple(targets),
        now,
        {one.node: one.reason for one in first.results.outcomes if one.reason},
        (*flaky, *(node for node in then if node not in now)),
        {unit: max(seconds, second.units.get(unit, 0.0)) for unit, seconds in first.units.items()},
        {one.node: round(one.duration_s, 4) for one in second.results.outcomes},
        max(0.0, took_s - sum(second.units.values())),
        _did(tree, first),
        first.trouble,
    )


def _statuses(tried: Tried) -> dict[str, str]:
    """By test; a folder without any is no test."""
    empty = {one.node for one in tried.results.outcomes if one.reason.endswith("holds no test")}
    return {node: status for node, status in tried.statuses().items() if node not in empty}


def _did(tree: Path, tried: Tried) -> dict[str, Did]:
    known: dict[str, dict[int, str]] = {}
    return {owner: _named(seen, partial(_owners, tree, known)) for owner, seen in tried.seen.items()}


def _named(seen: Seen, owners: Any) -> Did:
    ran = {}
    for file, lines in seen.lines.items():
        if names := frozenset(owners(file)[line] for line in lines if line in owners(file)):
            ran[file] = names
    return Did(ran, seen.opened, seen.quoted, seen.apart)


def _owners(tree: Path, known: dict[str, dict[int, str]], file: str) -> dict[int, str]:
    """The function whose body each line of a file stands in."""
    if file not in known:
        known[file] = owners_of_lines(tree / file)
    return known[file]


def owners_of_lines(path: Path) -> dict[int, str]:
    """By line the function (one that stands in no other function) whose body it is in."""
    try:
        tree = parse(path).tree
    except (NotPython, OSError):
        return {}
    found: dict[int, str] = {}
    for name, node in outermost(tree):
        found |= dict.fromkeys(range(node.body[0].lineno, last_line(node) + 1), name)
    return found


def outermost(tree: ast.Module) -> list[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """The functions and methods that stand in no other function, in the order of the text."""
    found = [(name, node) for name, _, node in definitions(tree) if isinstance(node, FUNCTION)]
    return [(name, node) for name, node in found if "<locals>" not in name]
