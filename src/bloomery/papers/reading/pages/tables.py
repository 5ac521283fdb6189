"""Tables by their captions: rows are lines of several cells, next to a line that says `Table 2`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bloomery.papers.reading.pages.prose import Line

_CAPTION = re.compile(r"Table\s+((?:[A-Z]\.?)?\d+(?:\.\d+)*)\s*[.:|]?\s*(.*)")
_CAPTION_LINES = 6


@dataclass(frozen=True)
class Printed:
    number: str
    caption: str
    cells: tuple[tuple[str, ...], ...]
    reasons: tuple[str, ...]
    y: float
    lines: frozenset[Line]


def tables(lines: Sequence[Line]) -> list[Printed]:
    """Of one column of a page, from the top down."""
    found: list[Printed] = []
    for index, line in enumerate(lines):
        match = _CAPTION.fullmatch(line.text)
        if match and not re.match(r"[a-z]", match[2]):
            table = _below(lines, index, match) or _above(lines, index, match)
            found += [table] if table else []
    return found


def _below(lines: Sequence[Line], index: int, match: re.Match[str]) -> Printed | None:
    end = index + 1
    while end < len(lines) and end - index < _CAPTION_LINES and len(lines[end].cells) < 2:
        end += 1
    if end < len(lines) and lines[index].y - lines[end].y > (end - index + 3) * 1.6 * lines[index].size:
        return None
    caption = " ".join([match[2], *(line.text for line in lines[index + 1 : end])])
    return _made(match, caption, [lines[index], *lines[index + 1 : end]], _rows(lines[end:]))


def _above(lines: Sequence[Line], index: int, match: re.Match[str]) -> Printed | None:
    return _made(match, match[2], [lines[index]], _rows(lines[:index][::-1])[::-1])


def _rows(lines: Sequence[Line]) -> list[Line]:
    """As long as lines have several cells and stand close."""
    rows: list[Line] = []
    for line in lines:
        if len(line.cells) < 2 or (rows and abs(rows[-1].y - line.y) > 3 * line.size):
            break
        rows.append(line)
    return rows


def _made(match: re.Match[str], caption: str, heading: list[Line], rows: list[Line]) -> Printed | None:
    if len(rows) < 2:
        return None
    widths = {len(row.cells) for row in rows}
    reasons = (
        () if len(widths) == 1 else ("its rows have different numbers of cells: columns may be shifted",)
    )
    cells = tuple(tuple(cell.text for cell in row.cells) for row in rows)
    own = frozenset((*heading, *rows))
    return Printed(match[1], " ".join(caption.split()), cells, reasons, heading[0].y, own)
