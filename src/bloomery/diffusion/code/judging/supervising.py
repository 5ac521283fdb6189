"""A batch of programs behind one set of walls, each in a process of its own; what each wrote comes back."""

import base64
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bloomery.core.sandbox import Limits, SandboxResult, run
from bloomery.diffusion.code.judging.program import Budget

SUPERVISE = (Path(__file__).parent / "inside" / "supervise.py").read_text(encoding="utf-8")
SUPERVISOR_CPU_S = 600  # of the one that starts the others; each of those has the budget's
FILE_BYTES = 64 * 2**20
PROCESSES = 96  # threads count: node has 11, a Java machine about 25


@dataclass(frozen=True, kw_only=True)
class Job:
    """One program to start: its command, the files that it finds, what it is given."""

    argv: tuple[str, ...]
    files: Mapping[str, bytes] = field(default_factory=dict)
    stdin: str = ""


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What one program wrote; `ended` says how where it was not by itself and well."""

    out: str
    err: str
    ended: str = ""


def supervise(
    jobs: Sequence[Job], *, budget: Budget, memory_bytes: int, shared: Mapping[str, bytes] | None = None
) -> list[Ran]:
    """One for each job, in their order; `shared` files are there for all.

    A job that ends the supervisor itself ends only its own judgement: those after it go on under another.
    """
    found: list[Ran] = []
    while len(found) < len(jobs):
        came, how = _batch(jobs[len(found) :], budget, memory_bytes, shared or {})
        found += came
        if len(found) < len(jobs):
            found.append(Ran(out="", err="", ended=how))
    return found


def _batch(
    jobs: Sequence[Job], budget: Budget, memory_bytes: int, shared: Mapping[str, bytes]
) -> tuple[list[Ran], str]:
    """What came back before the end, and how it ended."""
    plan = {
        "jobs": [{"argv": job.argv, "files": _packed(job.files), "stdin": job.stdin} for job in jobs],
        "shared": _packed(shared),
        "cpu_s": budget.cpu_s,
        "wait_s": budget.wait_s,
        "output_bytes": budget.output_bytes,
        "memory_bytes": memory_bytes,
    }
    limits = Limits(
        time_s=60 + len(jobs) * (budget.wait_s + 5),
        cpu_s=SUPERVISOR_CPU_S,
        memory_bytes=memory_bytes + 2**29,
        processes=PROCESSES,
        file_bytes=FILE_BYTES,
        output_bytes=len(jobs) * (7 * budget.output_bytes + 4096),  # JSON may write a byte as six
    )
    with tempfile.TemporaryDirectory(prefix="bloomery-judging-") as folder:
        argv = [sys.executable, "-I", "-S", "-c", SUPERVISE]
        ended = run(argv, folder=Path(folder), limits=limits, stdin=json.dumps(plan))
    return list(_whole(ended.stdout.splitlines()[: len(jobs)])), _how(ended)


def _whole(lines: Sequence[str]) -> Iterator[Ran]:
    """Up to one that the end cut off."""
    for line in lines:
        try:
            told = json.loads(line)
        except ValueError:
            return
        yield _ran(told)


def _packed(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: base64.b64encode(content).decode() for name, content in files.items()}


def _ran(told: Mapping[str, Any]) -> Ran:
    ended = f"ended at the limit of {told['killed']}" if told["killed"] else ""
    return Ran(
        out=told["out"], err=told["err"], ended=ended or (told["code"] and f"code {told['code']}") or ""
    )


def _how(ended: SandboxResult) -> str:
    if ended.killed_by:
        return f"ended at the limit of {ended.killed_by} of its batch"
    return f"it ended what supervises it (code {ended.returncode}) {ended.stderr.strip()[-200:]}".strip()
