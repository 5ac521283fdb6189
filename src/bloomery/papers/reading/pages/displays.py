"""Numbered displays: the number stands alone at its column's right edge, the formula to its left.

Baselines tell subscripts and superscripts. Fractions, limits and several lines are kept, in an order that
may not be theirs: then the confidence is low, with the reason.
"""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bloomery.papers.reading.pages.columns import Column
from bloomery.papers.reading.pages.glyphs import UNKNOWN, Glyph
from bloomery.papers.reading.pages.lines import Run
from bloomery.papers.reading.pages.scripts import scripted

_NUMBER = re.compile(
    r"\(\s*((?:[A-Z]{1,2}\.?)?\d{1,3}(?:\.\d+)*[a-z]?['′*]*|(?:[A-Z]\.)+\d+[a-z]?|[A-Za-z]{1,3}['′*]*|[*∗⋆†‡]+)\s*\)"
)
_AT_EDGE = 3.0  # points


@dataclass(frozen=True)
class Display:
    number: str
    text: str
    reasons: tuple[str, ...]
    column: int
    y: float
    glyphs: frozenset[Glyph]  # its own and its number's


@dataclass(frozen=True)
class _Number:
    number: str
    run: Run
    column: int
    is_at_edge: bool


def displays(runs: Sequence[Run], glyphs: Sequence[Glyph], places: Sequence[Column]) -> list[Display]:
    """From the top down, column by column."""
    numbers = [number for run in runs if (number := _number(run, runs, places)) is not None]
    found = [_display(number, numbers, runs, glyphs, places) for number in numbers]
    return sorted((one for one in found if one is not None), key=lambda one: (one.column, -one.y))


def is_number(run: Run) -> bool:
    """Whether a run, alone as it stands, looks like the number of an equation."""
    return len(run.glyphs) < 15 and _NUMBER.fullmatch(_compact(run)) is not None


def _compact(run: Run) -> str:
    return "".join(glyph.text for glyph in run.glyphs)


def _number(run: Run, runs: Sequence[Run], places: Sequence[Column]) -> _Number | None:
    if not is_number(run):
        return None
    number = _compact(run)[1:-1].replace("′", "'").replace("∗", "*")
    edge = next((at for at, column in enumerate(places) if abs(run.x1 - column.right) < _AT_EDGE), None)
    if edge is not None:
        return _Number(number, run, edge, True)
    if places:
        return None
    is_last = all(other.x1 <= run.x1 for other in runs if abs(other.y - run.y) < run.size)
    return _Number(number, run, 0, False) if is_last else None


def _display(
    number: _Number,
    numbers: Sequence[_Number],
    runs: Sequence[Run],
    glyphs: Sequence[Glyph],
    places: Sequence[Column],
) -> Display | None:
    run = number.run
    left = places[number.column].left if places else 0.0
    others = [one.run.y for one in numbers if one.column == number.column and one is not number]
    here = [one for one in runs if left - 2 <= one.x0 and one.x1 < run.x0]
    in_column = [one for one in runs if left - 2 <= one.x0 and one.x1 < run.x1 + _AT_EDGE]
    prose = [one.y for one in in_column if _is_text(one, left)]
    if any(one.is_prose and one.y in prose and abs(one.y - run.y) < 1 for one in in_column):
        return None  # a number at the end of a line of text
    here = [one for one in here if one.y not in prose and not _is_script_of(one, prose, run)]
    lines = _lines_of(run, here, others, prose)
    taken = [glyph for one in lines for glyph in one.glyphs]
    if not taken:
        return None
    top, bottom = max(one.y + one.size for one in lines), min(one.y - 0.4 * one.size for one in lines)
    tall = [one for one in glyphs if one.is_tall and left - 3 <= one.x0 and one.x1 < run.x0]
    inside = [one for one in tall if _crosses(one, run, bottom, top)]
    text, reasons = _linear([*taken, *inside], run)
    if not number.is_at_edge:
        reasons = (*reasons, "the right edge of the column is not known")
    own = frozenset((*taken, *inside, *run.glyphs))
    return Display(number.number, text, reasons, number.column, run.y, own)


def _is_text(run: Run, left: float) -> bool:
    """Text begins at the column's edge, a paragraph a little to its right; displays do neither."""
    is_indented = run.x0 - left < 2.5 * run.size and run.is_prose and len(run.glyphs) > 4
    return abs(run.x0 - left) < 1.0 or is_indented


def _is_script_of(run: Run, prose: Sequence[float], number: Run) -> bool:
    """Whether small glyphs belong to a line of text."""
    reach = 0.6 * number.size
    is_small = run.size < 0.85 * number.size and abs(run.y - number.y) > reach
    return is_small and any(abs(run.y - y) < reach for y in prose)


def _crosses(glyph: Glyph, run: Run, bottom: float, top: float) -> bool:
    middle = (glyph.low + glyph.high) / 2
    return bottom <= middle <= top or abs(middle - run.y) < 1.2 * run.size


def _lines_of(number: Run, here: Sequence[Run], others: Sequence[float], prose: Sequence[float]) -> list[Run]:
    """The line of the number and those close to it, but for what another number or a text is nearer to."""
    found = [one for one in here if abs(one.y - number.y) <= 1.15 * number.size]
    if not found:
        found = [one for one in here if 0 < one.y - number.y <= 2 * number.size]
    reach = 2.0 * number.size
    while True:
        top, bottom = max((r.y for r in found), default=number.y), min((r.y for r in found), default=number.y)
        more = [one for one in here if one not in found and bottom - reach <= one.y <= top + reach]
        more = [one for one in more if _belongs(one, number, others, prose)]
        if not more:
            return [one for one in found if _belongs(one, number, others, prose)]
        found += more


def _belongs(run: Run, number: Run, others: Sequence[float], prose: Sequence[float]) -> bool:
    """Lines that carry no number go with the next number below, as the lines of a broken formula do."""
    distance = abs(run.y - number.y)
    if distance > 1.2 * number.size and any(min(run.y, number.y) < y < max(run.y, number.y) for y in prose):
        return False
    nearest = min((abs(run.y - other) for other in others), default=float("inf"))
    if distance <= 1.2 * number.size:
        return distance <= nearest
    if nearest <= 1.2 * number.size:
        return False
    between = [y for y in others if min(run.y, number.y) < y < max(run.y, number.y)]
    next_below = max((y for y in (*others, number.y) if y < run.y), default=None)
    return not between and (
        next_below == number.y or next_below is None or next_below < run.y - 4 * number.size
    )


def _linear(glyphs: Sequence[Glyph], number: Run) -> tuple[str, tuple[str, ...]]:
    """The glyphs as one line of text, and why it may not be what is printed."""
    size = max(glyph.size for glyph in glyphs if not glyph.is_tall)
    full = [glyph for glyph in glyphs if glyph.size > 0.85 * size and not glyph.is_tall]
    baselines: list[float] = []
    for glyph in sorted(full, key=lambda glyph: -glyph.y):
        if not baselines or baselines[-1] - glyph.y > 0.25 * size:
            baselines.append(glyph.y)
    reasons = []
    steps = [a - b for a, b in itertools.pairwise(baselines)]
    if any(step > 1.1 * size for step in steps):
        reasons.append("it stands on several lines, whose order and end are not certain")
    if any(step <= 1.1 * size for step in steps) or any(
        glyph.is_tall or _over(glyph, full) for glyph in glyphs
    ):
        reasons.append("parts are stacked (a fraction, limits, tall brackets): their order is not certain")
    text = _scripted(glyphs, baselines, size)
    if re.search(r"(?:^|[=+\-−(≤≥<>]\s*)[_^]\{", text):
        reasons.append("small glyphs follow no symbol: a fraction may be among them")
    if any(glyph.text == UNKNOWN for glyph in glyphs):
        reasons.append("some of its glyphs have no known character")
    if abs(min(baselines, key=lambda y: abs(y - number.y)) - number.y) > 0.25 * size and len(baselines) == 1:
        reasons.append("its number is not on its line")
    return text, tuple(reasons)


def _over(glyph: Glyph, full: Sequence[Glyph]) -> bool:
    """Whether it stands above or below one of full size: an accent, the limit of a maximum."""
    wide = 0.5 * (glyph.x1 - glyph.x0)
    return any(one is not glyph and min(glyph.x1, one.x1) - max(glyph.x0, one.x0) > wide for one in full)


def _scripted(glyphs: Sequence[Glyph], baselines: Sequence[float], size: float) -> str:
    """Line by line, from the top."""
    lines: dict[float, list[Glyph]] = {y: [] for y in baselines}
    for glyph in glyphs:
        y = (glyph.low + glyph.high) / 2 - 0.25 * size if glyph.is_tall else glyph.y
        lines[min(baselines, key=lambda base: abs(base - y))].append(glyph)
    return " ; ".join(filter(None, (_formula(lines[y], y, size) for y in baselines)))


def _formula(glyphs: Sequence[Glyph], baseline: float, size: float) -> str:
    return re.sub(r"\s*[.,;]?$", "", scripted(glyphs, baseline, size)).strip()
