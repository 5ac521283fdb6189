"""Changed lines of functions that no test runs, by a coverage file of the same texts."""

import json
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from inspect import CO_NEWLOCALS, CO_OPTIMIZED
from itertools import groupby
from pathlib import Path
from types import CodeType

from bloomery.core.errors import CapabilityMissing, FormatRefused
from bloomery.optimize.reviewing.change import Changed
from bloomery.optimize.reviewing.checks.sight import Sight
from bloomery.optimize.reviewing.finding import Finding, NotLooked

USUAL = (".coverage", "coverage.json")
DO = "write a test that runs it, and fails where it is wrong"
_FUNCTION = CO_NEWLOCALS | CO_OPTIMIZED


def coverage_file(root: Path) -> Path | None:
    """What coverage.py left where it usually does."""
    return next((root / name for name in USUAL if (root / name).is_file()), None)


def look(sight: Sight) -> Iterator[Finding]:
    """Raises: NotLooked without a coverage file that is younger than the changed files; CapabilityMissing."""
    if sight.coverage is None:
        raise NotLooked("no coverage file: run the tests with coverage, with contexts where you can")
    files = [file for file in sight.change.python if file.parsed_after is not None and not file.is_test]
    fresh = [file for file in files if _is_fresh(sight, file, sight.coverage)]
    if files and not fresh:
        raise NotLooked(f"{sight.coverage.name} is older than the change: run the tests again")
    root = sight.change.repository.root.resolve()
    ran = _read(sight.coverage, root)
    if fresh and not any(path.is_relative_to(root) for path in ran):
        raise NotLooked(f"{sight.coverage.name} tells of another place than {root}")
    for file in fresh:
        seen = ran.get((root / file.path).resolve(), frozenset())
        missed = (_lines(file) & file.lines) - seen
        for first, last in runs(missed):
            where = f"line {first}" if first == last else f"lines {first}-{last}"
            yield Finding("untested lines", file.path, first, "warning", f"no test runs {where}", DO)


def _is_fresh(sight: Sight, file: Changed, coverage: Path) -> bool:
    """Whether the text that was measured is the one that is reviewed."""
    path = sight.change.repository.root / file.path
    if not path.is_file() or path.stat().st_mtime > coverage.stat().st_mtime:
        return False
    return path.read_bytes() == (file.after or "").encode()


def runs(lines: Iterable[int]) -> Iterator[tuple[int, int]]:
    """First and last of lines that follow one another."""
    for _, group in groupby(enumerate(sorted(lines)), key=lambda one: one[1] - one[0]):
        same = [line for _, line in group]
        yield same[0], same[-1]


def _lines(file: Changed) -> frozenset[int]:
    """Lines of functions that do something, but for those that say that they are not to be covered."""
    left_out = {
        at for at, line in enumerate((file.after or "").splitlines(), 1) if "pragma: no cover" in line
    }
    return frozenset(_code_lines(compile(file.after or "", file.path, "exec"))) - left_out


def _code_lines(code: CodeType) -> Iterator[int]:
    if code.co_flags & _FUNCTION == _FUNCTION:
        yield from (line for _, _, line in code.co_lines() if line not in (None, code.co_firstlineno))
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _code_lines(inner)


def _read(path: Path, root: Path) -> Mapping[Path, frozenset[int]]:
    return _report(path, root) if path.suffix == ".json" else _data(path, root)


def _report(path: Path, root: Path) -> dict[Path, frozenset[int]]:
    """Raises: FormatRefused."""
    try:
        files = json.loads(path.read_text())["files"]
    except (ValueError, KeyError, TypeError):
        raise FormatRefused(f"{path} is no report of coverage: make one with `coverage json`") from None
    found = {}
    for name, one in files.items():
        by_line = {int(line): names for line, names in one.get("contexts", {}).items()}
        found[(root / name).resolve()] = _in_tests(by_line) or frozenset(one["executed_lines"])
    return found


def _data(path: Path, root: Path) -> dict[Path, frozenset[int]]:
    """Raises: CapabilityMissing without coverage; FormatRefused."""
    if not find_spec("coverage"):
        raise CapabilityMissing("reading a coverage file needs coverage: install bloomery[optimize]")
    from coverage import CoverageData
    from coverage.exceptions import CoverageException

    try:
        data = CoverageData(basename=str(path))
        data.read()
        return {
            (root / name).resolve(): _in_tests(data.contexts_by_lineno(name))
            or frozenset(data.lines(name) or ())
            for name in data.measured_files()
        }
    except CoverageException as error:
        raise FormatRefused(f"{path} is no coverage file: {error}") from None


def _in_tests(contexts: Mapping[int, Iterable[str]]) -> frozenset[int]:
    """Empty where no contexts were recorded."""
    return frozenset(line for line, names in contexts.items() if any(names))
