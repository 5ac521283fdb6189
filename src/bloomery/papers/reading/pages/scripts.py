"""Glyphs around a baseline as text: their height tells subscripts and superscripts."""

from collections.abc import Sequence

from bloomery.papers.reading.pages.glyphs import Glyph


def scripted(glyphs: Sequence[Glyph], baseline: float, size: float) -> str:
    """One line of text: small glyphs off the baseline become _{...} and ^{...}."""
    parts: list[str] = []
    level, before = "", None
    tall = [glyph for glyph in glyphs if glyph.is_tall]
    for glyph in sorted(glyphs, key=lambda glyph: _order(glyph, tall, size)):
        script = _script(glyph, baseline, size)
        if script != level:
            parts.append(("}" if level else "") + (f"{script}{{" if script else ""))
        if before is not None and not (script and level == "") and glyph.x0 - before.x1 > 0.17 * size:
            parts.append(" ")
        parts.append(glyph.text)
        level, before = script, glyph
    return "".join(parts) + ("}" if level else "")


def _order(glyph: Glyph, tall: Sequence[Glyph], size: float) -> tuple[float, int, float]:
    """From left to right; what stands below and above a sum follows it as a whole."""
    middle = (glyph.x0 + glyph.x1) / 2
    for one in tall:
        is_over = one is not glyph and one.x0 - size < middle < one.x1 + size and glyph.size < 0.85 * size
        if is_over and glyph.high <= one.low + 0.2 * size:
            return one.x0, 1, glyph.x0
        if is_over and glyph.low >= one.high - 0.2 * size:
            return one.x0, 2, glyph.x0
    return glyph.x0, 0, -glyph.y


def _script(glyph: Glyph, baseline: float, size: float) -> str:
    if glyph.size > 0.85 * size or glyph.is_tall or abs(glyph.y - baseline) < 0.08 * size:
        return ""
    return "^" if glyph.y > baseline else "_"
