"""Places in a text that are to be filled."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from bloomery.core.errors import UserError
from bloomery.source.languages.faults import faults
from bloomery.source.languages.language import Language
from bloomery.source.languages.parsing import MOST_BYTES, Source, nodes, parse
from bloomery.source.languages.symbols import definition


class Hole(NamedTuple):
    """The characters from `start` to, without, `stop`."""

    start: int
    stop: int


def holes(source: Source, kinds: Collection[str]) -> Iterator[Hole]:
    """One for each node of these kinds of the grammar, in the order of the text."""
    for node in nodes(source.root):
        if node.is_named and node.type in kinds and not node.is_missing:
            yield Hole(source.offset(node.start_byte), source.offset(node.end_byte))


def body_hole(source: Source, name: str) -> Hole:
    """The body of a function or class, from its first statement or brace to its end.

    Raises: UnknownName; UserError where it has none, or where several have the name.
    """
    symbol, node = definition(source, name)
    body = node.child_by_field_name("body") or node.child_by_field_name("type")
    if body is None:
        raise UserError(f"{source.path}:{symbol.line}: {name} has no body")
    return Hole(source.offset(body.start_byte), source.offset(body.end_byte))


def marked_hole(text: str, mark: str) -> tuple[str, Hole]:
    """The text without the mark, and the empty hole where it stood.

    Raises: UserError where the mark does not stand there exactly once.
    """
    if not mark or text.count(mark) != 1:
        raise UserError(f"expected the mark {mark!r} once, found it {text.count(mark) if mark else 0} times")
    start = text.index(mark)
    return text.replace(mark, ""), Hole(start, start)


def cut(text: str, hole: Hole) -> tuple[str, str, str]:
    """What stands before, in and after the hole.

    Raises: UserError for a hole outside of the text.
    """
    if not 0 <= hole.start <= hole.stop <= len(text):
        raise UserError(f"a hole from {hole.start} to {hole.stop} in a text of {len(text)} characters")
    return text[: hole.start], text[hole.start : hole.stop], text[hole.stop :]


def filled(text: str, hole: Hole, filling: str) -> str:
    """The text with `filling` in the hole's place."""
    before, _, after = cut(text, hole)
    return before + filling + after


def fits(text: str, hole: Hole, filling: str, language: Language, *, most_bytes: int = MOST_BYTES) -> bool:
    """Whether the filled text has no faults."""
    return not faults(parse(filled(text, hole, filling), language, most_bytes=most_bytes))
