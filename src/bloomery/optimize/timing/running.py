"""One version's workload, executed in a fresh process in the sandbox."""

import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bloomery.core.errors import FormatRefused, MissingFile, UserError
from bloomery.core.sandbox import Limits, read_result, run
from bloomery.optimize.equivalence.executing import INSIDE as SHARED
from bloomery.optimize.timing.workload import Workload

INSIDE = Path(__file__).parent / "inside" / "timed.py"
SHARED_FILES = ("encoding.py", "objects.py")
OUT_BYTES = 16 * 2**20
MIB = 2**20
Clock = Literal["processor", "wall"]


@dataclass(frozen=True)
class Source:
    """All files of one version that the module needs, by path relative to the root."""

    files: Mapping[str, str]
    module: str
    roots: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How much one process does: executions, each in a fork, and what it may use.

    `loops`: executions in each warm measurement. `time_s` bounds each fork.
    """

    cold: int = 2
    warm: int = 1
    loops: int = 1
    memory: bool = True
    time_s: float = 60.0
    memory_bytes: int = 2048 * MIB

    @property
    def limits(self) -> Limits:
        total = 10 + self.time_s * (self.cold + 3)
        return Limits(time_s=total, cpu_s=int(total) + 1, memory_bytes=self.memory_bytes, file_bytes=64 * MIB)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What one process measured, for one execution of the workload; `trouble` says why it did not.

    Units: nanoseconds, the least over the executions: what disturbs a measurement only adds to it.
    """

    cold: float = 0.0
    warm: float = 0.0
    cold_wall: float = 0.0
    warm_wall: float = 0.0
    peak_bytes: int = 0
    rss_bytes: int = 0
    import_ns: int = 0
    digests: frozenset[str] = frozenset()
    trouble: str = ""

    def time(self, kind: Literal["cold", "warm"], clock: Clock) -> float:
        if clock == "processor":
            return self.cold if kind == "cold" else self.warm
        return self.cold_wall if kind == "cold" else self.warm_wall


def sample(source: Source, workload: Workload, pace: Pace, *, hash_seed: int) -> Sample:
    """One process. Figures are checked; digests are only compared."""
    job = {
        "calls": [call.to_plain() for call in workload.calls],
        "cold": pace.cold,
        "warm": pace.warm,
        "loops": pace.loops,
        "memory": pace.memory,
        "time_s": pace.time_s,
    }
    told = told_by(source, job, limits=pace.limits, hash_seed=hash_seed)
    try:
        return _read(told)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return Sample(trouble=f"what it wrote down is no measurement: {error}")


def told_by(source: Source, job: Mapping[str, Any], *, limits: Limits, hash_seed: int = 0) -> dict[str, Any]:
    """What the process wrote down; it was written by untrusted code. `trouble` says why there is nothing."""
    with tempfile.TemporaryDirectory(prefix="bloomery-timing-") as name:
        folder = Path(name).resolve()
        _lay_out(folder, source, job)
        python = ["/usr/bin/env", f"PYTHONHASHSEED={hash_seed}", sys.executable, "-s", "-P"]
        script = [str(folder / "inside" / INSIDE.name), str(folder / "job.json"), str(folder / "out.json")]
        result = run([*python, *script], folder=folder, limits=limits)
        try:
            told = json.loads(read_result(folder, "out.json", most_bytes=OUT_BYTES))
        except MissingFile:
            ended = f"killed at the limit of {result.killed_by}" if result.killed_by else "it ended early"
            return {"trouble": f"{ended}: {result.stderr.strip()[-300:]}"}
        except (FormatRefused, ValueError, RecursionError) as error:
            return {"trouble": f"what it wrote down cannot be read: {error}"}
    return told if isinstance(told, dict) else {"trouble": "what it wrote down is no measurement"}


def _lay_out(folder: Path, source: Source, job: Mapping[str, Any]) -> None:
    for path, text in source.files.items():
        if ".." in Path(path).parts or Path(path).is_absolute():
            raise UserError(f"{path}: a path inside the repository was expected")
        (folder / "tree" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "tree" / path).write_text(text, errors="surrogatepass")
    (folder / "inside").mkdir()
    for one in (INSIDE, *(SHARED / name for name in SHARED_FILES)):
        (folder / "inside" / one.name).write_text(one.read_text())
    roots = [str(folder / "tree" / root) for root in source.roots]
    (folder / "job.json").write_text(json.dumps({"module": source.module, "roots": roots, **job}))


def _read(told: dict[str, Any]) -> Sample:
    if "trouble" in told:
        return Sample(trouble=str(told["trouble"])[:500])
    cold, warm = told["cold"], told.get("warm", [])
    digests = {str(one["digest"]) for one in cold} | {str(d) for one in warm for d in one["digests"]}
    warm_ns = [float(ns) for one in warm for ns in one["processor_ns"]]
    warm_wall = [float(ns) for one in warm for ns in one["wall_ns"]]
    found = Sample(
        cold=min(float(one["processor_ns"]) for one in cold),
        warm=min(warm_ns or [float(one["processor_ns"]) for one in cold]),
        cold_wall=min(float(one["wall_ns"]) for one in cold),
        warm_wall=min(warm_wall or [float(one["wall_ns"]) for one in cold]),
        peak_bytes=max((int(one["peak_bytes"]) for one in told.get("memory", [])), default=0),
        rss_bytes=min(int(one["rss_bytes"]) for one in cold),
        import_ns=int(told["import_ns"]),
        digests=frozenset(digests),
    )
    if min(found.cold, found.cold_wall, found.warm, found.warm_wall) <= 0:
        raise ValueError("a time that is not above zero")
    return found
