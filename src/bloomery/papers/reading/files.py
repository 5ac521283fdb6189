"""The text files of a paper's sources: a folder, one file in it, or an archive as arXiv gives it.

Nothing is unpacked onto the disk. Limits are on what is read, not on what an archive says of itself.
"""

import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from bloomery.core.errors import FormatRefused, MissingFile

TEXT_SUFFIXES = (
    ".tex",
    ".ltx",
    ".sty",
    ".cls",
    ".bbl",
    ".bib",
    ".def",
    ".tikz",
    ".txt",
    ".html",
    ".xhtml",
    "",
)
FILE_BYTES = 16 * 2**20
TOTAL_BYTES = 512 * 2**20  # decompressed, figures included
ENTRIES = 10_000


class Files(Protocol):
    """Text files by their path below one root."""

    @property
    def name(self) -> str: ...

    def names(self) -> list[str]: ...

    def text(self, name: str) -> str | None: ...


@dataclass(frozen=True)
class Packed:
    """What an archive holds."""

    name: str
    contents: dict[str, bytes]

    def names(self) -> list[str]:
        return sorted(self.contents)

    def text(self, name: str) -> str | None:
        data = self.contents.get(_normal(name))
        return None if data is None else decoded(data)


@dataclass(frozen=True)
class Folder:
    """A folder; files outside of it do not exist, whatever a link says."""

    root: Path

    @property
    def name(self) -> str:
        return str(self.root)

    def names(self) -> list[str]:
        found = [path for path in self.root.rglob("*") if path.suffix in TEXT_SUFFIXES and path.is_file()]
        if len(found) > ENTRIES:
            raise FormatRefused(
                f"{self.root} holds {len(found)} files, at most {ENTRIES}: name the paper's own"
            )
        return sorted(path.relative_to(self.root).as_posix() for path in found)

    def text(self, name: str) -> str | None:
        try:
            path = (self.root / name).resolve()
            if not path.is_relative_to(self.root.resolve()) or not path.is_file():
                return None
        except (OSError, RuntimeError, ValueError):  # no name of a file, or links in a circle
            return None
        with path.open("rb") as file:
            return decoded(_bounded(file, FILE_BYTES, path))


def open_files(path: Path) -> Files:
    """Raises: MissingFile; FormatRefused for what is no sound archive, or is too large, or leads outside."""
    if path.is_dir():
        return Folder(path)
    if not path.is_file():
        raise MissingFile(f"no file or folder at {path}")
    if path.suffix in (".tex", ".ltx"):
        return Folder(path.parent)
    return unpacked(path.read_bytes(), str(path))


def unpacked(data: bytes, name: str) -> Packed:
    """A tar (compressed or not), a zip, or one gzipped TeX file."""
    try:
        if data[:4] == b"PK\x03\x04":
            return Packed(name, dict(_of_zip(data, name)))
        if data[:2] == b"\x1f\x8b" and not _is_tar(data):
            with _decompressing(data) as file:
                return Packed(name, {f"{_stem(name)}.tex": _bounded(file, FILE_BYTES, name)})
        return Packed(name, dict(_of_tar(data, name)))
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, zlib.error, RuntimeError) as error:
        raise FormatRefused(f"{name} is no sound tar, zip or gzip archive: {error}") from error


def decoded(data: bytes) -> str:
    """UTF-8, or Latin-1, in which old papers are written; without what TeX ignores."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")


def _of_tar(data: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=_Counted(data, name), mode="r|") as archive:
        for number, entry in enumerate(archive):
            _check_entry(entry.name, number, name)
            if entry.isreg() and _is_text(entry.name):
                file = archive.extractfile(entry)
                assert file is not None  # a regular file has one
                yield _normal(entry.name), _bounded(file, FILE_BYTES, f"{name}:{entry.name}")


def _of_zip(data: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        read = 0
        for number, entry in enumerate(archive.infolist()):
            _check_entry(entry.filename, number, name)
            if not entry.is_dir() and _is_text(entry.filename):
                with archive.open(entry) as file:
                    content = _bounded(file, FILE_BYTES, f"{name}:{entry.filename}")
                read += len(content)
                _check_total(read, name)
                yield _normal(entry.filename), content


class _Counted(io.RawIOBase):
    """The decompressed stream of a tar, refused when it grows beyond the limit."""

    def __init__(self, data: bytes, name: str) -> None:
        self._file: IO[bytes] = _decompressing(data)
        self._read, self._name = 0, name

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._read += len(data)
        _check_total(self._read, self._name)
        return data


def _decompressing(data: bytes) -> IO[bytes]:
    if data[:2] == b"\x1f\x8b":
        return gzip.open(io.BytesIO(data))  # type: ignore[return-value]
    return io.BytesIO(data)


def _is_tar(data: bytes) -> bool:
    with _decompressing(data) as file:
        head = file.read(512)
    return head[257:262] == b"ustar" or (len(head) == 512 and _old_tar(head))


def _old_tar(head: bytes) -> bool:
    """Whether the checksum of a header without a magic word is right."""
    try:
        said = int(head[148:156].strip(b"\0 ") or b"x", 8)
    except ValueError:
        return False
    return said == sum(head[:148]) + 8 * 32 + sum(head[156:])


def _check_entry(entry: str, number: int, name: str) -> None:
    path = PurePosixPath(entry.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts:
        raise FormatRefused(f"{name} was tampered with: its entry {entry!r} leads outside of the archive")
    if number >= ENTRIES:
        raise FormatRefused(f"{name} holds more than {ENTRIES} entries: unpack the paper's own into a folder")


def _check_total(size: int, name: str) -> None:
    if size > TOTAL_BYTES:
        raise FormatRefused(f"{name} unpacks to more than {TOTAL_BYTES >> 20} MiB: give the TeX files alone")


def _bounded(file: IO[bytes], limit: int, name: str | Path) -> bytes:
    data = file.read(limit + 1)
    if len(data) > limit:
        raise FormatRefused(f"{name} is larger than {limit >> 20} MiB, which no text of a paper is")
    return data


def _is_text(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in TEXT_SUFFIXES


def _normal(name: str) -> str:
    return PurePosixPath(name).as_posix().removeprefix("./")


def _stem(name: str) -> str:
    return PurePosixPath(name).name.removesuffix(".gz").removesuffix(".tex") or "paper"
