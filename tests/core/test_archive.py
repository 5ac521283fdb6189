import json
import os
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from bloomery.core.archive import backup, restore
from bloomery.core.catalog import Catalog
from bloomery.core.cid import cid_of_path
from bloomery.core.errors import (
    BloomeryError,
    DamagedArtifact,
    DiskFull,
    FormatRefused,
    MissingFile,
    UserError,
    WorkspaceBusy,
)
from bloomery.core.evidence import Bar, Check, not_run
from bloomery.core.tar import extract
from bloomery.core.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with a bit of everything."""
    workspace = Workspace.open(tmp_path / ".bloomery")
    (tmp_path / "model" / "empty").mkdir(parents=True)
    (tmp_path / "model" / "weights.bin").write_bytes(os.urandom(50_000))
    catalog = workspace.catalog
    catalog.start_run("r1", recipe="x", config={"a": [1, None]}, seed=0, environment={})
    catalog.start_step("r1", "train", "key")
    catalog.add_metrics("r1", "train", [("loss", 0, 1.0)])
    catalog.add_evidence("r1", "train", not_run(Check(name="c", bar=Bar(op="<", value=1)), "why"))
    parent = workspace.store.put_bytes(b"parent")
    cid = workspace.store.put(tmp_path / "model")
    catalog.add_artifact(parent, kind="f", size_bytes=6, run_id="r1", step="train", name="parent")
    catalog.add_artifact(
        cid, kind="f", size_bytes=50_000, run_id="r1", step="train", name="model", parents=[parent]
    )
    catalog.finish_step("r1", "train", "done", {"model": cid}, 1.0)
    (workspace.runs / "r1" / "checkpoints").mkdir(parents=True)
    (workspace.runs / "r1" / "config.yaml").write_text("a: 1")
    return workspace


@pytest.fixture
def archive(workspace: Workspace, tmp_path: Path) -> Path:
    return backup(workspace, tmp_path / "backup.tar")


def everything(workspace: Workspace) -> list[object]:
    catalog = workspace.catalog
    return [
        catalog.runs(),
        catalog.artifacts(),
        catalog.steps("r1"),
        catalog.metrics("r1"),
        catalog.evidence("r1"),
        list(workspace.store),
        cid_of_path(workspace.runs),
    ]


def test_a_restored_workspace_is_the_one_that_was_backed_up(
    workspace: Workspace, archive: Path, tmp_path: Path
) -> None:
    restored = restore(archive, tmp_path / "restored")
    assert everything(restored) == everything(workspace)
    assert restored.verify() == []
    assert restored.root == tmp_path / "restored"
    assert {path.name for path in tmp_path.iterdir()} >= {"backup.tar", "restored"}
    assert not list(tmp_path.glob(".restored*"))


def test_an_empty_workspace_can_be_backed_up(tmp_path: Path) -> None:
    archive = backup(Workspace.open(tmp_path / "empty"), tmp_path / "backup.tar")
    (tmp_path / "there").mkdir()
    assert restore(archive, tmp_path / "there").catalog.runs() == []


def test_a_catalog_goes_to_another_database_and_back(
    workspace: Workspace, archive: Path, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/elsewhere.sqlite"
    restored = restore(archive, tmp_path / "restored", catalog=url)
    assert everything(restored) == everything(workspace)
    assert Catalog.open(url).runs() == workspace.catalog.runs()
    with pytest.raises(UserError, match="not empty"):
        restore(archive, tmp_path / "again", catalog=url)
    assert not (tmp_path / "again").exists()


def test_nothing_is_overwritten(workspace: Workspace, archive: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="already exists"):
        backup(workspace, archive)
    with pytest.raises(UserError, match="not an empty folder"):
        restore(archive, workspace.root)
    with pytest.raises(MissingFile, match="no backup"):
        restore(tmp_path / "nothing.tar", tmp_path / "restored")


def test_a_workspace_in_use_is_not_backed_up(workspace: Workspace, tmp_path: Path) -> None:
    with workspace.lock("run r1"), pytest.raises(WorkspaceBusy, match="run r1"):
        backup(workspace, tmp_path / "backup.tar")
    assert not (tmp_path / "backup.tar").exists()


def test_damage_is_not_backed_up(workspace: Workspace, tmp_path: Path) -> None:
    cid = workspace.catalog.artifacts()[1].cid
    (workspace.store.path(cid) / "weights.bin").unlink()
    with pytest.raises(DamagedArtifact, match=r"model \(step train of run r1\) <- parent"):
        backup(workspace, tmp_path / "backup.tar")
    assert not (tmp_path / "backup.tar").exists()


def test_a_full_disk_leaves_no_backup(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(DiskFull, match=r"backup\.tar"):
        backup(workspace, tmp_path / "backup.tar")
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9, 0.97])
def test_a_backup_that_was_cut_short_restores_nothing(share: float, archive: Path, tmp_path: Path) -> None:
    data = archive.read_bytes()
    archive.write_bytes(data[: int(len(data.rstrip(b"\0")) * share)])
    with pytest.raises((FormatRefused, DamagedArtifact), match=r"backup\.tar"):
        restore(archive, tmp_path / "restored")
    assert not (tmp_path / "restored").exists()


def test_a_backup_cut_between_two_entries_restores_nothing(archive: Path, tmp_path: Path) -> None:
    with tarfile.open(archive) as source:
        offsets = [entry.offset for entry in source][1:]
    data = archive.read_bytes()
    for offset in offsets:
        archive.write_bytes(data[:offset])
        with pytest.raises(BloomeryError, match=r"backup\.tar"):
            restore(archive, tmp_path / "restored")
    assert len(offsets) > 5


@pytest.mark.parametrize("name", ["catalog.sqlite", "objects", "runs"])
def test_an_altered_backup_restores_nothing(name: str, archive: Path, tmp_path: Path) -> None:
    data = bytearray(archive.read_bytes())
    with tarfile.open(archive) as source:
        entry = next(e for e in source if e.name.startswith(name) and e.isreg() and e.size)
    data[entry.offset_data + entry.size // 2] ^= 1
    archive.write_bytes(data)
    with pytest.raises(DamagedArtifact, match="cut short or altered"):
        restore(archive, tmp_path / "restored")
    assert not (tmp_path / "restored").exists()


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"[]",
        b"{}",
        b'{"format": 99}',
        b'{"format": 1}',
        b'{"format": 1, "catalog": "", "runs": {}, "objects": ["../x"]}',
        b'{"format": 1, "catalog": "", "runs": {}, "objects": []}',
        b'{"format": 1, "catalog": "", "runs": {}, "objects": 5}',
        b'{"format": 1, "catalog": "", "runs": {}, "objects": [5]}',
        b'{"format": 1, "catalog": "", "runs": ["r1"], "objects": []}',
    ],
)
def test_an_archive_that_is_no_backup_is_refused(manifest: bytes, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as target:
        entry = tarfile.TarInfo("manifest.json")
        entry.size = len(manifest)
        target.addfile(entry, BytesIO(manifest))
    with pytest.raises(BloomeryError):
        restore(tmp_path / "a.tar", tmp_path / "restored")
    assert not (tmp_path / "restored").exists()


def test_a_run_named_to_escape_is_refused(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    with tarfile.open(archive) as source:
        extract(source, tmp_path / "raw")
    path = tmp_path / "raw" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["runs"] = {"../escaped": cid_of_path(tmp_path / "raw" / "runs" / "r1")}
    path.write_text(json.dumps(manifest))
    (tmp_path / "raw" / "runs" / "r1").rename(tmp_path / "raw" / "escaped")
    with tarfile.open(tmp_path / "evil.tar", "w") as target:
        for entry in sorted((tmp_path / "raw").iterdir()):
            target.add(entry, entry.name)
    with pytest.raises(FormatRefused, match="escaped"):
        restore(tmp_path / "evil.tar", tmp_path / "restored")
    assert not (tmp_path / "restored").exists()


def test_a_name_that_no_disk_takes_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as target:
        target.addfile(tarfile.TarInfo("a" * 300))
    with pytest.raises(FormatRefused, match=r"a\.tar is not a sound archive"):
        restore(tmp_path / "a.tar", tmp_path / "restored")
