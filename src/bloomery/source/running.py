"""Tests run by pytest in a process of its own, and what became of each.

Nothing is written into the project: bytecode, pytest's cache, Hypothesis' examples and temporary folders go
to a folder that is gone afterwards. The project's own pytest settings hold; only coverage and many processes
are switched off. What a test itself writes into the project is its own doing; with a `box` (see boxing) the
project is a copy, and pytest runs in the sandbox.
"""

import functools
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from bloomery.core.errors import CapabilityMissing, MissingFile
from bloomery.core.sandbox import run
from bloomery.source.boxing import ROOMY, Box
from bloomery.source.modules import source_roots
from bloomery.source.outcomes import Results, read_results

INSIDE = Path(__file__).parent / "inside"
NO_THREADS = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
_GIVEN_INSIDE = ("PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE", "HYPOTHESIS_STORAGE_DIRECTORY", "BLOOMERY_JOB")
_NOT_OURS_TO_KEEP = ("PYTEST_ADDOPTS", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG", "COV_CORE_SOURCE")


@dataclass(frozen=True)
class Ran:
    """What is left of a pytest process: its events in order, how it ended, the end of what it printed."""

    events: tuple[Mapping[str, Any], ...]
    ended: Literal["finished", "time limit", "crash"]
    returncode: int
    output: str
    duration_s: float


def run_tests(
    project: Path,
    targets: Sequence[str],
    *,
    python: str = sys.executable,
    time_limit_s: float = 600,
    box: Box | None = None,
    job: Mapping[str, Any] | None = None,
    hash_seed: int | None = None,
) -> Results:
    """What becomes of each test that `targets` name: files, folders or node ids, relative to `project`.

    A target that brings no test to run is itself among the outcomes, as `not collected`, with the reason.
    """
    ran = run_pytest(
        project, targets, python=python, time_limit_s=time_limit_s, box=box, job=job, hash_seed=hash_seed
    )
    return read_results(project, targets, ran.events, end_of(ran, time_limit_s), ran.output)


def run_pytest(
    project: Path,
    targets: Sequence[str],
    *,
    python: str = sys.executable,
    time_limit_s: float,
    plugins: Sequence[str] = (),
    job: Mapping[str, Any] | None = None,
    box: Box | None = None,
    hash_seed: int | None = None,
) -> Ran:
    """Run pytest on the files of `targets` with our plugins; `job` is added to what they are told.

    `box`: `project` is its copy, and the process runs in the sandbox. `hash_seed`: Python's, where the
    environment's does not serve.
    """
    if not project.is_dir():
        raise MissingFile(f"{project}: there is no such folder")
    if python == sys.executable and importlib.util.find_spec("pytest") is None:
        raise CapabilityMissing("running tests needs pytest: install bloomery[papers]")
    files = [name for name in dict.fromkeys(map(file_of, targets)) if (project / name).exists()]
    with tempfile.TemporaryDirectory(prefix="bloomery-tests-", dir=box.folder if box else None) as name:
        scratch = Path(name).resolve()
        record = scratch / "record.jsonl"
        record.touch()
        told = {"record": str(record), "wanted": list(_nodes(targets)), "files": [], **(job or {})}
        (scratch / "job.json").write_text(json.dumps(told))
        command = [python, "-m", "pytest", *_options(project, scratch, python), *_loaded(plugins), *files]
        if not files:
            return Ran((), "finished", 5, "", 0.0)
        began = time.monotonic()
        given = _environment(scratch, hash_seed)
        if box:
            returncode, output = _behind_walls(command, box, scratch, given, time_limit_s)
        else:
            returncode, output = _follow(command, project, scratch, given, time_limit_s)
        events = tuple(json.loads(line) for line in record.read_text().splitlines() if line.endswith("}"))
        return Ran(events, _ended(returncode, events), returncode or 0, output, time.monotonic() - began)


def file_of(target: str) -> str:
    return target.partition("::")[0]


def _nodes(targets: Iterable[str]) -> Iterable[str]:
    """The node ids to keep; a target that is a whole file or folder keeps everything below it."""
    targets = list(dict.fromkeys(targets))
    if any("::" in target for target in targets):
        yield from (Path(file_of(t)).as_posix() + t[len(file_of(t)) :] for t in targets)


def _options(project: Path, scratch: Path, python: str) -> list[str]:
    options = [
        f"--rootdir={project}",
        f"--basetemp={scratch / 'tmp'}",
        "-o",
        f"cache_dir={scratch / 'cache'}",
    ]
    options += ["--continue-on-collection-errors", "--tb=short", "-q", "-p", "no:randomly"]
    options += ["-n0"] if has(python, "xdist") else []
    return options + (["--no-cov"] if has(python, "pytest_cov") else [])


def _loaded(plugins: Sequence[str]) -> list[str]:
    return [word for name in ("bloomery_outcomes", *plugins) for word in ("-p", name)]


@functools.cache
def has(python: str, package: str) -> bool:
    """Whether an interpreter has a module, which is not imported."""
    if python == sys.executable:
        return importlib.util.find_spec(package) is not None
    probe = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({package!r}) is None)"
    return subprocess.run([python, "-c", probe], capture_output=True, check=False).returncode == 0


def _behind_walls(
    command: list[str], box: Box, scratch: Path, given: Mapping[str, str], time_limit_s: float
) -> tuple[int | None, str]:
    """As `_follow`, in the sandbox, where only the box and Python itself can be read."""
    inside = shutil.copytree(INSIDE, scratch / "inside", ignore=shutil.ignore_patterns("__pycache__"))
    path = os.pathsep.join(map(str, (inside, *source_roots(box.project))))
    kept = {name: given[name] for name in _GIVEN_INSIDE if name in given} | {"PYTHONPATH": path}
    words = ["/usr/bin/env", f"--chdir={box.project}", *(f"{name}={value}" for name, value in kept.items())]
    limits = replace(ROOMY, time_s=time_limit_s, cpu_s=max(1, round(time_limit_s)))
    result = run([*words, *command], folder=box.folder, limits=limits)
    if result.killed_by in {"time", "cpu"}:
        return None, result.stdout[-20_000:]
    code = result.returncode if result.returncode <= 128 else 128 - result.returncode
    return code, (result.stdout + result.stderr)[-20_000:]


def _follow(
    command: list[str], project: Path, scratch: Path, given: Mapping[str, str], time_limit_s: float
) -> tuple[int | None, str]:
    """The exit status (None: it had to be ended) and the end of the output."""
    printed = scratch / "printed.txt"
    with printed.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=project,
            env=given,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            returncode: int | None = process.wait(time_limit_s)
        except subprocess.TimeoutExpired:
            returncode = None
        finally:
            _end_group(process)
    return returncode, printed.read_bytes()[-20_000:].decode(errors="replace")


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End what the process may have left behind, and itself."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _environment(scratch: Path, hash_seed: int | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_OURS_TO_KEEP}
    path = [str(INSIDE), *filter(None, [kept.get("PYTHONPATH")])]
    return {
        "PYTHONHASHSEED": "0",
        **kept,
        **({} if hash_seed is None else {"PYTHONHASHSEED": str(hash_seed)}),
        **NO_THREADS,
        "PYTHONPATH": os.pathsep.join(path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(scratch / "hypothesis"),
        "BLOOMERY_JOB": str(scratch / "job.json"),
    }


def _ended(
    returncode: int | None, events: Sequence[Mapping[str, Any]]
) -> Literal["finished", "time limit", "crash"]:
    if returncode is None:
        return "time limit"
    told = any(event["event"] == "finished" for event in events)
    return "finished" if told or returncode in range(2, 6) else "crash"


def end_of(ran: Ran, time_limit_s: float) -> str:
    """Why the process ended before its tests did; empty where it did not."""
    if ran.ended == "time limit":
        return f"the time limit of {time_limit_s:g} s was reached"
    if ran.ended == "crash":
        code = ran.returncode
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        last = re.sub(r"\s+", " ", ran.output[-300:]).strip()
        return f"the process ended by {how}: {last}" if last else f"the process ended by {how}"
    return ""
