"""What of a page is text: its lines in reading order, column by column."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bloomery.papers.reading.pages.columns import Column, column_of
from bloomery.papers.reading.pages.glyphs import Glyph
from bloomery.papers.reading.pages.lines import Run, runs
from bloomery.papers.reading.pages.scripts import scripted

_BOLD = re.compile(r"Bold|bold|BX|Black|Heavy|Medi|Semibold|-B$")


@dataclass(frozen=True)
class Line:
    """`cells` are its parts between wide gaps."""

    column: int
    y: float
    x0: float
    x1: float
    size: float
    text: str
    cells: tuple[Run, ...]
    is_bold: bool


def lines(glyphs: Iterable[Glyph], places: Sequence[Column], body: float) -> list[Line]:
    """Small glyphs that stand by a line are its scripts; page numbers are left out."""
    found = runs(glyphs)
    full = [run for run in found if run.size > 0.85 * body or len(run.glyphs) > 8]
    rows: dict[tuple[int, float], list[Run]] = {}
    for run in full:
        column = column_of(places, run.x0, run.x1)
        same = [key for key in rows if key[0] == column and abs(key[1] - run.y) < 0.6]
        rows.setdefault(same[0] if same else (column, run.y), []).append(run)
    scripts = {key: [glyph for run in row for glyph in run.glyphs] for key, row in rows.items()}
    for run in found:
        column = column_of(places, run.x0, run.x1)
        near = [key for key in rows if key[0] == column and 0.6 < abs(key[1] - run.y) < 0.6 * body]
        if run not in full and near:
            scripts[_nearest(near, run.y)] += run.glyphs
    made = [_line(column, y, rows[column, y], scripts[column, y]) for column, y in rows]
    kept = [line for line in made if not re.fullmatch(r"[\divx]{1,4}", line.text)]
    return sorted(kept, key=lambda line: (line.column, -line.y))


def _nearest(keys: Sequence[tuple[int, float]], y: float) -> tuple[int, float]:
    return min(keys, key=lambda key: abs(key[1] - y))


def _line(column: int, y: float, row: list[Run], glyphs: list[Glyph]) -> Line:
    row = sorted(row, key=lambda run: run.x0)
    size = max(run.size for run in row)
    text = " ".join(scripted(glyphs, y, size).split())
    is_bold = all(_BOLD.search(glyph.font) for run in row for glyph in run.glyphs)
    return Line(column, y, row[0].x0, row[-1].x1, size, text, tuple(row), is_bold)
