"""A lock that belongs to one living process: the operating system frees it at the process's death."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bloomery.core.errors import WorkspaceBusy


@contextmanager
def held(path: Path, purpose: str) -> Iterator[int]:
    """Keep everybody else out of what `path` stands for until the block ends or this process dies.

    Gives the descriptor: a program that is handed it holds the lock, too.

    Raises: WorkspaceBusy, naming who holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            who = path.read_text() or "another process"
            raise WorkspaceBusy(f"{path.stem} is in use by {who}; wait until it ends") from None
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
    """Whether a living process holds the lock."""
    if not path.exists():
        return False
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


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
