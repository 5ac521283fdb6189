"""The worker: a copy of the project in a sandbox, its tests loaded once, each candidate tried in a fork."""

import ast
import base64
import importlib.util
import json
import marshal
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bloomery.core.errors import CapabilityMissing, UserError
from bloomery.core.sandbox import Limits, run
from bloomery.optimize.proposers.repair.counting import counted
from bloomery.source.modules import source_roots

INSIDE = Path(__file__).parent / "inside"
LEFT_OUT = (
    ".git",
    ".venv",
    "venv",
    "node_modules",
    "__pycache__",
    ".mypy_cache",
    ".pytest_cache",
    ".tox",
    ".bloomery",
)
MOST_BYTES = 400 * 2**20
LIMITS = Limits(
    time_s=300, cpu_s=300, memory_bytes=2**30, processes=64, file_bytes=64 * 2**20, output_bytes=64 * 2**20
)
OPTIONS = (
    "-p",
    "no:cacheprovider",
    "-p",
    "no:randomly",
    "-q",
    "--continue-on-collection-errors",
    "-W",
    "ignore",
)


@dataclass(frozen=True)
class Pace:
    """What one test may use: counted steps, and CPU time for what does not count them."""

    steps: int
    cpu_s: float


@dataclass(frozen=True)
class Worker:
    """One search's workplace; every call of `ask` is a fresh process behind the sandbox's walls.

    `spent_s` holds the CPU time of each.
    """

    folder: Path
    path: str
    tests: tuple[str, ...]
    code: str
    spent_s: list[float] = field(default_factory=list)

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def target(self) -> Path:
        return (self.project / self.path).resolve()

    def ask(
        self, task: str, *, pace: Pace, order: Sequence[str] | None = None, **more: Any
    ) -> list[list[Any]]:
        """What the worker told, line by line; a worker that ended early has told less."""
        job = {
            "task": task,
            "project": str(self.project),
            "roots": [str(_inside(self.folder)), *map(str, source_roots(self.project))],
            "tests": list(self.tests),
            "options": [
                *OPTIONS,
                f"--rootdir={self.project}",
                "--basetemp",
                str(self.folder / "basetemp"),
                *plain_run(),
            ],
            "target": str(self.target),
            "code": self.code,
            "order": None if order is None else list(order),
            "limit": pace.steps,
            "cpu_s": pace.cpu_s,
            **more,
        }
        (self.folder / "job.json").write_text(json.dumps(job))
        script = _inside(self.folder) / "bloomery_repair.py"
        result = run(
            [sys.executable, str(script), str(self.folder / "job.json")], folder=self.folder, limits=LIMITS
        )
        told = list(_lines(result.stdout))
        self.spent_s.extend(sum(line[1:]) for line in told if line[0] == "used")
        if not any(line[0] == "finished" for line in told) and not told:
            raise UserError(f"the tests could not be started in the sandbox: {result.stderr.strip()[-500:]}")
        return told


def _inside(folder: Path) -> Path:
    return folder / "inside"


def _has(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _lines(text: str) -> Iterator[list[Any]]:
    for line in text.splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            continue  # a line that was cut short tells nothing
        if isinstance(said, list) and said:
            yield said


def plain_run() -> list[str]:
    """Options that switch off what other plugins would do to the run."""
    options = ["-n0"] if _has("xdist") else []
    return options + (["--no-cov"] if _has("pytest_cov") else [])


@contextmanager
def worker(root: Path, path: str, tests: Sequence[str], tree: ast.Module) -> Iterator[Worker]:
    """A workplace with a copy of the project, gone afterwards.

    Raises: UserError for a project too large to copy; CapabilityMissing where pytest is not installed.
    """
    if not _has("pytest"):
        raise CapabilityMissing("repair runs tests with pytest: install bloomery[optimize]")
    with TemporaryDirectory(prefix="bloomery-repair-") as name:
        folder = Path(name).resolve()
        _copy(root, folder / "project")
        shutil.copytree(INSIDE, _inside(folder), ignore=shutil.ignore_patterns("__pycache__"))
        made = Worker(folder, path, tuple(tests), "")
        yield replace(made, code=code_of(tree, made.target))


def code_of(tree: ast.Module, target: Path) -> str:
    """The packed code of a whole file that counts its steps."""
    with counted(tree):
        return packed(compile(tree, str(target), "exec", dont_inherit=True))


def _copy(root: Path, to: Path) -> None:
    size = sum(file.stat().st_size for file in _files(root))
    if size > MOST_BYTES:
        raise UserError(
            f"{root}: {size >> 20} MiB to copy into the sandbox, more than {MOST_BYTES >> 20}; "
            "name a smaller root"
        )
    shutil.copytree(root, to, ignore=shutil.ignore_patterns(*LEFT_OUT), symlinks=True)


def _files(root: Path) -> Iterator[Path]:
    for entry in root.iterdir():
        if entry.name in LEFT_OUT or entry.is_symlink():
            continue
        if entry.is_dir():
            yield from _files(entry)
        elif entry.is_file():
            yield entry


def packed(code: Any) -> str:
    return base64.b64encode(marshal.dumps(code)).decode()


@dataclass(frozen=True)
class Surveyed:
    """One test of the program as it is."""

    node: str
    status: str
    steps: int
    print: str
    message: str
    cpu_s: float


@dataclass(frozen=True)
class Traced:
    """By test the lines that it ran and how it ended; by function and variable the types seen;
    (test, function, arguments)."""

    lines: Mapping[str, frozenset[int]]
    types: Mapping[str, Mapping[str, frozenset[str]]]
    calls: tuple[tuple[str, str, str], ...]
    ended: Mapping[str, str]


def surveyed(told: Sequence[Sequence[Any]]) -> tuple[Surveyed, ...]:
    return tuple(Surveyed(*line[1:7]) for line in told if line[0] == "test" and len(line) == 7)


def traced(told: Sequence[Sequence[Any]]) -> Traced:
    lines: dict[str, frozenset[int]] = {}
    ended: dict[str, str] = {}
    types: dict[str, dict[str, frozenset[str]]] = {}
    calls: list[tuple[str, str, str]] = []
    for line in told:
        if line[0] == "lines":
            lines[line[1]] = frozenset(line[2])
            ended[line[1]] = line[4]
            for unit, names in line[3].items():
                known = types.setdefault(unit, {})
                for name, kinds in names.items():
                    known[name] = known.get(name, frozenset()) | frozenset(kinds)
        elif line[0] == "call":
            calls.append((line[1], line[2], line[3]))
    return Traced(lines, types, tuple(dict.fromkeys(calls)), ended)
