"""Files and folders as entries of a tar stream: the same bytes each time, nothing but files and folders."""

import errno
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from bloomery.core.cid import kind_of
from bloomery.core.errors import FormatRefused

_NAMES_THAT_CANNOT_BE = (errno.EEXIST, errno.ENOTDIR, errno.ENAMETOOLONG)


def add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    """Add a file, or a folder with all that is in it, as `name`; modes, times and owners are left out."""
    entry = tarfile.TarInfo(name)
    if kind_of(path) == "file":
        entry.size = path.stat().st_size
        with path.open("rb") as file:
            tar.addfile(entry, file)
        return
    entry.type, entry.mode = tarfile.DIRTYPE, 0o755
    tar.addfile(entry)
    for child in sorted(path.iterdir()):
        add(tar, child, f"{name}/{child.name}")


def extract(tar: tarfile.TarFile, folder: Path) -> None:
    """Write all entries below `folder`; to be called within `refusing_broken`.

    Raises: what that turns into FormatRefused: links, devices, a path outside, a name that comes twice, a
    missing end.
    """
    for entry in tar:
        path = PurePosixPath(entry.name)  # tarfile's own filters came with Python 3.11.4: not everywhere
        if path.is_absolute() or ".." in path.parts:
            raise tarfile.ExtractError(f"{entry.name} would be written outside of the folder")
        _extract(tar, entry, folder)


@contextmanager
def refusing_broken(path: Path | str) -> Iterator[None]:
    """Turn what is said about broken or dangerous archives into a FormatRefused that names the archive."""
    try:
        yield
    except (tarfile.TarError, EOFError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _NAMES_THAT_CANNOT_BE:
            raise
        raise FormatRefused(f"{path} is not a sound archive: {error}") from error


def _extract(tar: tarfile.TarFile, entry: tarfile.TarInfo, folder: Path) -> None:
    target = folder / entry.name
    if entry.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    source = tar.extractfile(entry) if entry.isreg() else None
    if source is None:
        raise tarfile.ExtractError(f"{entry.name} is neither a file nor a folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as file:
        shutil.copyfileobj(source, file, 2**20)
