"""What a change does to what others call: public names of public modules, and how they are called."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from bloomery.optimize.reviewing.change import Changed
from bloomery.optimize.reviewing.checks.sight import Sight
from bloomery.optimize.reviewing.checks.signatures import Callable, differences, names, public
from bloomery.optimize.reviewing.finding import Finding, Severity

KEEP = "keep the old name or call working for a while, or say in the change log that it breaks callers"

TELL = "say in the docs what it is for"
SEE = "see that it is meant"


def look(sight: Sight) -> Iterator[Finding]:
    for file in sight.change.python:
        if not file.is_test and _is_public(file.was) and (file.parsed_before or file.parsed_after):
            yield from _looked(file)


def _is_public(path: str) -> bool:
    parts = PurePosixPath(path).with_suffix("").parts
    return all(part == "__init__" or not part.startswith("_") for part in parts)


def _looked(file: Changed) -> Iterator[Finding]:
    if file.before is not None and file.after is None:
        yield _finding(file.path, 1, "warning", "the module is gone", KEEP)
    elif file.was != file.path and file.before is not None:
        yield _finding(file.path, 1, "warning", f"the module was {file.was}", KEEP)
    if file.parsed_after is None:
        return
    before = public(file.parsed_before.tree) if file.parsed_before else {}
    after, there = public(file.parsed_after.tree), names(file.parsed_after.tree)
    for name, old in before.items():
        if name in after:
            yield from _changes(file.path, name, old, after[name])
        elif name not in there and name.rpartition(".")[0] not in set(before) - set(after):
            yield _finding(file.path, 1, "warning", f"{name} is gone", KEEP)
    if file.before is not None:
        for name in after.keys() - before.keys():
            line = after[name].line
            yield _finding(
                file.path, line, "note", f"{name} is new and public", "say in the docs what it is for"
            )


def _changes(path: str, name: str, old: Callable, new: Callable) -> Iterator[Finding]:
    for breaks, what in differences(old, new):
        severity: Severity = "warning" if breaks else "note"
        yield _finding(
            path, new.line, severity, f"{name}: {what}", KEEP if breaks else "see that it is meant"
        )


def _finding(path: str, line: int, severity: Severity, what: str, do: str) -> Finding:
    return Finding("public API", path, line, severity, what, do)
