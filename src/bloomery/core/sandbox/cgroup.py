"""A control group for one sandboxed program: the only limit on processes that holds for root."""

import os
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")


@contextmanager
def group(*, processes: int, memory_bytes: int) -> Iterator[Path | None]:
    """The folder of a fresh group that holds at most so many processes; None where none can be made.

    On leaving, whatever still runs in it is killed.
    """
    home = home_folder()
    folder = home and _make(home)
    if home is None or folder is None:
        yield None
        return
    _remove_left(home)
    try:
        (folder / "pids.max").write_text(str(processes))
        if (folder / "memory.max").exists():  # cgroup v2: one tree for all limits
            (folder / "memory.max").write_text(str(memory_bytes))
        yield folder
    finally:
        _empty(folder)
        folder.rmdir()


@lru_cache(maxsize=1)
def home_folder() -> Path | None:
    """Where a group with a limit on processes can be made, tried by making one."""
    for home in _homes():
        folder = _make(home)
        if folder is None:
            continue
        limited = (folder / "pids.max").exists() and os.access(folder / "cgroup.procs", os.W_OK)
        folder.rmdir()
        if limited:
            return home
    return None


def _homes() -> Iterator[Path]:
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if "pids" in controllers.split(","):
            yield ROOT / "pids" / path.lstrip("/")
        elif not controllers:
            own = ROOT / path.lstrip("/")
            yield from (own, own.parent) if own != ROOT else (own,)


def _remove_left(home: Path) -> None:
    """Remove the empty groups of processes that were killed while they ran something."""
    for folder in home.glob("bloomery-*-*"):
        if not Path("/proc", folder.name.split("-")[1]).exists():
            with suppress(OSError):  # something still runs in it, or another process removes it too
                folder.rmdir()


def _make(home: Path) -> Path | None:
    folder = home / f"bloomery-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    try:
        folder.mkdir()
    except OSError:
        return None
    return folder


def _empty(folder: Path, timeout_s: float = 5.0) -> None:
    """Kills what is in the group until nothing is."""
    until = time.monotonic() + timeout_s
    while members := (folder / "cgroup.procs").read_text().split():
        for member in members:
            try:
                os.kill(int(member), signal.SIGKILL)
            except ProcessLookupError:
                continue
        if time.monotonic() > until:
            raise TimeoutError(f"processes {members} in {folder} do not die")
        time.sleep(0.002)
