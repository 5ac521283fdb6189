"""A lock that belongs to one living process: the operating system frees it at the process's death."""

import errno
import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path

from bloomery.core.errors import WorkspaceBusy

PATIENCE_S = 10.0  # with who only looks whether a lock is held, or has not written its name yet
_STEP_S = 0.01
_CANNOT = (errno.EBADF, errno.ENOLCK, errno.EOPNOTSUPP)  # some disks of a network


@contextmanager
def held(path: Path, purpose: str, *, wait_s: float = 0.0) -> Iterator[int]:
    """Keep everybody else out of what `path` stands for until the block ends or this process dies.

    Gives the descriptor: a program that is handed it holds the lock, too.

    Raises: WorkspaceBusy, naming who has held it for longer than `wait_s`.
    """
    with _locked(path, wait_s) as file:
        file.truncate(0)
        file.write(f"process {os.getpid()} ({purpose})")
        file.flush()
        _held.add(file.fileno())
        try:
            yield file.fileno()
        finally:
            _held.discard(file.fileno())
            file.truncate(0)


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock. Who takes it meanwhile waits, and is not kept out."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def is_dead(path: Path) -> bool:
    """Whether the process that took the lock last, and did not give it back, lives no more."""
    found = re.match(r"process (\d+)", _owner(path))
    if found is None:
        return False  # nobody took it, or who has it has not written its name yet
    try:
        os.kill(int(found[1]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


@contextmanager
def alone_in(folder: Path, *, wait_s: float) -> Iterator[int]:
    """One at a time in a folder that is there, with no file for it. Gives the descriptor.

    On a disk that cannot lock folders nobody is kept out. Raises: WorkspaceBusy after `wait_s`.
    """
    descriptor, until = os.open(folder, os.O_RDONLY | os.O_DIRECTORY), time.monotonic() + wait_s
    try:
        while not _try_folder(descriptor):
            if time.monotonic() > until:
                raise WorkspaceBusy(f"others have been at work in {folder} for {wait_s:g} s; try again")
            time.sleep(_STEP_S)
        yield descriptor
    finally:
        os.close(descriptor)


def _locked(path: Path, wait_s: float) -> TextIOWrapper:
    """The lock's file, locked, and still at its path: who gave it up may have removed it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    while True:
        file = path.open("a+")
        if _try(file.fileno()) and _is_at(file, path):
            return file
        file.close()
        who = "" if is_dead(path) else _owner(path)
        if time.monotonic() - begun > (wait_s if who else max(wait_s, PATIENCE_S)):
            raise WorkspaceBusy(f"{path.stem} is in use by {who or 'another process'}; wait until it ends")
        time.sleep(_STEP_S)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _try_folder(descriptor: int) -> bool:
    try:
        return _try(descriptor)
    except OSError as error:
        if error.errno in _CANNOT:
            return True
        raise


def _is_at(file: TextIOWrapper, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _owner(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


_held: set[int] = set()


def _let_go_in_child() -> None:
    """A forked child shares the parent's lock and would hold it past the parent's death."""
    if not _held:
        return
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in _held:
        os.dup2(null, descriptor, inheritable=False)
    os.close(null)
    _held.clear()


os.register_at_fork(after_in_child=_let_go_in_child)
