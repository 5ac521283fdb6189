"""Writing so that a kill, a power cut or a full disk leaves either the old state or the new one."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bloomery.core.errors import BloomeryError, DiskFull

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def full_disk_named(path: Path) -> Iterator[None]:
    """Turn "no space left" into a DiskFull that says where and how much is free; other errors pass."""
    try:
        yield
    except Exception as error:  # edge: libraries written in Rust say it by types of their own
        if not is_full_disk(error):
            raise
        raise DiskFull(
            f"no space left while writing {path} ({_free_mib(path)} MiB free): nothing was half-written; "
            "free some space (`bloomery workspace clean`) and start again"
        ) from error


def is_full_disk(error: Exception) -> bool:
    """Safetensors and tokenizers say it in words alone, with the number in them."""
    if isinstance(error, OSError):
        return error.errno in _FULL
    said = "" if isinstance(error, BloomeryError) else str(error)
    return any(f"(os error {code})" in said for code in _FULL)


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """An empty folder on the same disk as `path`, gone afterwards: fill it, then rename out of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill, which becomes `path` when the block ends well: whole, or not there at all.

    Raises: DiskFull, with nothing left behind.
    """
    path = path.absolute()
    with full_disk_named(path), beside(path) as work:
        folder = work / path.name
        folder.mkdir()
        yield folder
        sync_tree(folder)
        folder.replace(path)
        sync_folder(path.parent)


def write_atomically(path: Path, data: bytes) -> None:
    """Write or replace a file: readers see all of the old bytes or all of the new ones.

    Raises: DiskFull, with the old bytes in place.
    """
    with full_disk_named(path), beside(path) as folder:
        (folder / path.name).write_bytes(data)
        sync_tree(folder / path.name)
        (folder / path.name).replace(path)
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` last through a power cut."""
    _sync(folder, os.O_RDONLY | os.O_DIRECTORY)


def sync_tree(path: Path) -> None:
    """Make a file, or a folder with all that is in it, last through a power cut."""
    if path.is_dir():
        for entry in path.iterdir():
            sync_tree(entry)
        sync_folder(path)
    else:
        _sync(path, os.O_RDONLY)


def remove_tree(path: Path) -> None:
    """Remove a file or a folder; nothing happens if it is not there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _free_mib(path: Path) -> int:
    existing = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    return shutil.disk_usage(existing).free // 2**20
