"""What a model learns from: a folder's files in the languages asked for, and what was left out, and why."""

import hashlib
import os
import re
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bloomery.core.errors import MissingFile, UnknownName, UserError
from bloomery.diffusion.code.lexemes.lexicons import LEXICONS
from bloomery.source.languages.registry import is_source, language_of

ALL = "all"
LARGEST = 1_000_000  # bytes of a file
LEAST_FILES, LEAST_BYTES = 3, 2_000
NOT_OURS = {
    *("node_modules", "bower_components", "vendor", "_vendor", "vendored", "third_party", "site-packages"),
    *("dist-packages", "__pycache__", "build", "dist", "target", "out", "generated"),
}
NOT_OF_THE_LIBRARY = frozenset({"test", "tests", "idle_test", "lib2to3"})
_GENERATED = re.compile(
    rb"^\W*(this (file|code|module) (is|was) )?((auto(matically )?-?)?generated\b)|@generated|\bdo not edit\b"
    rb"|\bgenerated from '",
    re.IGNORECASE | re.MULTILINE,
)
_HEAD = 600  # bytes in which a generated file says so


class File(NamedTuple):
    path: str  # relative to its folder
    language: str
    data: bytes


@dataclass(frozen=True)
class Gathered:
    """Files in the order of their paths; reasons with the paths that were left out for them."""

    files: tuple[File, ...]
    skipped: dict[str, tuple[str, ...]]


def languages_of(names: Sequence[str]) -> tuple[str, ...]:
    """The languages of these names, of `all` every one. Raises: UnknownName."""
    for name in names:
        if name != ALL and name not in LEXICONS:
            raise UnknownName("language", name, [*LEXICONS, ALL])
    return tuple(name for name in LEXICONS if name in names or ALL in names)


def gather(folder: Path, languages: Sequence[str], unwanted: frozenset[str] = frozenset()) -> Gathered:
    """The files of a folder and its folders; hidden, vendored and `unwanted` folders are not entered.

    Raises: MissingFile; UnknownName; UserError where nothing or too little is there to learn from.
    """
    known = languages_of(languages)
    if not folder.is_dir():
        raise MissingFile(f"no folder at {folder}: --data names the folder of a repository")
    files, skipped, seen = list[File](), dict[str, list[str]](), set[bytes]()
    for path, reason in _walk(folder, unwanted):
        name = path.relative_to(folder).as_posix()
        file = reason or _read(path, name, known)
        if isinstance(file, File) and file.data in seen:
            file = "the same as another file"
        if isinstance(file, str):
            skipped.setdefault(file, []).append(name)
            continue
        seen.add(file.data)
        files.append(file)
    found = Gathered(tuple(files), {reason: tuple(paths) for reason, paths in sorted(skipped.items())})
    _refuse_too_little(found, folder, known)
    return found


def standard_library() -> Gathered:
    """Python's own, without its tests."""
    return gather(Path(sysconfig.get_path("stdlib")), ["python"], NOT_OF_THE_LIBRARY)


def split(files: Sequence[File], share: float, seed: int = 0) -> tuple[list[File], list[File]]:
    """Files to learn from and files held out, about `share` of the bytes, at least one of each.

    Which ones depends on their paths and the seed, not on the other files' order.
    """
    if not 0 < share < 1:
        raise UserError(f"the share of held-out bytes is above 0 and below 1; got {share:g}")
    drawn = sorted(files, key=lambda file: hashlib.sha256(f"{seed}/{file.path}".encode()).digest())
    room, held = share * sum(len(file.data) for file in files), list[File]()
    for file in drawn:
        if len(file.data) <= 1.1 * room:
            held.append(file)
            room -= len(file.data)
    held = held or [min(drawn, key=lambda file: len(file.data))]
    names = {file.path for file in held}
    return [file for file in files if file.path not in names], sorted(held)


def _walk(folder: Path, unwanted: frozenset[str]) -> Iterator[tuple[Path, str]]:
    """Paths in order, each with the reason to leave it out, or none; a folder left out ends in /."""
    for root, folders, names in os.walk(folder):
        here = Path(root)
        for name in sorted(folders):
            reason = _folder_reason(here / name, unwanted)
            if reason:
                folders.remove(name)
                yield here / name, reason
        folders.sort()
        for name in sorted(names):
            yield here / name, "a link" if (here / name).is_symlink() else ""


def _folder_reason(folder: Path, unwanted: frozenset[str]) -> str:
    if folder.is_symlink():
        return "a link"
    if folder.name.startswith("."):
        return "a hidden folder"
    if folder.name in NOT_OURS or (folder / "pyvenv.cfg").is_file():
        return "a folder of generated or foreign code"
    return "a folder that was not wanted" if folder.name in unwanted else ""


def _read(path: Path, name: str, languages: Sequence[str]) -> File | str:
    """The file, or why it is left out."""
    language = language_of(path).name if is_source(path) else ""
    if language not in languages:
        return "of another language" if language else "no source file of a language we know"
    try:
        if not path.is_file():
            return "no regular file"
        if path.stat().st_size > LARGEST:
            return f"larger than {LARGEST:,} bytes"
        data = path.read_bytes()
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if b"\0" in data:
        return "binary"
    if not data.strip():
        return "empty"
    if path.name.endswith(".min.js") or _GENERATED.search(data[:_HEAD]):
        return "generated"
    return File(name, language, data)


def _refuse_too_little(found: Gathered, folder: Path, languages: Sequence[str]) -> None:
    size = sum(len(file.data) for file in found.files)
    if len(found.files) >= LEAST_FILES and size >= LEAST_BYTES:
        return
    why = "; ".join(f"{reason}: {len(paths)}" for reason, paths in found.skipped.items())
    left_out = f" (left out: {why})" if why else " (the folder is empty)" if not found.files else ""
    raise UserError(
        f"{folder} holds {len(found.files)} files and {size:,} bytes of {', '.join(languages)} to learn "
        f"from{left_out}; a model needs {LEAST_FILES} files and {LEAST_BYTES:,} bytes at least"
    )
