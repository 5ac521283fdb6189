"""Trials of one version of a module in the sandbox, each with its scenario and its schedule."""

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bloomery.core.errors import FormatRefused, MissingFile, UserError
from bloomery.core.sandbox import Limits, read_result, run
from bloomery.optimize.equivalence import executing as versions
from bloomery.optimize.faults.schedule import Scenario, Schedule

INSIDE = Path(__file__).parent / "inside"
ENCODING = versions.INSIDE / "encoding.py"
OUT_BYTES = 128 * 2**20
MIB = 2**20
AT_ONCE = 60
"""Trials of one run in the sandbox, so that none of them ends by the time that others took."""


@dataclass(frozen=True)
class Subject:
    """One version of a module with all files that it and its tests need."""

    files: Mapping[str, str]
    path: str
    module: str
    roots: tuple[str, ...]


@dataclass(frozen=True)
class Trial:
    """`again`: the outermost call that is made twice; `intruded`, `intrude`: the call which a second thread
    makes at the same time, and after how many operations; `twice`: a new process runs the scenario again."""

    scenario: Scenario
    schedule: Schedule = ()
    again: int | None = None
    intruded: int | None = None
    intrude: int | None = None
    twice: bool = False

    def to_plain(self, number: int) -> dict[str, Any]:
        scenario = self.scenario.to_plain()
        del scenario["name"]
        return {
            **scenario,
            "id": number,
            "faults": [fault.to_plain() for fault in self.schedule],
            "again": self.again,
            "intruded": self.intruded,
            "intrude": self.intrude,
            "twice": self.twice,
            "memory": any(fault.seam == "memory" for fault in self.schedule) or not self.schedule,
            "time_s": 12.0,
        }


@dataclass
class Ran:
    """What was seen in each trial, in their order; `trouble` says why there is nothing."""

    records: list[dict[str, Any]] = field(default_factory=list)
    tests: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    trouble: str = ""


def subject(root: Path, path: str, others: Sequence[str] = (), texts: Mapping[str, str] = {}) -> Subject:
    """A module with what it imports from the repository; `others` (files of tests) come along; `texts`
    stand in the place of files. Raises: UserError for what cannot be imported by a name."""
    files, module, roots = versions.files_of(root, path)
    for other in others:
        more, _, folders = versions.files_of(root, other)
        files.update(more)
        for conftest in _conftests(root, other):
            files[conftest.relative_to(root.resolve()).as_posix()] = conftest.read_text()
        roots = tuple(dict.fromkeys((*roots, *folders, str(Path(other).parent))))
    return Subject({**files, **texts}, path, module, roots)


def _conftests(root: Path, path: str) -> Iterator[Path]:
    folder = (root.resolve() / path).parent
    for place in (folder, *folder.parents):
        if place.is_relative_to(root.resolve()) and (place / "conftest.py").is_file():
            yield place / "conftest.py"


def execute(which: Subject, trials: Sequence[Trial], *, limits: Limits, tests: Sequence[str] = ()) -> Ran:
    """Run the trials; `tests` are modules whose tests are listed. What comes back is only ever judged."""
    ran = Ran()
    for start in range(0, max(len(trials), 1), AT_ONCE):
        part = _executed(which, trials[start : start + AT_ONCE], limits, tests if start == 0 else ())
        ran.records += part.records
        ran.tests.update(part.tests)
        if part.trouble:
            ran.trouble = part.trouble
            break
    return ran


def _executed(which: Subject, trials: Sequence[Trial], limits: Limits, tests: Sequence[str]) -> Ran:
    with tempfile.TemporaryDirectory(prefix="bloomery-faults-") as name:
        folder = Path(name).resolve()
        _lay_out(folder, which, trials, tests)
        serving = [str(folder / "inside" / "serving.py"), str(folder / "job.json"), str(folder / "out.jsonl")]
        command = ["/usr/bin/env", "PYTHONHASHSEED=0", sys.executable, "-s", "-P", "-B", *serving]
        result = run(command, folder=folder, limits=limits)
        try:
            data = read_result(folder, "out.jsonl", most_bytes=OUT_BYTES)
        except (FormatRefused, MissingFile) as error:
            return Ran(trouble=str(error))
    ran = _read(data, which)
    if not ran.trouble and len(ran.records) < len(trials):
        by = f"killed at the limit of {result.killed_by}" if result.killed_by else f"code {result.returncode}"
        ran.trouble = f"the run ended early: {by}: {result.stderr.strip()[-300:]}"
    return ran


def _lay_out(folder: Path, which: Subject, trials: Sequence[Trial], tests: Sequence[str]) -> None:
    for path, text in which.files.items():
        if ".." in Path(path).parts or Path(path).is_absolute():
            raise UserError(f"{path}: a path inside the repository was expected")
        (folder / "tree" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "tree" / path).write_text(text, errors="surrogatepass")
    (folder / "inside").mkdir()
    (folder / "scratch").mkdir()
    for one in (*INSIDE.glob("*.py"), ENCODING):
        (folder / "inside" / one.name).write_text(one.read_text())
    job = {
        "module": which.module,
        "roots": [str(folder / "tree" / root) for root in which.roots],
        "scratch": str(folder / "scratch"),
        "list": list(tests),
        "trials": [trial.to_plain(number) for number, trial in enumerate(trials)],
    }
    (folder / "job.json").write_text(json.dumps(job))


def _read(data: bytes, which: Subject) -> Ran:
    ran = Ran()
    for line in data.decode(errors="replace").splitlines():
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue  # a torn last line is no record
        if "import" in record:
            ran.trouble = f"{which.module} cannot be imported: {record['import']}"
        elif "tests" in record:
            ran.tests[record["tests"]] = [(name, count) for name, count in record["found"]]
        elif "id" in record:
            ran.records.append(record)
    return ran
