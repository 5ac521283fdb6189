"""Artifacts elsewhere: a folder of `<cid>.tar` behind any URL that fsspec can write to or read from."""

import tarfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from fsspec.core import url_to_fs

from bloomery.core import tar
from bloomery.core.cid import check_cid
from bloomery.core.disk import is_full_disk
from bloomery.core.errors import (
    CapabilityMissing,
    DamagedArtifact,
    DiskFull,
    Failure,
    FormatRefused,
    MissingFile,
    UserError,
)
from bloomery.core.log import without_passwords
from bloomery.core.store import Store

_ENTRY = "content"
_BUFFER = 2**20


def push(store: Store, cid: str, url: str) -> str:
    """Copy an artifact to the remote and return its address there.

    It is sent under another name and renamed when it is complete: an interrupted push leaves nothing that a
    pull would see. One that is there already, with the right size, stays.
    Raises: MissingFile, DamagedArtifact, CapabilityMissing, Failure.
    """
    path = store.path(cid)
    files, root = _remote(url)
    target, partial = f"{root}/{cid}.tar", f"{root}/.{cid}.{uuid.uuid4().hex}"
    with _named_errors(url):
        if not files.exists(target) or files.size(target) != _size_bytes(path):
            files.makedirs(root, exist_ok=True)
            try:
                _send(files, path, partial)
                files.mv(partial, target)
            finally:
                with suppress(FileNotFoundError):
                    files.rm(partial)
    return str(files.unstrip_protocol(target))


def pull(store: Store, cid: str, url: str) -> Path:
    """Fetch an artifact into the store, verified, and return where it lies.

    Raises: MissingFile if the remote does not have it; DamagedArtifact if it is not what its name says.
    """
    check_cid(cid)
    files, root = _remote(url)
    address = f"{root}/{cid}.tar"
    with store.incoming() as folder, _named_errors(url):
        try:
            with tar.refusing_broken(without_passwords(address)), files.open(address, "rb") as stream:
                _receive(stream, folder)
        except FileNotFoundError:
            raise MissingFile(
                f"{without_passwords(url)} has no {cid}; push it from a store that has it"
            ) from None
        except FormatRefused as error:
            raise DamagedArtifact(f"{cid} was cut short or altered: {error}; push it again") from error
        store.adopt(folder / _ENTRY, cid)
    return store.path(cid)


def _send(files: Any, path: Path, target: str) -> None:
    with (
        files.open(target, "wb") as stream,
        tarfile.open(fileobj=stream, mode="w|", bufsize=_BUFFER) as archive,
    ):
        tar.add(archive, path, _ENTRY)


def _receive(stream: BinaryIO, folder: Path) -> None:
    with tarfile.open(fileobj=stream, mode="r|", bufsize=_BUFFER) as archive:
        tar.extract(archive, folder)


def _size_bytes(path: Path) -> int:
    """How long the tar of an artifact is."""
    counter = _Counter()
    with tarfile.open(fileobj=counter, mode="w|", bufsize=_BUFFER) as archive:  # type: ignore[call-overload]  # only writes
        tar.add(archive, path, _ENTRY)
    return counter.size_bytes


class _Counter:
    size_bytes = 0

    def write(self, data: bytes) -> int:
        self.size_bytes += len(data)
        return len(data)


def _remote(url: str) -> tuple[Any, str]:
    try:
        files, root = url_to_fs(url)
    except ImportError as error:
        raise CapabilityMissing(f"no driver for {without_passwords(url)}: {error}") from error
    except ValueError as error:
        raise UserError(f"{without_passwords(url)} is not a URL of a remote: {error}") from error
    return files, root.rstrip("/")


@contextmanager
def _named_errors(url: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        shown = without_passwords(url)
        if is_full_disk(error):
            raise DiskFull(
                f"no space left while copying to or from {shown}; nothing was half-written"
            ) from error
        raise Failure(
            f"copying to or from {shown} failed: {without_passwords(str(error))}; try again"
        ) from error
