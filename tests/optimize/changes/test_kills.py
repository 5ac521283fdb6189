"""Killed at any moment: real processes, real SIGKILL, at one point after another of what they do."""

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bloomery.optimize.changes import apply, check, open_ledger, roll_back
from bloomery.optimize.changes.worktree import worktree

TOUCHING = ("open", "os.", "shutil.", "subprocess.Popen", "sqlite3.")  # audit events that touch the outside


def killed_at(point: int, act: Callable[[], object]) -> bool:
    """Run `act` in a child that is killed before the `point`-th thing that it does; whether it was."""
    child = os.fork()
    if child == 0:
        done = 0

        def count(event: str, arguments: object) -> None:
            nonlocal done
            if event.startswith(TOUCHING):
                done += 1
                if done == point:
                    os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.addaudithook(count)
            act()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def points(step: int):
    """Every step-th point, from another start for another step, until the act survives."""
    return range(1 + step // 2, 100_000, step)


def applying_is_all_or_nothing(site, step: int, *, reverse: bool) -> int:
    texts = {
        "a.py": site.edit(l3="three"),
        "new/deep/d.py": "x = 1\n",
        "pkg/c.py": None,
        "b.py": site.edit(l9="9"),
    }
    patch = site.approved(texts)
    act = roll_back if reverse else apply
    if reverse:
        apply(site.ledger, patch.cid, by="Ada")
    before, ledger = site.snapshot(), site.ledger
    for kills, point in enumerate(points(step)):
        killed = killed_at(point, lambda: act(ledger, patch.cid, by="Ada"))
        opened = site.ledger
        assert check(opened) == []
        if killed and bool(opened.records.applications()) == reverse:
            assert site.snapshot() == before, f"killed at {point}"
            assert list((site.home / "changes" / "journals").glob("*")) == []
        else:  # it survived, or was killed when all was done: what is there is the other state, whole
            after = site.snapshot()
            expected = {path: text for path, text in texts.items() if text is not None}
            for path, text in expected.items():
                there = (site.root / path).is_file() and site.read(path) == text
                assert there != reverse, f"killed at {point}: {path}"
            assert after["git"] == before["git"]
            assert (site.root / "pkg/c.py").exists() == reverse
            if not killed:
                return kills
            (apply if reverse else roll_back)(opened, patch.cid, by="Ada")
            assert site.snapshot() == before
    raise AssertionError("it never came to its end")


@pytest.mark.parametrize("reverse", [False, True])
def test_a_kill_while_a_patch_goes_in_or_out_leaves_all_or_nothing(site, reverse) -> None:
    assert applying_is_all_or_nothing(site, 41, reverse=reverse) >= 5


@pytest.mark.slow
@pytest.mark.parametrize("reverse", [False, True])
def test_a_kill_at_every_single_point_leaves_all_or_nothing(site, reverse) -> None:
    assert applying_is_all_or_nothing(site, 2, reverse=reverse) >= 60


def test_a_kill_while_the_tree_is_validated_takes_the_patch_out(site) -> None:
    patch = site.approved({"a.py": site.edit(l3="three"), "n/n.py": "x\n"})
    before, seen, ledger = site.snapshot(), site.home / "seen", site.ledger

    def die(root: Path):
        seen.write_text((root / "a.py").read_text())
        os.kill(os.getpid(), signal.SIGKILL)

    assert killed_at(0, lambda: apply(ledger, patch.cid, by="Ada", validate=die))
    assert seen.read_text() == site.edit(l3="three")
    assert site.ledger.records.applications() == []
    assert site.snapshot() == before
    assert [entry.event for entry in ledger.records.audit()][-1] == "recovered"


def test_a_kill_while_recovering_is_recovered_from(site) -> None:
    patch = site.approved({"a.py": site.edit(l3="three"), "n/n.py": "x\n", "b.py": None})
    before, ledger = site.snapshot(), site.ledger

    def die(root: Path):
        os.kill(os.getpid(), signal.SIGKILL)

    kills = 0
    for point in points(17):
        assert killed_at(0, lambda: apply(ledger, patch.cid, by="Ada", validate=die))
        if not killed_at(point, lambda: open_ledger(ledger.workspace, site.root)):
            break
        kills += 1
        assert site.ledger.records.applications() == []
        assert site.snapshot() == before
    assert kills >= 3
    assert site.snapshot() == before


@pytest.mark.parametrize("how", ["plain", "patch"])
def test_a_kill_leaves_no_stray_worktree(site, how) -> None:
    patch = site.propose({"a.py": site.edit(l3="three")}).cid if how == "patch" else None
    site.git("worktree", "add", "--quiet", "--detach", str(site.home.parent / "own"))
    before, listed = site.snapshot(), site.git("worktree", "list")
    ledger, kills = site.ledger, 0

    def act() -> None:
        with worktree(ledger, "agent 7", patch=patch) as tree:
            (tree / "a.py").write_text("work\n")
            (tree / "closed").mkdir(mode=0o500)

    for point in points(17 if how == "plain" else 29):
        killed = killed_at(point, act)
        _ = site.ledger
        assert list((site.home / "worktrees").glob("*")) == [], f"killed at {point}"
        assert (site.git("worktree", "list"), site.snapshot()) == (listed, before)
        assert [path.name for path in (site.root / ".git/worktrees").iterdir()] == ["own"]
        if not killed:
            break
        kills += 1
    assert kills >= 3


def test_kills_by_the_clock_leave_all_or_nothing(site) -> None:
    patch = site.approved({"a.py": site.edit(l3="three"), "n/n.py": "x\n", "b.py": None})
    before, ledger, rng = site.snapshot(), site.ledger, random.Random(7)
    for _ in range(4):
        child = os.fork()
        if child == 0:
            try:
                apply(ledger, patch.cid, by="Ada")
            finally:
                os._exit(0)
        time.sleep(rng.uniform(0.0, 0.6))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        if site.ledger.records.applications():
            roll_back(site.ledger, patch.cid, by="Ada")
        assert site.snapshot() == before
        assert check(site.ledger) == []
