"""Files from the network: resumed where a connection was cut, and kept only with the right checksum."""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import httpx

from bloomery.core.errors import DamagedArtifact, Failure

READ_BYTES = 1 << 20
ATTEMPTS = 3
TIMEOUT_S = 30.0
Progress = Callable[[int, int | None], None]


class DownloadFailed(Failure):
    """A file could not be had from the network."""


def download(
    urls: Sequence[str], path: Path, checksum: str, *, hint: str = "", progress: Progress | None = None
) -> Path:
    """Puts the first of `urls` that answers at `path`, whole and checked, or puts nothing there.

    What came before a cut is kept beside it and continued by the next call. Processes that want the same
    file wait for each other. `progress(done, total)` counts bytes; `hint` says what else the caller can do.

    Raises: DownloadFailed; DamagedArtifact where the bytes that came have another sha256.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with _alone(path.with_name(path.name + ".lock")):
        if path.exists():
            return path
        if not (part.exists() and digest_of(part) == checksum):  # whole where only the rename was cut
            _fetch_any(urls, part, hint, progress)
        _keep(part, path, checksum, hint)
    return path


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        hasher = sha256()
        while chunk := file.read(READ_BYTES):
            hasher.update(chunk)
    return hasher.hexdigest()


def _fetch_any(urls: Sequence[str], part: Path, hint: str, progress: Progress | None) -> None:
    problems = []
    for url in urls:
        for attempt in range(ATTEMPTS):
            try:
                _fetch(url, part, progress)
                return
            except httpx.HTTPStatusError as error:
                problems.append(f"{url} answers {error.response.status_code}")
                break
            except httpx.RequestError as error:
                if attempt == ATTEMPTS - 1:
                    problems.append(f"{url}: {type(error).__name__}: {error}")
    kept = part.stat().st_size if part.exists() else 0
    so_far = f"; {kept:,} bytes are kept and the next try goes on from there" if kept else ""
    raise DownloadFailed(f"cannot download: {'; '.join(problems)}{so_far}. {hint}".strip())


def _fetch(url: str, part: Path, progress: Progress | None) -> None:
    """Appends what `part` lacks; begins again where the server does not continue."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=TIMEOUT_S) as response:
        if have and response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink()
            _fetch(url, part, progress)
            return
        response.raise_for_status()
        resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
        done = have if resumed else 0
        length = response.headers.get("Content-Length")
        total = done + int(length) if length else None
        with part.open("ab" if resumed else "wb") as file:
            for chunk in response.iter_raw():
                file.write(chunk)
                done += len(chunk)
                if progress:
                    progress(done, total)
            file.flush()
            os.fsync(file.fileno())


def _keep(part: Path, path: Path, checksum: str, hint: str) -> None:
    found = digest_of(part)
    if found != checksum:
        part.unlink()
        raise DamagedArtifact(
            f"{path.name} was downloaded with sha256 {found}, expected {checksum}; it was not kept. "
            f"Try again; if it stays so, the file has changed at its source. {hint}".strip()
        )
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
