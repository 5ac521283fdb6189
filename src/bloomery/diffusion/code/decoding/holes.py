"""Which part of a file is to be filled: lines, or lines and columns, as bytes."""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

from bloomery.core.errors import UserError

_LINES = re.compile(r"(\d+)(?::(\d+))?")
_PLACES = re.compile(r"(\d+):(\d+)-(\d+):(\d+)")
FORMS = (
    "`12` (a line), `12:20` (lines 12 to 20) or `12:5-12:20` (from line 12, column 5, to before column 20)"
)


class Hole(NamedTuple):
    """The bytes from `start` to, without, `stop`. `lead` is what must stand before what fills it."""

    start: int
    stop: int
    lead: bytes = b""


def hole_of(data: bytes, text: str) -> Hole:
    """The hole that a text names. Lines and columns count from 1, columns in characters.

    A hole of lines begins with the first code in them and ends with the last: indentation before it and blank
    lines around it stay. One of blank lines only is an insertion, indented as what comes next.

    Raises: UserError for what names no hole, or one outside of the file.
    """
    mark = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    found = _hole_of(data.removeprefix(mark).split(b"\n"), text)
    return found._replace(start=found.start + len(mark), stop=found.stop + len(mark))


def _hole_of(lines: list[bytes], text: str) -> Hole:
    if found := _PLACES.fullmatch(text.strip()):
        first, column, last, end = map(int, found.groups())
        _check(lines, text, first, last)
        start, stop = _offset(lines, first, column, text), _offset(lines, last, end, text)
        if stop < start:
            raise UserError(f"--hole {text} ends before it begins")
        return Hole(start, stop)
    found = _LINES.fullmatch(text.strip())
    if not found:
        raise UserError(f"--hole is {FORMS}; got '{text}'")
    first, last = int(found[1]), int(found[2] or found[1])
    _check(lines, text, first, last)
    return _of_lines(lines, first - 1, last)


def _check(lines: list[bytes], text: str, first: int, last: int) -> None:
    if last < first:
        raise UserError(f"--hole {text} ends before it begins")
    count = len(lines) - (not lines[-1])
    if not 1 <= first <= last <= max(count, 1):
        raise UserError(f"--hole {text} is outside of the file, which has {count} lines")


def _offset(lines: list[bytes], line: int, column: int, text: str) -> int:
    here = lines[line - 1].removesuffix(b"\r").decode("utf-8", "surrogateescape")
    if not 1 <= column <= len(here) + 1:
        raise UserError(f"--hole {text}: line {line} has {len(here)} columns")
    before = sum(len(each) + 1 for each in lines[: line - 1])
    return before + len(here[: column - 1].encode("utf-8", "surrogateescape"))


def _of_lines(lines: list[bytes], first: int, last: int) -> Hole:
    start = sum(len(each) + 1 for each in lines[:first])
    inside = b"\n".join(lines[first:last])
    code = inside.strip()
    if code:
        begin = start + inside.index(code)
        return Hole(begin, begin + len(code))
    margin = lines[first].removesuffix(b"\r")
    begin = start + len(margin)
    return Hole(begin, begin, b"" if margin else _margin(lines[last:]))


def _margin(lines: list[bytes]) -> bytes:
    """The indentation of the first line that is not blank."""
    line = next((line for line in lines if line.strip()), b"")
    return line[: len(line) - len(line.lstrip())]
