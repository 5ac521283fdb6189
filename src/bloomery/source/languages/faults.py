"""What of a text is no part of its language, by line and column."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bloomery.core.errors import FormatRefused
from bloomery.source.languages.language import Language
from bloomery.source.languages.parsing import Position, Source, read

if TYPE_CHECKING:
    from tree_sitter import Node

_MOST_SHOWN = 40


@dataclass(frozen=True)
class Fault:
    """From `start` to, without, `end`.

    `kind`: "error" for text that fits nowhere, "missing" for a token that is not there, "refused" for what
    only the language's own parser refuses, "unreadable" for a file that is no text.
    """

    kind: Literal["error", "missing", "refused", "unreadable"]
    start: Position
    end: Position
    message: str

    def __str__(self) -> str:
        return f"{self.start.line}:{self.start.column}: {self.message}"


def faults(source: Source) -> tuple[Fault, ...]:
    """None, one or many; in the order of the text.

    Where the language's own parser is at hand (Python) it has the last word: what it takes has no faults. The
    grammars of the others take a little more than the languages do, such as `class {}` in JavaScript.
    """
    own_parser = source.language.own_parser
    refusal = own_parser(source.text) if own_parser else None
    if own_parser and not refusal:
        return ()
    found = tuple(_faults(source))
    if refusal and not found:
        start = Position(refusal.line, refusal.column)
        return (Fault("refused", start, start, refusal.why),)
    return found


def diagnose(path: Path, language: Language | None = None) -> tuple[Fault, ...]:
    """The faults of a file, of one that cannot be read as text, too.

    Raises: MissingFile; UnknownName for its suffix; CapabilityMissing without the grammar.
    """
    try:
        return faults(read(path, language))
    except FormatRefused as refused:
        place = str(refused).removeprefix(f"{path}:").partition(":")[0]
        start = Position(int(place) if place.isdecimal() else 1, 1)
        return (Fault("unreadable", start, start, str(refused)),)


def _faults(source: Source) -> list[Fault]:
    found = []
    waiting = [source.root]
    while waiting:
        node = waiting.pop()
        if node.is_missing or node.is_error:
            found.append(_fault(source, node))
        elif node.has_error:
            waiting += reversed(node.children)
    return found


def _fault(source: Source, node: Node) -> Fault:
    start, end = source.position(node.start_byte), source.position(node.end_byte)
    if node.is_missing:
        return Fault("missing", start, end, f"expected {node.type}")
    text = source.text_of(node).strip().partition("\n")[0]
    shown = text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "..."
    return Fault("error", start, end, f"unexpected {shown!r}")
