"""Glyphs as lines: what shares a baseline, cut where the gaps are wide."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bloomery.papers.reading.pages.glyphs import Glyph

_SAME_LINE = 0.6  # points
WIDE = 0.9  # of the size: no gap between words is wider


@dataclass(frozen=True)
class Run:
    """Glyphs of one baseline without a wide gap, from left to right."""

    glyphs: tuple[Glyph, ...]

    @property
    def x0(self) -> float:
        return self.glyphs[0].x0

    @property
    def x1(self) -> float:
        return self.glyphs[-1].x1

    @property
    def y(self) -> float:
        return self.glyphs[0].y

    @property
    def size(self) -> float:
        return max(glyph.size for glyph in self.glyphs)

    @property
    def text(self) -> str:
        return spaced(self.glyphs)

    @property
    def is_prose(self) -> bool:
        """Mostly words of three letters and more."""
        words = re.findall(r"[^\W\d_]{3,}", self.text)
        return sum(map(len, words)) > 0.5 * len(self.glyphs)


def spaced(glyphs: Sequence[Glyph]) -> str:
    """Their text, with a blank where there is a gap."""
    parts: list[str] = []
    for before, glyph in zip((None, *glyphs), glyphs, strict=False):
        if before is not None and glyph.x0 - before.x1 > 0.17 * max(glyph.size, before.size):
            parts.append(" ")
        parts.append(glyph.text)
    return "".join(parts)


def runs(glyphs: Iterable[Glyph]) -> list[Run]:
    """From the top down, from left to right; tall glyphs, whose baselines say nothing, are in none."""
    found: list[Run] = []
    for row in _rows(glyph for glyph in glyphs if not glyph.is_tall):
        part = [row[0]]
        for glyph in row[1:]:
            if glyph.x0 - part[-1].x1 > WIDE * max(glyph.size, part[-1].size):
                found.append(Run(tuple(part)))
                part = []
            part.append(glyph)
        found.append(Run(tuple(part)))
    return found


def body_size(glyphs: Iterable[Glyph]) -> float:
    """The size of most of the text."""
    sizes = Counter(round(glyph.size, 1) for glyph in glyphs)
    return max(sizes, key=lambda size: (sizes[size], size)) if sizes else 10.0


def _rows(glyphs: Iterable[Glyph]) -> list[list[Glyph]]:
    rows: list[list[Glyph]] = []
    for glyph in sorted(glyphs, key=lambda glyph: -glyph.y):
        if rows and rows[-1][0].y - glyph.y <= _SAME_LINE:
            rows[-1].append(glyph)
        else:
            rows.append([glyph])
    return [sorted(row, key=lambda glyph: (glyph.x0, glyph.x1)) for row in rows]
