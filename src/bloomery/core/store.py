"""The store: files and folders kept under the CID of their content.

    <root>/objects/<cid>     a file or a folder, read-only, complete: it appears by a rename
    <root>/partial/          what is still being written; swept when nobody writes
    <root>/lock              held shared by writers, exclusively by `sweep`

What is put is copied, so that a later change of the source cannot reach the store. Reading verifies: the
content is hashed the first time that a process asks for it, and again when the size, the modification time
or the inode of any of its files has changed since. Damage that leaves all of these as they were is found
by the next process, or by `verify`, which always hashes.
"""

import errno
import fcntl
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from bloomery.core.cid import (
    CHUNK_BYTES,
    Node,
    check_cid,
    chunks,
    cid_of_bytes,
    cid_of_path,
    file_node,
    folder_node,
    kind_of,
)
from bloomery.core.disk import beside, full_disk_named, remove_tree, sync_folder, sync_tree
from bloomery.core.errors import DamagedArtifact, FormatRefused, MissingFile, UserError

Signature = tuple[tuple[str, int, int, int], ...]


class Store:
    """Content-addressed files and folders below `root`; many processes may use it at once."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        self._objects = self.root / "objects"
        self._partial = self.root / "partial"
        self._verified: dict[str, Signature] = {}
        for folder in (self._objects, self._partial):
            folder.mkdir(parents=True, exist_ok=True)

    def put(self, path: Path) -> str:
        """Keep a copy of a file or folder and return its CID; a copy that is already there stays.

        Raises: MissingFile; FormatRefused for links and devices; DiskFull, with nothing half-written.
        """
        with self.incoming() as folder:
            node = _copy_named(Path(path), folder / "copy")
            return self._publish(folder / "copy", str(node))

    def put_bytes(self, data: bytes) -> str:
        """Keep `data` as a file and return its CID. Raises: DiskFull."""
        with self.incoming() as folder:
            node = _write(folder / "copy", BytesIO(data))
            return self._publish(folder / "copy", str(node))

    def adopt(self, path: Path, cid: str) -> str:
        """Move what was written into a folder of `incoming` to its place, if it really is `cid`.

        Raises: DamagedArtifact.
        """
        if _name_or_none(path) != check_cid(cid):
            raise DamagedArtifact(
                f"what came as {cid} is something else (cut short or altered): fetch it again"
            )
        sync_tree(path)
        return self._publish(path, cid)

    @contextmanager
    def incoming(self) -> Iterator[Path]:
        """An empty folder on the store's own disk, gone afterwards; a full disk raises DiskFull."""
        with self._lock(fcntl.LOCK_SH), full_disk_named(self.root):
            folder = Path(tempfile.mkdtemp(dir=self._partial))
            try:
                yield folder
            finally:
                remove_tree(folder)

    def path(self, cid: str) -> Path:
        """Where the content lies, verified; read it, never write to it.

        Raises: MissingFile, DamagedArtifact.
        """
        path = self._existing(cid)
        signature = _signature(path)
        if self._verified.get(cid) != signature:
            self.verify(cid)
            self._verified[cid] = signature
        return path

    def read(self, cid: str) -> bytes:
        """The bytes of a file; these very bytes are verified.

        Raises: MissingFile, DamagedArtifact; UserError for a folder.
        """
        path = self._existing(cid)
        if path.is_dir():
            raise UserError(f"{cid} is a folder; read one of its files")
        data = path.read_bytes()
        if cid_of_bytes(data) != cid:
            raise _damaged(cid)
        return data

    def copy_to(self, cid: str, destination: Path) -> Path:
        """Copy the content to a path that does not exist yet, and verify the copy.

        Raises: MissingFile, DamagedArtifact, DiskFull; UserError if `destination` exists.
        """
        source, destination = self._existing(cid), Path(destination)
        if destination.exists():
            raise UserError(f"{destination} already exists; name another place or remove it first")
        destination.parent.mkdir(parents=True, exist_ok=True)
        with full_disk_named(destination), beside(destination) as folder:
            if str(_copy_named(source, folder / "copy")) != cid:
                raise _damaged(cid)
            (folder / "copy").rename(destination)
        return destination

    def has(self, cid: str) -> bool:
        """Whether there is something under this name; says nothing about its state."""
        return (self._objects / check_cid(cid)).exists()

    def verify(self, cid: str) -> None:
        """Hash the content again. Raises: MissingFile, DamagedArtifact."""
        self._verified.pop(cid, None)
        if _name_or_none(self._existing(cid)) != cid:
            raise _damaged(cid)

    def size_bytes(self, cid: str) -> int:
        """Bytes in the content's files. Raises: MissingFile."""
        path = self._existing(cid)
        files = path.rglob("*") if path.is_dir() else [path]
        return sum(file.stat().st_size for file in files if file.is_file())

    def __iter__(self) -> Iterator[str]:
        """The CIDs of all content, sorted."""
        return iter(sorted(entry.name for entry in self._objects.iterdir()))

    def remove(self, cid: str) -> None:
        """Forget the content; nothing happens if it is not there."""
        if self.has(cid):
            self._verified.pop(cid, None)
            with self.incoming() as folder:
                (self._objects / cid).rename(folder / "removed")
            sync_folder(self._objects)

    def sweep(self) -> int:
        """Remove what dead writers left behind, unless somebody is writing now; the number of left-overs."""
        try:
            with self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB):
                leftovers = list(self._partial.iterdir())
                for leftover in leftovers:
                    remove_tree(leftover)
                return len(leftovers)
        except BlockingIOError:
            return 0

    def _existing(self, cid: str) -> Path:
        path = self._objects / check_cid(cid)
        if not path.exists():
            raise MissingFile(
                f"the store {self.root} has no {cid}; pull it from a remote or run its step again"
            )
        return path

    def _publish(self, copy: Path, cid: str) -> str:
        """Give a complete, synced copy its name; a damaged namesake is replaced, a sound one kept."""
        target = self._objects / cid
        if target.exists():
            try:
                self.path(cid)
                return cid
            except DamagedArtifact:
                with suppress(FileNotFoundError):  # another process is mending it too
                    target.rename(copy.with_name("damaged"))
        _make_read_only(copy)
        try:
            copy.rename(target)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            self.verify(cid)  # another process has put the same folder meanwhile
        sync_folder(self._objects)
        return cid

    @contextmanager
    def _lock(self, operation: int) -> Iterator[None]:
        with (self.root / "lock").open("a") as file:
            fcntl.flock(file, operation)
            yield


def _copy_named(source: Path, target: Path) -> Node:
    """Copy to `target`, sync it, and name the bytes that were written."""
    if kind_of(source) == "file":
        with source.open("rb") as file:
            return _write(target, file)
    target.mkdir()
    node = folder_node((entry.name, _copy_named(entry, target / entry.name)) for entry in source.iterdir())
    sync_folder(target)
    return node


def _name_or_none(path: Path) -> str | None:
    """The CID of what lies there; None if that is no artifact: a link, an unreadable sector, nothing."""
    try:
        return cid_of_path(path)
    except (FormatRefused, MissingFile, OSError):
        return None


def _write(target: Path, source: BinaryIO) -> Node:
    with target.open("wb", buffering=CHUNK_BYTES) as file:
        node = file_node(_written(chunks(source), file))
        file.flush()
        os.fsync(file.fileno())
    return node


def _written(chunked: Iterable[bytes], file: BinaryIO) -> Iterator[bytes]:
    for chunk in chunked:
        file.write(chunk)
        yield chunk


def _make_read_only(path: Path) -> None:
    """Guard files against slips. Folders stay writable, or `rm -r` of a workspace would fail."""
    if path.is_dir():
        for entry in path.iterdir():
            _make_read_only(entry)
    else:
        path.chmod(0o444)


def _signature(path: Path) -> Signature:
    """What changes when somebody writes: name, size, modification time and inode of each entry."""
    entries = [path, *path.rglob("*")] if path.is_dir() else [path]
    stats = ((str(entry), entry.lstat()) for entry in sorted(entries))
    return tuple((name, stat.st_size, stat.st_mtime_ns, stat.st_ino) for name, stat in stats)


def _damaged(cid: str) -> DamagedArtifact:
    return DamagedArtifact(
        f"{cid} in the store no longer has the content of its name (cut short or altered); "
        "pull it from a remote, restore a backup, or remove it and run its step again"
    )
