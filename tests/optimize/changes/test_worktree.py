import os
import shutil
import signal
import subprocess
import sys
import time
import traceback
from dataclasses import replace

import pytest

from bloomery.core.errors import UserError
from bloomery.optimize.changes import About, apply, propose
from bloomery.optimize.changes.worktree import clear_worktrees, worktree


def test_a_worktree_is_apart_from_the_users_tree_and_gone_afterwards(site) -> None:
    before = site.snapshot()
    site.write("a.py", "being edited\n")
    edited = site.snapshot()
    with worktree(site.ledger, "agent 7/x") as tree:
        assert tree.parent == site.home / "worktrees"
        assert tree.name.startswith("bloomery-agent-7-x-")
        assert (tree / "a.py").read_text() == site.edit()
        (tree / "b.py").write_text("work\n")
    assert not tree.exists()
    assert site.snapshot()["files"] == edited["files"]
    site.write("a.py", site.edit())
    assert site.snapshot() == before
    assert site.git("worktree", "list").count("\n") == 1


def test_a_worktree_shows_a_patch_on_the_base_that_it_was_made_on(site) -> None:
    parent = site.approved({"a.py": site.edit(l3="three")})
    child = site.approved({"a.py": site.edit(l3="three", l4="four"), "n.py": "x\n"}, parents=(parent.cid,))
    apply(site.ledger, parent.cid, by="Ada")
    site.write("b.py", "moved on\n")
    site.commit()
    with worktree(site.ledger, "agent", patch=child.cid) as tree:
        assert (tree / "a.py").read_text() == site.edit(l3="three", l4="four")
        assert (tree / "b.py").read_text() == site.edit()
        assert (tree / "n.py").read_text() == "x\n"


def test_what_an_agent_did_in_its_worktree_becomes_a_patch(site) -> None:
    site.write(".gitignore", "*.log\n")
    site.commit()
    with worktree(site.ledger, "agent") as tree:
        (tree / "a.py").write_text(site.edit(l3="three"))
        (tree / "new.py").write_text("x\n")
        (tree / "b.py").unlink()
        (tree / "noise.log").write_text("x\n")
        patch = propose(site.ledger, About(proposer="agent"), folder=tree)
    assert patch.cid == site.propose({"a.py": site.edit(l3="three"), "new.py": "x\n", "b.py": None}).cid
    assert site.git("status", "--porcelain") == ""


def test_a_folder_of_another_repository_is_no_worktree(site, make_site) -> None:
    other = make_site("two")
    with pytest.raises(UserError, match="is no worktree of"):
        propose(site.ledger, About(proposer="agent"), folder=other.root)


def test_agents_have_a_worktree_each_and_clearing_spares_the_living(site) -> None:
    with worktree(site.ledger, "one") as first, worktree(site.ledger, "one") as second:
        assert first != second
        assert clear_worktrees(site.ledger) == []
        assert first.is_dir()
        assert second.is_dir()
    assert list((site.home / "worktrees").iterdir()) == []


def test_a_commit_that_is_not_here_is_told(site) -> None:
    with pytest.raises(UserError, match="has no nowhere"), worktree(site.ledger, "one", commit="nowhere"):
        pass
    assert clear_worktrees(site.ledger) == []


def test_a_worktree_on_a_disk_that_is_away_is_not_forgotten(site, tmp_path) -> None:
    own = tmp_path / "stick" / "own"
    site.git("worktree", "add", "--quiet", "--detach", str(own))
    (tmp_path / "stick").rename(tmp_path / "pulled out")
    with worktree(site.ledger, "one"):
        pass
    (tmp_path / "pulled out").rename(tmp_path / "stick")
    assert str(own) in site.git("worktree", "list")


def test_a_worktree_of_a_process_that_was_killed_goes_when_the_next_one_starts(site) -> None:
    code = (
        "import sys, time\n"
        "from bloomery.core.workspace import Workspace\n"
        "from bloomery.optimize.changes import open_ledger\n"
        "from bloomery.optimize.changes.worktree import worktree\n"
        "with worktree(open_ledger(Workspace.open(sys.argv[1]), sys.argv[2]), 'agent') as tree:\n"
        "    print(tree, flush=True)\n"
        "    time.sleep(60)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, site.home, site.root], stdout=subprocess.PIPE, text=True, env=os.environ
    )
    tree = child.stdout.readline().strip()
    assert tree in site.git("worktree", "list")
    assert clear_worktrees(site.ledger) == []
    child.kill()
    child.wait()
    child.stdout.close()
    _ = site.ledger
    assert tree not in site.git("worktree", "list")


def test_a_git_that_outlives_its_process_is_waited_for(site) -> None:
    ledger, folder = site.ledger, site.home / "worktrees"
    folder.mkdir()
    lock = folder / "bloomery-agent-1.lock"
    gone = subprocess.Popen(["true"])
    gone.wait()
    lock.write_text(f"process {gone.pid} (worktree of agent)")
    orphan = subprocess.Popen(
        ["flock", str(lock), "sh", "-c", f"sleep 0.4; mkdir -p {folder}/bloomery-agent-1/x"]
    )
    until = time.monotonic() + 5
    while subprocess.run(["flock", "--nonblock", str(lock), "true"]).returncode == 0:
        assert time.monotonic() < until
    assert clear_worktrees(ledger) == ["bloomery-agent-1"]
    orphan.wait()
    assert list(folder.iterdir()) == []


def test_a_worktree_of_another_workspace_is_left_alone(site) -> None:
    other = replace(site, home=site.home.parent / "another")
    with worktree(site.ledger, "one") as tree:
        with worktree(other.ledger, "two"):
            pass
        assert (tree / "a.py").exists()
        assert str(tree) in site.git("worktree", "list")


def test_a_git_that_was_making_a_worktree_when_its_process_was_killed_leaves_none(site) -> None:
    slow, started = site.home / "bin", site.home / "started"
    slow.mkdir()
    (slow / "git").write_text(
        f'#!/bin/sh\ncase "$*" in *"worktree add"*) touch {started}; sleep 0.5;; esac\n'
        f'exec {shutil.which("git")} "$@"\n'
    )
    (slow / "git").chmod(0o755)
    ledger = site.ledger
    child = os.fork()
    if child == 0:
        os.environ["PATH"] = f"{slow}:{os.environ['PATH']}"
        try:
            with worktree(ledger, "agent"):
                pass
        finally:
            os._exit(0)
    while not started.exists():
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    _ = site.ledger
    time.sleep(0.7)  # were git still at work, it would be done now
    assert list((site.home / "worktrees").iterdir()) == []
    assert site.git("worktree", "list").count("\n") == 1


def test_the_folder_of_the_last_worktree_stays_while_git_is_making_another(site) -> None:
    slow, started = site.home / "bin", site.home / "started"
    slow.mkdir()
    (slow / "git").write_text(  # git itself makes the folder, and then its entry
        f'#!/bin/sh\ncase "$*" in *"worktree add"*) cd .git; mkdir -p worktrees; touch {started}\n'
        "sleep 0.6; [ -d worktrees ] || exit 128; cd ..;; esac\n"
        f'exec {shutil.which("git")} "$@"\n'
    )
    (slow / "git").chmod(0o755)
    ledger = site.ledger
    with worktree(ledger, "last"):
        child = os.fork()
        if child == 0:
            os.environ["PATH"] = f"{slow}:{os.environ['PATH']}"
            try:
                with worktree(ledger, "next"):
                    os._exit(0)
            finally:
                os._exit(1)
        while not started.exists():
            time.sleep(0.01)
    assert os.waitpid(child, 0)[1] == 0
    clear_worktrees(ledger)
    assert not (site.root / ".git/worktrees").exists()


def making(site, rounds: int) -> None:
    ledger = replace(site).ledger
    for _ in range(rounds):
        with worktree(ledger, "agent") as tree:
            assert (tree / "a.py").exists()


@pytest.mark.slow
def test_many_processes_make_and_remove_worktrees_at_once(site) -> None:
    site.workspace.catalog.close()
    before, children = site.snapshot(), []
    for _ in range(6):
        child = os.fork()
        if child == 0:
            try:
                making(site, 8)
                os._exit(0)
            except BaseException:  # edge: a child process
                traceback.print_exc()
            finally:
                os._exit(1)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 6
    assert site.snapshot() == before
    assert list((site.home / "worktrees").iterdir()) == []
