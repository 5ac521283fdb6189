"""Brackets and quotes put in, taken out or replaced: they change how all that follows them is laid out."""

from collections.abc import Iterator
from dataclasses import replace

from bloomery.diffusion.code.lexemes.lexing import fuse
from bloomery.diffusion.code.mending.proposing import (
    NAMES,
    REACH,
    Change,
    Draft,
    Edit,
    Kind,
    characters,
    filled,
    place,
    shown,
)
from bloomery.diffusion.code.mending.reading import Reading

_BRACKETS = ("(", ")", "[", "]", "{", "}")


def by_text(reading: Reading, stop: int) -> Iterator[tuple[str, Edit]]:
    """Edits of the text itself, with the text after each."""
    last = min(reading.lexeme_at[stop], len(reading.lexemes))
    for at in range(last, max(last - REACH, -1), -1):
        yield from _brackets(reading, at)
    for at, lexeme in enumerate(reading.lexemes):
        if lexeme.shape == "error":
            yield from _quotes(reading, at)


def _brackets(reading: Reading, at: int) -> Iterator[tuple[str, Edit]]:
    lexeme = reading.lexemes[at] if at < len(reading.lexemes) else None
    for bracket in _BRACKETS:
        if lexeme is not None and lexeme.text != bracket:
            yield _spliced(reading, "replace", at, bracket)
        yield _spliced(reading, "insert", at, bracket)
    if lexeme is not None and lexeme.text in _BRACKETS:
        yield _spliced(reading, "delete", at, "")
        yield from _in_place_of_bracket(reading, at)


def _in_place_of_bracket(reading: Reading, at: int) -> Iterator[tuple[str, Edit]]:
    """What else may stand where a bracket does, once the lines after it are no longer in it."""
    raw, edit = _spliced(reading, "delete", at, "")
    other = Reading(raw, reading.language)
    place_of = other.item_of(at)
    slots = (*other.items[:place_of], None, *other.items[place_of:])
    viable, accepted = other.viable(slots)
    if accepted:
        draft = Draft(slots, (Change("insert", place_of, None),), len(slots) - viable, accepted)
        for items in filled(other, draft, NAMES):
            yield other.text(items), replace(edit, kind="replace", after=shown(items[place_of]))


def _spliced(reading: Reading, kind: Kind, at: int, after: str) -> tuple[str, Edit]:
    """What closes is put after the lexeme before, a block's end on a line of its own; what opens before the
    next. Nothing runs together that was apart."""
    raw, start, lead, shape = reading.raw, reading.offsets[at], "", ""
    before = "" if kind == "insert" else reading.lexemes[at].text
    if kind == "insert" and after in {")", "]", "}"} and at:
        start = reading.offsets[at - 1] + len(reading.lexemes[at - 1].text)
        if after == "}" and "\n" in raw[start : reading.offsets[at]] + "\n" * (at == len(reading.lexemes)):
            lead = reading.style.eol + _margin(raw, start).removesuffix(reading.style.unit)
    if kind != "insert":
        shape = reading.lexemes[at].shape
    stop = start + len(before)
    if kind == "delete" and at and fuse(raw[:start], raw[stop:], reading.lexicon):
        lead = " "
    line, column = place(raw, start)
    edit = Edit(kind, line, column, characters(before), after, shape)
    return raw[:start] + lead + after + raw[stop:], edit


def _margin(raw: str, offset: int) -> str:
    line = raw[raw.rfind("\n", 0, offset) + 1 : offset]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _quotes(reading: Reading, at: int) -> Iterator[tuple[str, Edit]]:
    """A quote that nothing closes: closed after each lexeme of its line, or taken out."""
    raw, start = reading.raw, reading.offsets[at]
    quote = raw[start : start + 1]
    if quote not in {'"', "'", "`"}:
        return
    stop = raw.find("\n", start)
    line_end = len(raw) if stop < 0 else stop
    for next_at in range(at, len(reading.lexemes)):
        end = reading.offsets[next_at] + len(reading.lexemes[next_at].text)
        if reading.offsets[next_at] >= line_end or end > line_end:
            break
        yield raw[:end] + quote + raw[end:], Edit("insert", *place(raw, end), "", quote)
    yield raw[:start] + raw[start + 1 :], Edit("delete", *place(raw, start), quote, "", "error")
