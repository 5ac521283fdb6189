"""One version of a module, run with trials in the sandbox; every trial is a process of its own there."""

import json
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bloomery.core.errors import FormatRefused, MissingFile, UserError
from bloomery.core.sandbox import Limits, read_result, run
from bloomery.optimize.equivalence.trials import Trial
from bloomery.optimize.equivalence.versions import Place
from bloomery.source.modules import module_name, reached, source_roots

INSIDE = Path(__file__).parent / "inside"
OUT_BYTES = 64 * 2**20
MOST_BYTES = 2**20  # of a file that a module reads
_FILE_NAMES = re.compile(r"""["']([\w-]+(?:\.[\w-]+)+)["']""")


@dataclass(frozen=True)
class Circumstance:
    """What a candidate could look at to guess that it is being tested, and what its order may depend on."""

    hash_seed: int = 0
    trace: bool = False
    pretend_pytest: bool = False
    optimised: bool = False

    def __str__(self) -> str:
        said = [f"PYTHONHASHSEED={self.hash_seed}"]
        said += ["python -O"] if self.optimised else []
        return ", ".join(said + (["pytest loaded"] if self.pretend_pytest else []))


@dataclass(frozen=True)
class Side:
    """All files of one version that the module needs, by path relative to the root."""

    files: Mapping[str, str]
    module: str
    roots: tuple[str, ...]
    globals: tuple[str, ...]
    watched: frozenset[str] = frozenset()
    places: frozenset[Place] = frozenset()


@dataclass
class Ran:
    """Records by trial; `trouble` says why there are none."""

    records: dict[int, dict[str, Any]] = field(default_factory=dict)
    trouble: str = ""
    first: Any = None
    duration_s: float = 0.0

    @property
    def reached(self) -> set[Place]:
        return {tuple(place) for one in self.records.values() for place in one["reached"]}


def files_of(root: Path, path: str) -> tuple[dict[str, str], str, tuple[str, ...]]:
    """The file with all that it imports from the repository, its module name, and the folders of imports."""
    root = root.resolve()
    roots = source_roots(root)
    name = module_name(root / path, roots)
    modules = _needed(root, path, roots)
    files = {one.relative_to(root).as_posix(): one.read_text() for one in modules | read_beside(modules)}
    return files, name, tuple(one.relative_to(root).as_posix() for one in roots)


def _needed(root: Path, path: str, roots: Sequence[Path]) -> set[Path]:
    """With the packages that everything stands in, which are imported first, and what these import."""
    known: dict[Path, frozenset[Path]] = {}
    found: set[Path] = set()
    more = {root / path}
    while more - found:
        found |= {one for one in reached(more, roots, known) if one.is_relative_to(root)}
        packages = {up / "__init__.py" for one in found for up in one.parents if up.is_relative_to(root)}
        more = {one for one in packages if one.is_file()}
    return found


def read_beside(modules: Iterable[Path]) -> set[Path]:
    """Text files beside a module that a word of its text names: it may read them when it is imported."""
    found = {
        module.parent / word
        for module in modules
        for word in _FILE_NAMES.findall(module.read_text())
        if (module.parent / word).is_file()
    }
    return {one for one in found if one.stat().st_size <= MOST_BYTES and _is_text(one)}


def _is_text(path: Path) -> bool:
    try:
        path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return False
    return True


def execute(side: Side, trials: Sequence[Trial], circumstance: Circumstance, *, limits: Limits) -> Ran:
    """Run the trials on one version. What is written down comes from untrusted code: it is only compared."""
    with tempfile.TemporaryDirectory(prefix="bloomery-equivalence-") as name:
        folder = Path(name).resolve()
        _lay_out(folder, side, trials, circumstance)
        result = run(_command(folder, circumstance), folder=folder, limits=limits)
        ran = _read(folder, side)
        ran.duration_s = result.duration_s
    if not ran.trouble and ran.first is None:
        ended = (
            f"killed at the limit of {result.killed_by}" if result.killed_by else f"code {result.returncode}"
        )
        ran.trouble = f"the run ended early: {ended}: {result.stderr.strip()[-300:]}"
    return ran


def _command(folder: Path, circumstance: Circumstance) -> list[str]:
    python = [sys.executable, "-s", "-P", *(["-O"] if circumstance.optimised else [])]
    seed = f"PYTHONHASHSEED={circumstance.hash_seed}"
    serving = [str(folder / "inside" / "serving.py"), str(folder / "job.json"), str(folder / "out.jsonl")]
    return ["/usr/bin/env", seed, *python, *serving]


def _lay_out(folder: Path, side: Side, trials: Sequence[Trial], circumstance: Circumstance) -> None:
    for path, text in side.files.items():
        if ".." in Path(path).parts or Path(path).is_absolute():
            raise UserError(f"{path}: a path inside the repository was expected")
        (folder / "tree" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "tree" / path).write_text(text, errors="surrogatepass")
    (folder / "inside").mkdir()
    (folder / "scratch").mkdir()
    for one in INSIDE.glob("*.py"):
        (folder / "inside" / one.name).write_text(one.read_text())
    job = {
        "module": side.module,
        "roots": [str(folder / "tree" / root) for root in side.roots],
        "globals": list(side.globals),
        "watched": sorted(side.watched),
        "places": sorted(side.places) if circumstance.trace else [],
        "trace": circumstance.trace,
        "pretend": circumstance.pretend_pytest,
        "scratch": str(folder / "scratch"),
        "trials": [trial.to_plain() for trial in trials],
    }
    (folder / "job.json").write_text(json.dumps(job))


def _read(folder: Path, side: Side) -> Ran:
    ran = Ran()
    try:
        data = read_result(folder, "out.jsonl", most_bytes=OUT_BYTES)
    except (FormatRefused, MissingFile) as error:
        ran.trouble = str(error)
        return ran
    for line in data.decode(errors="replace").splitlines():
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue  # a torn last line is no record
        if "import" in record:
            ran.trouble = f"{side.module} cannot be imported: {record['import']}"
        elif "finished" in record:
            ran.first = record.get("first")
        elif {"id", "steps", "reached", "peak", "seconds"} <= record.keys():
            ran.records[record["id"]] = record
    return ran
