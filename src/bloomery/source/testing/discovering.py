"""The tests of a project: what they touch, which of them a change concerns, and which are flaky."""

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bloomery.core.errors import CapabilityMissing, UserError
from bloomery.core.evidence import State
from bloomery.source.boxing import LEFT_OUT, boxed
from bloomery.source.covering import Covered, cover
from bloomery.source.modules import pytest_options, reached, source_roots
from bloomery.source.outcomes import Outcome, Results, Status
from bloomery.source.python import NotPython, Parsed, definitions, parse
from bloomery.source.running import run_tests

STATES: dict[Status, State] = {
    "passed": State.PASSED,
    "failed": State.FAILED,
    "error": State.FAILED,
    "xpassed": State.FAILED,
}


@dataclass(frozen=True)
class Discovered:
    """A test, how it ended, and the functions that it runs, by file."""

    node: str
    status: Status
    touches: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Repeated:
    """The same tests several times, in both orders and under several hash seeds.

    `flaky`: tests that did not always end alike, with how they ended, in the order of the runs.
    """

    runs: tuple[Results, ...]
    flaky: Mapping[str, tuple[Status, ...]]

    @property
    def state(self) -> State:
        """Passed only where something passed, nothing failed, and nothing came to no end or was not there."""
        outcomes = [one for run in self.runs for one in run.outcomes]
        states = {state_of(one) for one in outcomes}
        if State.FAILED in states or self.flaky or any(run.errors for run in self.runs):
            return State.FAILED
        lost = any(run.ended for run in self.runs) or any(
            one.status in ("not run", "not collected") for one in outcomes
        )
        return State.NOT_RUN if lost or State.PASSED not in states else State.PASSED


def state_of(outcome: Outcome) -> State:
    """Skipped, expected to fail, not run: no pass."""
    return STATES.get(outcome.status, State.NOT_RUN)


def discover(root: Path, targets: Sequence[str]) -> tuple[Discovered, ...]:
    """Run the tests once, in the sandbox, and say what each touches of the project's own code."""
    covered, files = covered_in_box(root, targets)
    touched: dict[str, dict[str, tuple[str, ...]]] = {}
    for parsed in files:
        path = parsed.path.relative_to(root.resolve()).as_posix()
        for name, kind, _ in definitions(parsed.tree):
            if kind == "class" or "<locals>" in name:
                continue
            try:
                tests = covered.tests(parsed, name)
            except LookupError:
                continue  # in a branch that is never compiled
            for test in tests:
                known = touched.setdefault(test, {})
                known[path] = (*known.get(path, ()), name)
    return tuple(
        Discovered(one.node, one.status, touched.get(one.node, {})) for one in covered.results.outcomes
    )


def covered_in_box(
    root: Path, targets: Sequence[str], paths: Sequence[str] = ()
) -> tuple[Covered, tuple[Parsed, ...]]:
    """Coverage of the project's sources (or of `paths` alone), recorded in the sandbox; files of `root`."""
    root = root.resolve()
    files = tuple(sources(root, targets, paths))
    with boxed(root) as box:
        inner = [box.project / one.path.relative_to(root) for one in files]
        covered = cover(box.project, targets, inner, box=box)
        lines = {box.outer(path): by_test for path, by_test in covered.lines.items()}
        before = {box.outer(path): some for path, some in covered.before.items()}
    return Covered(covered.results, lines, before), files


def repeat(root: Path, targets: Sequence[str], times: int = 1, *, time_limit_s: float = 600) -> Repeated:
    """Run tests in the sandbox; of many runs every second is backwards, and each has another hash seed."""
    with boxed(root) as box:
        runs = tuple(
            run_tests(
                box.project,
                targets,
                time_limit_s=time_limit_s,
                box=box,
                hash_seed=number,
                job={"backwards": bool(number % 2)},
            )
            for number in range(times)
        )
    ended: dict[str, list[Status]] = {}
    for run in runs:
        for one in run.outcomes:
            ended.setdefault(one.node, []).append(one.status)
    return Repeated(runs, {node: tuple(some) for node, some in ended.items() if len(set(some)) > 1})


def default_targets(root: Path) -> list[str]:
    """What pytest itself would take: its `testpaths`, else `tests`, else everything."""
    named = pytest_options(root).get("testpaths", [])
    listed = named.split() if isinstance(named, str) else [str(one) for one in named]  # type: ignore[attr-defined]
    found = [name for name in listed or ["tests", "test"] if (root / name).exists()]
    return found or ["."]


def changed_files(root: Path, revision: str = "HEAD") -> tuple[str, ...]:
    """Files that differ from a revision, untracked ones too; relative to `root`.

    Raises: UserError without a git repository, or for a revision that it does not know.
    """
    listed = _git(root, "diff", "--name-only", "--relative", "-z", revision, "--")
    untracked = _git(root, "ls-files", "--others", "--exclude-standard", "-z")
    return tuple(dict.fromkeys(name for name in (listed + untracked).split("\0") if name))


def concerned(root: Path, targets: Sequence[str], changed: Iterable[str]) -> tuple[str, ...]:
    """The test files of `targets` that a change can concern: what they import, however far, has changed.

    A changed conftest.py or pyproject.toml concerns all tests below it. Not seen: modules that are named at
    run time, and data files.
    """
    root = root.resolve()
    files = {(root / name).resolve() for name in changed}
    wide = [file.parent for file in files if file.name in ("conftest.py", "pyproject.toml", "pytest.ini")]
    roots, known = source_roots(root), {}  # type: ignore[var-annotated]
    found = []
    for test in _test_files(root, targets):
        below = any(test.is_relative_to(folder) for folder in wide)
        if below or reached([test], roots, known) & files:
            found.append(test.relative_to(root).as_posix())
    return tuple(found)


def _test_files(root: Path, targets: Sequence[str]) -> list[Path]:
    found = []
    for target in targets:
        place = (root / target.partition("::")[0]).resolve()
        files = sorted(_python_below(place)) if place.is_dir() else [place]
        found += [file for file in files if file.name.startswith("test_") or file.stem.endswith("_test")]
    return list(dict.fromkeys(found))


def _python_below(folder: Path) -> Iterable[Path]:
    for file in folder.rglob("*.py"):
        if not any(part in LEFT_OUT for part in file.relative_to(folder).parts):
            yield file


def sources(root: Path, targets: Sequence[str], paths: Sequence[str]) -> Iterable[Parsed]:
    """The project's own sources, its tests aside; one that does not parse is left out unless it is named."""
    root = root.resolve()
    tests = set(_test_files(root, targets))
    folders = [root / "src"] if (root / "src").is_dir() else [root]
    places = [(root / path).resolve() for path in paths] or folders
    for place in places:
        if not place.is_relative_to(root):
            raise UserError(f"{place}: a path inside of {root} was expected")
        for file in sorted(_python_below(place)) if place.is_dir() else [place]:
            if file in tests or (file.name == "conftest.py" and not paths):
                continue
            try:
                yield parse(file)
            except NotPython:
                if file == place:
                    raise
                continue  # one broken file does not hide the others; it has no coverage


def _git(root: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise CapabilityMissing("selecting by change needs git: install it") from None
    if done.returncode:
        raise UserError(f"{root}: git cannot say what changed: {done.stderr.strip().partition(chr(10))[0]}")
    return done.stdout
