"""Which tests run which lines of which functions.

Lines that a fixture of a wider scope than one test runs count for every test that uses the fixture. Not seen:
what a test starts in processes of its own, and fixtures that are asked for by name at run time.
"""

import ast
import importlib.util
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

from bloomery.core.errors import CapabilityMissing
from bloomery.source.boxing import Box
from bloomery.source.outcomes import Results, read_results
from bloomery.source.python import Parsed, first_line, function, last_line
from bloomery.source.running import end_of, run_pytest

Lines = frozenset[int]


@dataclass(frozen=True)
class Covered:
    """`lines`: by file (resolved), then by test; `before`: run by no test, but at import or collection."""

    results: Results
    lines: Mapping[Path, Mapping[str, Lines]]
    before: Mapping[Path, Lines]

    def tests(self, parsed: Parsed, name: str) -> tuple[str, ...]:
        """The tests that run the body of a function, in the order in which they ran."""
        body = body_lines(parsed, name)
        by_test = self.lines.get(parsed.path.resolve(), {})
        return tuple(test for test, lines in by_test.items() if lines & body)

    def ran(self, parsed: Parsed, name: str, test: str) -> Lines:
        """The lines of a function that one test runs."""
        return self.lines.get(parsed.path.resolve(), {}).get(test, frozenset()) & body_lines(parsed, name)

    def missed(self, parsed: Parsed, name: str) -> Lines:
        """The lines of a function that no test runs."""
        seen = frozenset[int]().union(*self.lines.get(parsed.path.resolve(), {}).values())
        return body_lines(parsed, name) - seen

    def runs_before_tests(self, parsed: Parsed, name: str) -> bool:
        """Whether importing or collecting runs the function; yes where its body stands on its `def` line."""
        return bool(self.before.get(parsed.path.resolve(), frozenset()) & body_lines(parsed, name))


def cover(
    project: Path,
    targets: Sequence[str],
    files: Iterable[Path],
    *,
    python: str = sys.executable,
    time_limit_s: float = 600,
    box: Box | None = None,
    test_s: float = 0,
) -> Covered:
    """Run the tests of `targets` and record which of them run which lines of `files`.

    With `box`, `project` is its copy, and they run in the sandbox. A test fails that uses more than `test_s`
    seconds of processor time; 0: it may.

    Raises: CapabilityMissing where coverage.py is not installed.
    """
    if importlib.util.find_spec("coverage") is None:
        raise CapabilityMissing("recording lines needs coverage: install bloomery[papers]")
    job = {"files": [str(file.resolve()) for file in files], "test_s": test_s}
    ran = run_pytest(project, targets, python=python, time_limit_s=time_limit_s, job=job, box=box)
    results = read_results(project, targets, ran.events, end_of(ran, time_limit_s), ran.output)
    return _read(results, ran.events)


def body_lines(parsed: Parsed, name: str) -> Lines:
    """The lines of a function's body that hold code, functions in it included."""
    node = function(parsed, name)
    span = range(node.body[0].lineno, last_line(node) + 1)
    code = _code(compile(parsed.tree, str(parsed.path), "exec"), node.name, first_line(node))
    return frozenset(line for line in _lines(code) if line in span)


def code_lines(parsed: Parsed) -> Lines:
    """All lines of a file that hold code, docstrings and the like aside."""
    quiet = {
        line
        for node in ast.walk(parsed.tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for line in range(node.lineno, last_line(node) + 1)
    }
    found = _lines(compile(parsed.tree, str(parsed.path), "exec"))
    return frozenset(line for line in found if line) - quiet


def _code(code: CodeType, name: str, line: int) -> CodeType:
    """The code object of the function that starts at `line`."""
    waiting = [code]
    while waiting:
        one = waiting.pop()
        if one.co_name == name and one.co_firstlineno == line:
            return one
        waiting.extend(constant for constant in one.co_consts if isinstance(constant, CodeType))
    raise LookupError(f"{code.co_filename}:{line}: no code for {name}: it stands in a branch never compiled")


def _lines(code: CodeType) -> Iterable[int]:
    yield from (line for _, _, line in code.co_lines() if line is not None)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _lines(constant)


def _read(results: Results, events: Iterable[Mapping[str, Any]]) -> Covered:
    users: dict[str, list[str]] = defaultdict(list)
    by_file: dict[Path, dict[str, set[int]]] = {}
    before: dict[Path, set[int]] = defaultdict(set)
    order: list[str] = []
    for event in events:
        if event["event"] == "collected":
            order.append(event["node"])
            for fixture in event["fixtures"]:
                users[fixture].append(event["node"])
        elif event["event"] == "lines":
            path = Path(event["file"]).resolve()
            by_test = by_file.setdefault(path, {node: set() for node in order})
            for line, contexts in event["lines"].items():
                for context in contexts:
                    kind, _, name = context.partition(" ")
                    for test in users[name] if kind == "fixture" else [name] if kind == "test" else []:
                        by_test[test].add(int(line))
                    if not kind:
                        before[path].add(int(line))
    lines = {
        path: {test: frozenset(found) for test, found in by_test.items() if found}
        for path, by_test in by_file.items()
    }
    return Covered(results, lines, {path: frozenset(found) for path, found in before.items()})
