import os
import signal
import time
from pathlib import Path

import pytest

from bloomery.core.errors import WorkspaceBusy
from bloomery.optimize.changes.lock import held, is_held


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
