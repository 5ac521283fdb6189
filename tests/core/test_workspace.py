import os
import subprocess
import sys
import time
from multiprocessing import get_context
from pathlib import Path

import pytest

from bloomery.core.cid import cid_of_bytes
from bloomery.core.errors import DamagedArtifact, MissingFile, UserError, WorkspaceBusy
from bloomery.core.workspace import CATALOG_URL, Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / ".bloomery")


@pytest.fixture
def chain(workspace: Workspace) -> list[str]:
    """Three artifacts, each made from the one before."""
    workspace.catalog.start_run("r1", recipe="x", config={}, seed=0, environment={})
    cids: list[str] = []
    for name in ("corpus", "base", "tuned"):
        cid = workspace.store.put_bytes(name.encode())
        workspace.catalog.add_artifact(
            cid, kind="f", size_bytes=5, run_id="r1", step=f"make {name}", name=name, parents=cids[-1:]
        )
        cids.append(cid)
    return cids


def overwrite(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


def test_a_workspace_is_laid_out_as_documented(workspace: Workspace) -> None:
    present = {path.name for path in workspace.root.iterdir()}
    assert {"store", "catalog.sqlite", "runs", "locks"} <= present
    assert workspace.runs == workspace.root / "runs"


def test_opening_again_finds_the_same(workspace: Workspace, chain: list[str]) -> None:
    again = Workspace.open(workspace.root, create=False)
    assert list(again.store) == sorted(chain)
    assert [run.run_id for run in again.catalog.runs()] == ["r1"]


def test_a_store_makes_a_folder_a_workspace(tmp_path):
    (tmp_path / "caches" / "verify").mkdir(parents=True)
    Workspace.open(tmp_path / "made")
    assert [Workspace.is_at(tmp_path / name) for name in ("made", "caches", "none")] == [True, False, False]
    with pytest.raises(MissingFile, match=r"no workspace at .*caches"):
        Workspace.open(tmp_path / "caches", create=False)


def test_a_missing_workspace_or_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match=r"no workspace at .*nowhere"):
        Workspace.open(tmp_path / "nowhere", create=False)
    assert not (tmp_path / "nowhere").exists()
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="is a file"):
        Workspace.open(tmp_path / "file")


def test_the_catalog_can_be_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CATALOG_URL, f"sqlite:///{tmp_path}/other.sqlite")
    workspace = Workspace.open(tmp_path / "w")
    assert (tmp_path / "other.sqlite").exists()
    assert not (workspace.root / "catalog.sqlite").exists()


def test_the_lock_keeps_out_and_names_who_holds_it(workspace: Workspace) -> None:
    with (
        workspace.lock("run r1"),
        pytest.raises(WorkspaceBusy, match=rf"process {os.getpid()} \(run r1\)"),
        workspace.lock("run r2"),
    ):
        pytest.fail("two at once")
    with workspace.lock("run r2"):
        pass


def test_an_error_frees_the_lock(workspace: Workspace) -> None:
    with pytest.raises(ZeroDivisionError), workspace.lock("run"):
        raise ZeroDivisionError
    with workspace.lock("run"):
        pass


HOLD = """
import sys, time
from bloomery.core.workspace import Workspace
with Workspace.open(sys.argv[1]).lock("hold"):
    print("locked", flush=True)
    time.sleep(60)
"""


def test_another_process_is_named_and_its_death_frees_the_lock(workspace: Workspace) -> None:
    command = [sys.executable, "-c", HOLD, str(workspace.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(WorkspaceBusy, match=f"process {holder.pid} "), workspace.lock("mine"):
            pytest.fail("two at once")
        holder.kill()
        holder.wait()
        with workspace.lock("mine"):
            pass


def _fork_and_die(root: Path) -> None:
    alive, here = os.pipe()
    with Workspace.open(root).lock("parent"):
        if os.fork() == 0:
            os.write(here, b"!")
            time.sleep(60)
        os.read(alive, 1)  # until then the child may not have had its first moment, in which it lets go
        os._exit(0)


def test_a_child_that_outlives_the_holder_does_not_hold_the_lock(workspace: Workspace) -> None:
    holder = get_context("spawn").Process(target=_fork_and_die, args=(workspace.root,))
    holder.start()
    holder.join()
    assert holder.exitcode == 0
    with workspace.lock("mine"):
        pass


def test_a_damaged_artifact_is_named_with_its_lineage(workspace: Workspace, chain: list[str]) -> None:
    assert workspace.artifact(chain[2]).read_bytes() == b"tuned"
    overwrite(workspace.store.path(chain[2]), b"tuner")
    lineage = r"tuned \(step make tuned of run r1\) <- base \(step make base of run r1\) <- corpus \(step"
    with pytest.raises(DamagedArtifact, match=lineage):
        workspace.artifact(chain[2])


def test_a_missing_artifact_is_named_too(workspace: Workspace, chain: list[str]) -> None:
    workspace.store.remove(chain[1])
    with pytest.raises(MissingFile, match=r"base \(step make base of run r1\) <- corpus"):
        workspace.artifact(chain[1])
    with pytest.raises(MissingFile, match="the catalog does not know"):
        workspace.artifact(cid_of_bytes(b"unheard of"))


def test_an_artifact_from_outside_is_named_without_a_run(workspace: Workspace) -> None:
    cid = workspace.store.put_bytes(b"x")
    workspace.catalog.add_artifact(cid, kind="f", size_bytes=1, name="imported")
    assert workspace.describe(cid) == "imported (brought in from outside)"


def test_verifying_names_all_damage_and_nothing_else(workspace: Workspace, chain: list[str]) -> None:
    assert workspace.verify() == []
    for cid in chain[:2]:
        overwrite(workspace.store.path(cid), b"rotten")
    damage = "\n".join(map(str, workspace.verify()))
    assert "corpus (step" in damage
    assert "base (step" in damage
    assert "tuned" not in damage
