"""Bytes of a file to text, or the reason why they are none."""

import codecs
import io
import tokenize
from pathlib import Path

from bloomery.core.errors import FormatRefused, MissingFile
from bloomery.source.languages.language import Language

_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


def read_bytes(path: Path, most_bytes: int) -> bytes:
    try:
        size = path.stat().st_size
        if size > most_bytes:
            raise FormatRefused(f"{path}: {size:,} bytes; at most {most_bytes:,} are parsed")
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise MissingFile(f"{path}: there is no such file") from None


def decode(data: bytes, path: Path, language: Language) -> str:
    """The text of UTF-8 bytes, with its line ends; for Python of the encoding that it declares.

    Raises: FormatRefused, with the line, for binary files and other encodings.
    """
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            raise FormatRefused(f"{path}: it is {encoding}: save it as UTF-8")
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise FormatRefused(f"{path}:{line}: a null byte: it is a binary file")
    encoding = _declared(data, path) if language.name == "python" else "utf-8"
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FormatRefused(f"{path}:{line}: byte {data[error.start]:#x} is not {encoding}") from None


def _declared(data: bytes, path: Path) -> str:
    try:
        return tokenize.detect_encoding(io.BytesIO(data).readline)[0].replace("utf-8-sig", "utf-8")
    except SyntaxError as error:
        raise FormatRefused(f"{path}:1: {error.msg}") from None
