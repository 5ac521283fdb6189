"""Reads what a sandboxed program left in its folder, without following where it points."""

import os
import stat
from pathlib import Path, PurePosixPath

from bloomery.core.errors import FormatRefused, MissingFile

NO_FOLLOW = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def read_result(folder: Path, name: str, *, most_bytes: int = 16 * 2**20) -> bytes:
    """The bytes of a plain file below `folder`.

    Raises: FormatRefused for a link anywhere on the way, a way out, a device, pipe or folder, a file that has
    another name elsewhere, or one that is too big; MissingFile.
    """
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts or PurePosixPath(name).is_absolute():
        raise FormatRefused(f"'{name}' does not stay in the sandbox's folder; give a name below it")
    at = os.open(folder, os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for place, part in enumerate(parts):
            last = place == len(parts) - 1
            inner = _open(part, at, name, os.O_RDONLY if last else os.O_DIRECTORY)
            os.close(at)
            at = inner
        return _read(at, name, most_bytes)
    finally:
        os.close(at)


def _open(part: str, at: int, name: str, flags: int) -> int:
    try:
        return os.open(part, flags | NO_FOLLOW, dir_fd=at)
    except FileNotFoundError as error:
        raise MissingFile(f"the sandboxed program left no '{name}'") from error
    except OSError as error:
        raise FormatRefused(f"'{name}' is not a plain file: {error.strerror}") from error


def _read(descriptor: int, name: str, most_bytes: int) -> bytes:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        raise FormatRefused(f"'{name}' is not a plain file of its own: {stat.filemode(status.st_mode)}")
    if status.st_size > most_bytes:
        raise FormatRefused(f"'{name}' has {status.st_size} bytes, more than the {most_bytes} that are read")
    with open(descriptor, "rb", closefd=False) as file:
        return file.read(most_bytes)
