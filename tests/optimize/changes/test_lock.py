import fcntl
import os
import signal
import time
from pathlib import Path

import pytest

from bloomery.core.errors import WorkspaceBusy
from bloomery.optimize.changes import lock
from bloomery.optimize.changes.lock import alone_in, held, is_held


def test_a_lock_keeps_others_out_and_says_who_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "tree.lock"
    assert not is_held(path)
    with held(path, "apply x"):
        assert is_held(path)
        who = rf"tree is in use by process {os.getpid()} \(apply x\)"
        with pytest.raises(WorkspaceBusy, match=who), held(path, "another"):
            pass
    assert not is_held(path)


def test_a_lock_dies_with_its_process_and_not_with_its_processs_children(tmp_path: Path) -> None:
    path, pid = tmp_path / "tree.lock", tmp_path / "pid"
    holder = os.fork()
    if holder == 0:
        with held(path, "apply"):
            child = os.fork()
            if child == 0:
                time.sleep(30)
                os._exit(0)
            (tmp_path / "new").write_text(str(child))
            (tmp_path / "new").rename(pid)
            time.sleep(30)
        os._exit(0)
    until = time.monotonic() + 20
    while not pid.exists() and time.monotonic() < until:
        time.sleep(0.01)
    child = int(pid.read_text())
    try:
        assert is_held(path)
        os.kill(holder, signal.SIGKILL)
        os.waitpid(holder, 0)
        os.kill(child, 0)  # it lives on
        until = time.monotonic() + 5  # it lets go as soon as it runs
        while is_held(path) and time.monotonic() < until:
            time.sleep(0.01)
        assert not is_held(path)
    finally:
        os.kill(child, signal.SIGKILL)


def in_a_child(act) -> int:
    """A forked process that does it and ends with 0, or with 1 where that raises."""
    child = os.fork()
    if child == 0:
        try:
            act()
        except BaseException:  # edge: a child process
            os._exit(1)
        os._exit(0)
    return child


def ended_well(child: int) -> bool:
    return os.waitpid(child, 0)[1] == 0


def looking(path: Path, *, for_s: float):
    """What `is_held` does, by a process that is kept waiting in the middle of it."""
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        (path.parent / "looks").touch()
        time.sleep(for_s)


def wait_for(path: Path) -> None:
    until = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.parametrize("left", ["", "process 4194999 (killed)"])  # beyond the greatest id that there is
def test_who_only_looks_keeps_nobody_out_and_misleads_nobody(tmp_path: Path, left: str) -> None:
    path = tmp_path / "agent.lock"
    path.write_text(left)
    child = in_a_child(lambda: looking(path, for_s=0.5))
    wait_for(tmp_path / "looks")
    assert not is_held(path)
    with held(path, "agent"):
        assert ended_well(child)  # it had looked all that time
        assert is_held(path)


def test_a_lock_whose_file_was_removed_meanwhile_is_taken_anew(tmp_path: Path, monkeypatch) -> None:
    path, tries = tmp_path / "tree.lock", []

    def after_it_was_cleared(descriptor: int) -> bool:
        if not tries:
            path.unlink()  # by who held it until now
        tries.append(descriptor)
        return attempt(descriptor)

    attempt = lock._try
    monkeypatch.setattr(lock, "_try", after_it_was_cleared)
    with held(path, "work"):
        assert is_held(path)  # others see it: it is the file that lies there now
    assert len(tries) == 2


def test_one_at_a_time_is_alone_in_a_folder(tmp_path: Path) -> None:
    def stay() -> None:
        with alone_in(tmp_path, wait_s=1):
            (tmp_path / "in").touch()
            time.sleep(0.4)
            (tmp_path / "out").touch()

    child = in_a_child(stay)
    wait_for(tmp_path / "in")
    with pytest.raises(WorkspaceBusy, match="others have been at work"), alone_in(tmp_path, wait_s=0.05):
        pass
    with alone_in(tmp_path, wait_s=20):
        assert (tmp_path / "out").exists()
    assert ended_well(child)
