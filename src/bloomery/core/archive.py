"""Backup and restore of a whole workspace: one tar file, checked piece by piece.

manifest.json        the CIDs of everything that follows
catalog.sqlite       a copy of the catalog, whatever database it is in
objects/<cid>        the store
runs/<id>/           the runs' folders
"""

import json
import os
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

from bloomery.core import tar
from bloomery.core.catalog import Catalog
from bloomery.core.cid import check_cid, cid_of_path
from bloomery.core.disk import beside, full_disk_named, remove_tree, sync_folder, sync_tree
from bloomery.core.errors import DamagedArtifact, FormatRefused, MissingFile, UserError
from bloomery.core.store import Store
from bloomery.core.workspace import CATALOG_URL, Workspace

FORMAT = 1
_MANIFEST = "manifest.json"


def backup(workspace: Workspace, archive: Path) -> Path:
    """Write everything in the workspace to a new tar file; it appears when it is complete.

    Raises: WorkspaceBusy while a run executes; DamagedArtifact naming what is damaged; DiskFull; UserError if
    the file exists.
    """
    archive = Path(archive)
    if archive.exists():
        raise UserError(f"{archive} already exists; name another file or remove it first")
    with workspace.lock("backup"), full_disk_named(archive), beside(archive) as folder:
        if damage := workspace.verify():
            raise DamagedArtifact("; ".join(map(str, damage)))
        _copy_catalog(workspace.catalog, folder / "catalog.sqlite")
        with tarfile.open(folder / "archive", "w") as target:
            _write(target, workspace, folder / "catalog.sqlite")
        sync_tree(folder / "archive")
        (folder / "archive").rename(archive)
        sync_folder(archive.parent)
    return archive


def restore(archive: Path, folder: Path, *, catalog: str | None = None) -> Workspace:
    """Make a workspace at `folder`, which must be absent or empty, from a backup.

    Every piece is checked against its CID first; nothing appears at `folder` unless all are sound. The
    catalog goes where `Workspace.open` would look for it; a database by URL must be empty.
    Raises: MissingFile, FormatRefused (no backup, or of a newer kind), DamagedArtifact, DiskFull, UserError.
    """
    archive, folder = Path(archive), Path(folder).absolute()
    if not archive.is_file():
        raise MissingFile(f"no backup at {archive}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} is not an empty folder; name another place")
    with full_disk_named(folder), beside(folder) as parent:
        new = parent / "workspace"
        new.mkdir()
        _unpack(archive, new)
        url = catalog or os.environ.get(CATALOG_URL)
        if url:
            source = Catalog.open(new / "catalog.sqlite")
            source.copy_into(Catalog.open(url))
            source.close()
        new.rename(folder)
        sync_folder(folder.parent)
    return Workspace.open(folder, catalog=catalog)


def _copy_catalog(catalog: Catalog, path: Path) -> None:
    copy = Catalog.open(path)
    catalog.copy_into(copy)
    copy.close()  # one whole file, no write-ahead log beside it


def _write(target: tarfile.TarFile, workspace: Workspace, catalog: Path) -> None:
    runs = sorted(run for run in workspace.runs.iterdir() if run.is_dir())
    cids = list(workspace.store)
    manifest = {
        "format": FORMAT,
        "catalog": cid_of_path(catalog),
        "objects": cids,
        "runs": {run.name: cid_of_path(run) for run in runs},
    }
    data = json.dumps(manifest, indent=1, sort_keys=True).encode()
    entry = tarfile.TarInfo(_MANIFEST)
    entry.size = len(data)
    target.addfile(entry, BytesIO(data))
    tar.add(target, catalog, "catalog.sqlite")
    for cid in cids:
        tar.add(target, workspace.store.path(cid), f"objects/{cid}")
    for run in runs:
        tar.add(target, run, f"runs/{run.name}")


def _unpack(archive: Path, folder: Path) -> None:
    """Lay out a workspace in an empty folder; what the manifest does not name is left out."""
    raw = folder / "raw"
    raw.mkdir()
    with tar.refusing_broken(archive), tarfile.open(archive) as source:
        tar.extract(source, raw)
    manifest = _manifest(archive, raw / _MANIFEST)
    store = Store(folder / "store")
    for cid in manifest["objects"]:
        _check(archive, raw / "objects" / check_cid(cid), cid)
        store.adopt(raw / "objects" / cid, cid)
    (folder / "runs").mkdir()
    for run_id, cid in manifest["runs"].items():
        _check(archive, raw / "runs" / run_id, cid)
        (raw / "runs" / run_id).rename(folder / "runs" / run_id)
    _check(archive, raw / "catalog.sqlite", manifest["catalog"])
    (raw / "catalog.sqlite").rename(folder / "catalog.sqlite")
    remove_tree(raw)
    sync_tree(folder)


def _manifest(archive: Path, path: Path) -> dict[str, Any]:
    try:
        manifest = dict(json.loads(path.read_text()))
        found = manifest["format"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        raise FormatRefused(f"{archive} is not a backup of a workspace, or it is damaged") from None
    if found != FORMAT:
        raise FormatRefused(f"{archive} has format {found}, this Bloomery reads {FORMAT}: use a newer one")
    if missing := {"catalog", "objects", "runs"} - set(manifest):
        raise FormatRefused(f"{archive} is damaged: its {_MANIFEST} lacks {', '.join(sorted(missing))}")
    objects, runs = manifest["objects"], manifest["runs"]
    if not isinstance(runs, dict) or not isinstance(objects, list) or not all(map(_is_text, objects)):
        raise FormatRefused(f"{archive} is damaged: its {_MANIFEST} lists no runs by name, or no CIDs")
    for run_id in runs:
        if "/" in run_id or run_id in ("", ".", ".."):
            raise FormatRefused(f"{archive} was tampered with: it names a run '{run_id}'")
    return manifest


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _check(archive: Path, path: Path, cid: str) -> None:
    if not path.exists() or cid_of_path(path) != cid:
        raise DamagedArtifact(f"{archive} is cut short or altered at {path.name}; use another backup")
