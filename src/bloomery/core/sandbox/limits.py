"""What a sandboxed program may use, which walls stand around it, and how it ended."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from bloomery.core.config import option
from bloomery.core.errors import CapabilityMissing, UnknownName

How = Literal["bwrap", "unshare", "rlimits"]
KilledBy = Literal["time", "cpu", "memory", "output"]

PROTECTIONS = {
    "environment": "no variable of ours, and no look into our process",
    "time": "ended after time_s",
    "output": "ended after output_bytes",
    "network": "no socket reaches anything",
    "filesystem": "nothing outside its folder is written, made, renamed or removed",
    "metadata": "no mode, owner or time of a file outside its folder is changed",
    "reading": "nothing outside its folder, the system's folders and Python is read",
    "processes": "at most `processes` at once",
    "memory": "at most memory_bytes in each process",
    "file_size": "no file above file_bytes",
    "signals": "no signal reaches a process outside",
    "descendants": "no process of it outlives it, daemons included",
}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one sandboxed program may use."""

    time_s: float = option(10.0, help="wall time until everything is killed, seconds", low=0.01)
    cpu_s: int = option(10, help="CPU time of each process, seconds", low=1)
    memory_bytes: int = option(512 * 2**20, help="address space of each process, bytes", low=2**26)
    processes: int = option(32, help="processes and threads at once", low=1)
    file_bytes: int = option(16 * 2**20, help="size of each file, bytes", low=0)
    output_bytes: int = option(2**20, help="stdout and stderr together, bytes", low=0)


@dataclass(frozen=True, kw_only=True)
class Protections:
    """Which of PROTECTIONS hold on this machine, as tried; why the others do not; and by which means."""

    how: How
    in_force: frozenset[str]
    missing: Mapping[str, str]
    means: tuple[str, ...] = ()

    def require(self, names: Collection[str]) -> None:
        """Raises: CapabilityMissing naming what does not hold here; UnknownName for a name that is none."""
        for name in names:
            if name not in PROTECTIONS:
                raise UnknownName("protection", name, PROTECTIONS)
        lacking = [f"{name} ({self.missing[name]})" for name in names if name in self.missing]
        if lacking:
            remedy = "" if self.how == "bwrap" else "; install bubblewrap, or allow user namespaces"
            raise CapabilityMissing(
                f"the sandbox ({self.how}) lacks on this machine: {', '.join(lacking)}{remedy}"
            )

    def __str__(self) -> str:
        means = ", ".join((self.how, *self.means))
        gaps = "; ".join(f"{name} ({why})" for name, why in self.missing.items())
        return f"by {means}; in force: {', '.join(sorted(self.in_force))}; not in force: {gaps or 'none'}"


@dataclass(frozen=True, kw_only=True)
class SandboxResult:
    """How a sandboxed program ended; `returncode` is 128 + n where signal n ended it."""

    returncode: int
    stdout: str
    stderr: str
    killed_by: KilledBy | None
    duration_s: float
    protections: Protections
