"""Command lines that raise the walls: which way works here, and with which steps inside."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

from bloomery.core.errors import CapabilityMissing
from bloomery.core.sandbox.limits import How, Limits

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", "/nix/store")
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/proc")
PRIVATE_TMP_BYTES = 64 * 2**20
OWN_PROCESSES = 4  # shell, bwrap twice, the program's first process
STEPS: dict[How, tuple[str, ...]] = {
    "bwrap": ("capabilities", "seccomp"),
    "unshare": ("mounts", "capabilities", "landlock", "seccomp"),
    "rlimits": ("capabilities", "landlock", "seccomp"),
}
INSIDE = Path(__file__).with_name("inside.py").read_text(encoding="utf-8")


@dataclass(frozen=True, kw_only=True)
class Walls:
    """A way that works on this machine and the steps of `inside.py` that work behind it."""

    how: How
    steps: tuple[str, ...]


def command(walls: Walls, argv: Sequence[str], folder: Path, limits: Limits) -> list[str]:
    """What to start so that `argv` runs in `folder` behind these walls."""
    config = _config(folder, walls.steps)
    config |= {"limits": _rlimits(walls.how, limits), "reap": walls.how != "bwrap", "time_s": limits.time_s}
    return [*_prefix(walls.how, folder), *_inside(config), *argv]


def environment(folder: Path) -> dict[str, str]:
    """All the variables that a sandboxed program gets; none is ours."""
    return {
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]),
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def choose(how: How | None = None) -> Walls:
    """The walls of the given kind, else the strongest that work here.

    Raises: CapabilityMissing where none work.
    """
    for kind in [how] if how else get_args(How):
        walls = walls_of(kind)
        if walls is not None:
            return walls
    remedy = (
        "install it, or allow user namespaces" if how else "a bare child process could not be started either"
    )
    raise CapabilityMissing(
        f"untrusted code cannot be run with {how or 'any walls'} on this machine: {remedy}"
    )


@lru_cache(maxsize=3)
def walls_of(how: How) -> Walls | None:
    """The walls of this kind with every step that works behind them, or None where the kind does not work."""
    if how != "rlimits" and shutil.which(how) is None:
        return None
    with tempfile.TemporaryDirectory(prefix="bloomery-trial-") as name:
        folder = Path(name).resolve()
        config = _config(folder, STEPS[how])
        tried = subprocess.run(
            [*_prefix(how, folder), *_inside(config)],
            capture_output=True,
            env=environment(folder),
            timeout=30,
            check=False,
        )
    if tried.returncode != 0:
        return None
    return Walls(how=how, steps=tuple(tried.stdout.decode().split()))


def _config(folder: Path, steps: Sequence[str]) -> dict[str, Any]:
    return {
        "folder": str(folder),
        "steps": list(steps),
        "mounts_outside": str(Path("/proc/self/ns/mnt").readlink()),
        "read": [*_readable(), *DEVICES],
    }


def _inside(config: dict[str, Any]) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", f"{INSIDE}\nmain({config!r})"]


def _prefix(how: How, folder: Path) -> list[str]:
    if how == "bwrap":
        return _bwrap(folder)
    if how == "unshare":
        spaces = ["--user", "--map-root-user", "--mount", "--net", "--ipc", "--uts", "--pid"]
        return ["unshare", *spaces, "--fork", "--kill-child", "--mount-proc"]
    return []


def _bwrap(folder: Path) -> list[str]:
    walls = ["bwrap", "--unshare-all", "--unshare-user", "--die-with-parent", "--new-session"]
    walls += ["--cap-drop", "ALL", "--hostname", "sandbox"]
    private = ["--size", str(PRIVATE_TMP_BYTES), "--tmpfs"]
    walls += [*private, "/tmp"]  # before what must be read: Python itself may lie below /tmp
    for path in _readable():
        walls += ["--ro-bind-try", path, path]
    walls += ["--proc", "/proc", "--remount-ro", "/proc", "--dev", "/dev"]  # root could write below /proc/sys
    walls += [*private, "/dev/shm"]
    walls += ["--bind", str(folder), str(folder), "--remount-ro", "/dev", "--remount-ro", "/"]
    return [*walls, "--chdir", str(folder), "--"]


@lru_cache(maxsize=1)
def _readable() -> tuple[str, ...]:
    """The system's folders and Python's, by every name that leads to them."""
    python = [sys.prefix, sys.base_prefix, sys.exec_prefix]
    paths = [*SYSTEM, *python, *(str(Path(path).resolve()) for path in python)]
    return tuple(dict.fromkeys(path for path in paths if path != "/"))


def _rlimits(how: How, limits: Limits) -> dict[str, int]:
    bounds = {
        "AS": limits.memory_bytes,
        "CPU": limits.cpu_s,
        "FSIZE": limits.file_bytes,
        "NOFILE": 256,
        "CORE": 0,
    }
    if os.getuid() != 0:  # it does not hold for root: a control group does
        bounds["NPROC"] = limits.processes + OWN_PROCESSES + (0 if _counted_apart(how) else _tasks_of_user())
    return bounds


def _counted_apart(how: How) -> bool:
    """Since Linux 5.14 a user namespace has its own count of processes."""
    version = tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2])
    return how != "rlimits" and version >= (5, 14)


def _tasks_of_user() -> int:
    count = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.stat().st_uid == os.getuid():
                count += len(list((process / "task").iterdir()))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return count
