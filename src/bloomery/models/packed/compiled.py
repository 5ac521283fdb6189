"""C compiled at first use, kept in a cache folder that only its owner can write, loaded by ctypes.

A library's name carries the hash of what it was made from and of its own bytes: other source, flags or
machine compile anew, and a damaged file is not loaded. The processor's features are no part of it: the code
asks for them when it runs.
"""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import stat
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

COMPILERS = ("cc", "gcc", "clang")
FLAGS = ("-O3", "-std=gnu11", "-ffp-contract=off", "-shared", "-fPIC")  # each float operation rounds
LIMIT_S = 120


class Unavailable(RuntimeError):
    """Something optional is missing here; its message says what."""


def load(source: str, name: str) -> tuple[ctypes.CDLL, str]:
    """The compiled library, and a note where it could not be kept for the next process.

    Raises: Unavailable where it can neither be compiled nor loaded.
    """
    if sys.platform == "win32":
        raise Unavailable("compiling at first use needs a POSIX system")
    made_from = "\0".join((source, *FLAGS, sys.platform, platform.machine()))
    stem = f"{name}-{_digest(made_from.encode())}"
    try:
        return _cached(_cache_folder(), stem, source), ""
    except OSError as error:
        note = f"compiled for this process only: {error}"
    try:
        with tempfile.TemporaryDirectory(prefix="bloomery-") as folder:
            return ctypes.CDLL(str(_compile(source, Path(folder), stem))), note
    except OSError as error:
        raise Unavailable(f"the compiled library does not load: {error}") from error


def _digest(data: bytes) -> str:
    return sha256(data).hexdigest()[:16]


def _cache_folder() -> Path:
    """Made if need be; an OSError where it is not ours alone."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    try:
        base = Path(named) if Path(named).is_absolute() else Path.home() / ".cache"
    except RuntimeError as error:  # no home
        raise OSError(f"no cache folder: {error}") from error
    folder = base / "bloomery" / "kernels"
    for path in (base, folder.parent, folder):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = folder.resolve()
    _check_ours(folder)
    for above in folder.parents:
        _check_kept(above)
    return folder


def _check_kept(above: Path) -> None:
    """Nobody else but root can replace what is ours in it."""
    found = above.stat()
    if found.st_uid not in (os.geteuid(), 0):
        raise PermissionError(f"{above} belongs to another user")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not found.st_mode & stat.S_ISVTX:
        raise PermissionError(f"others can replace what is in {above}")


def _check_ours(path: Path) -> None:
    found = path.lstat()
    if found.st_uid != os.geteuid():
        raise PermissionError(f"{path} belongs to another user")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError(f"others can write {path}")


def _cached(folder: Path, stem: str, source: str) -> ctypes.CDLL:
    for path in sorted(folder.glob(f"{stem}-*.so")):
        _check_ours(path)
        if path.stem == f"{stem}-{_digest(path.read_bytes())}":
            return ctypes.CDLL(str(path))
        path.unlink(missing_ok=True)
    return ctypes.CDLL(str(_compile(source, folder, stem)))


def _compile(source: str, folder: Path, stem: str) -> Path:
    """Writes the whole library under its final name, or nothing."""
    handle, name = tempfile.mkstemp(suffix=".part", dir=folder)
    os.close(handle)
    part = Path(name)
    try:
        _run_compiler(source, part)
        part.chmod(0o700)
        return part.rename(folder / f"{stem}-{_digest(part.read_bytes())}.so")
    finally:
        part.unlink(missing_ok=True)


def _run_compiler(source: str, output: Path) -> None:
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        raise Unavailable(f"no C compiler ({', '.join(COMPILERS)}) on PATH")
    command = [compiler, *FLAGS, "-x", "c", "-", "-o", str(output)]
    try:
        subprocess.run(command, input=source, text=True, capture_output=True, check=True, timeout=LIMIT_S)
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"{compiler} took more than {LIMIT_S} s") from error
    except subprocess.CalledProcessError as error:
        lines = error.stderr.splitlines()
        said = next((line for line in lines if "error" in line), " ".join(lines) or "it said nothing")
        raise Unavailable(f"{compiler} failed with exit code {error.returncode}: {said}") from error
