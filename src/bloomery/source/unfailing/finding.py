"""The tests of a file that cannot fail, and single checks that cannot."""

import ast
from collections.abc import Iterable, Iterator
from configparser import ConfigParser, Error
from dataclasses import dataclass
from pathlib import Path

from bloomery.source.marking import Mark, marked_tests, tests
from bloomery.source.modules import pytest_options
from bloomery.source.python import FUNCTION, Function, Parsed, parse
from bloomery.source.unfailing.checks import Checks, Project, parameters
from bloomery.source.unfailing.reaching import Check, Reaching

_INI_FILES = {"pytest.ini": "pytest", "tox.ini": "pytest", "setup.cfg": "tool:pytest"}


@dataclass(frozen=True)
class Finding:
    """`whole`: the test as a whole cannot fail; else only the check on this line."""

    path: Path
    line: int
    test: str
    reason: str
    whole: bool

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.test}: {self.reason}"


def unfailing(parsed: Parsed, project: Path) -> tuple[Finding, ...]:
    """Findings of one test file in the order of its lines.

    Helpers and fixtures are followed into files of `project`; a call that cannot be followed and is not named
    like a check is taken for none.
    """
    return _findings(parsed, Project(project))


def _findings(parsed: Parsed, project: Project) -> tuple[Finding, ...]:
    checks = Checks(parsed, project)
    found = [*_never_run(parsed, project.root)]
    for name, node, _ in tests(parsed):
        if name not in {finding.test for finding in found}:
            found += _of_test(parsed, name, node, checks)
    return tuple(sorted([*found, *_shadowed(parsed)], key=lambda finding: finding.line))


def unfailing_tests(project: Path, folder: str = "tests") -> tuple[Finding, ...]:
    """Findings of all test files below a folder of a project. Raises: NotPython."""
    files = sorted({*(project / folder).rglob("test_*.py"), *(project / folder).rglob("*_test.py")})
    read = Project(project)
    return tuple(finding for file in files for finding in _findings(parse(file), read))


def _of_test(parsed: Parsed, name: str, node: Function, checks: Checks) -> Iterator[Finding]:
    found = Reaching(node, checks).found()
    flawed = [check for check in found if check.flaw]
    if len(flawed) < len(found):
        for check in flawed:
            if check.certain:
                yield Finding(parsed.path, check.line, name, f"this check cannot fail: {check.flaw}", False)
    elif not any(checks.fixture_checks(given) for given in parameters(node)):
        yield Finding(parsed.path, node.lineno, name, _why(found), True)


def _why(found: list[Check]) -> str:
    if not found:
        return "it checks nothing"
    said = "; ".join(dict.fromkeys(f"line {check.line}: {check.flaw}" for check in found))
    return f"none of its checks can fail: {said}"


def _never_run(parsed: Parsed, project: Path) -> Iterator[Finding]:
    strict = _xfail_is_strict(project)
    for marker, says in (("skip", "it is always skipped"), ("skipif", "it is always skipped")):
        for test in marked_tests(parsed, marker):
            if any(_holds(mark, marker) for mark in test.marks):
                yield Finding(parsed.path, test.line, test.node, says, True)
    for test in marked_tests(parsed, "xfail"):
        loose = [mark for mark in test.marks if not mark.some_cases and _is_loose(mark, strict)]
        if loose:
            reason = "it is expected to fail and not strictly: whatever comes out is accepted"
            yield Finding(parsed.path, test.line, test.node, reason, True)


def _holds(mark: Mark, marker: str) -> bool:
    given = dict(mark.named)
    condition = mark.arguments[0] if mark.arguments else given.get("condition")
    return not mark.some_cases and (marker == "skip" or condition is True)


def _is_loose(mark: Mark, strict: bool) -> bool:
    given = dict(mark.named)
    conditional = "condition" in given or len(mark.arguments) > len(mark.named)
    return not conditional and "raises" not in given and not given.get("strict", strict)


def _xfail_is_strict(project: Path) -> bool:
    options = pytest_options(project)
    given = options.get("xfail_strict", options.get("strict", False))
    for name, section in _INI_FILES.items():
        parser = ConfigParser(interpolation=None)
        try:
            if parser.read(project / name) and parser.has_option(section, "xfail_strict"):
                given = parser.get(section, "xfail_strict")
        except Error:
            continue  # pytest itself will say that it cannot read it
    return str(given).lower() in {"true", "1", "yes", "on"}


def _shadowed(parsed: Parsed) -> Iterator[Finding]:
    """Tests whose name a later definition in the same block takes, and those of classes with `__init__`."""
    yield from _replaced(parsed, parsed.tree.body, "")
    for node in ast.walk(parsed.tree):
        if isinstance(node, ast.ClassDef):
            yield from _replaced(parsed, node.body, f"{node.name}::")
            own = [inner for inner in node.body if isinstance(inner, FUNCTION)]
            plain = node.name.startswith("Test") and not node.bases
            if plain and any(inner.name == "__init__" for inner in own):
                for inner in own:
                    if inner.name.startswith("test"):
                        reason = "pytest collects no test of a class that has an __init__"
                        yield Finding(parsed.path, inner.lineno, f"{node.name}::{inner.name}", reason, True)


def _replaced(parsed: Parsed, body: Iterable[ast.stmt], prefix: str) -> Iterator[Finding]:
    seen: dict[str, Function] = {}
    for node in body:
        if isinstance(node, FUNCTION) and node.name.startswith("test"):
            if node.name in seen:
                reason = f"it never runs: line {node.lineno} defines a test of the same name"
                yield Finding(parsed.path, seen[node.name].lineno, prefix + node.name, reason, True)
            seen[node.name] = node
