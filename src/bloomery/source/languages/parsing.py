"""Texts parsed by the grammar of their language."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psutil

from bloomery.core.errors import CapabilityMissing, FormatRefused
from bloomery.source.languages.decoding import decode, read_bytes
from bloomery.source.languages.language import Language
from bloomery.source.languages.registry import language_of

if TYPE_CHECKING:
    import tree_sitter
    from tree_sitter import Node

MOST_BYTES = 2 * 2**20
MOST_MEMORY_BYTES = 512 * 2**20  # some grammars need memory that grows with the square of a hostile text
_CALLS_PER_LOOK = 16
_CHUNK_BYTES = 2**16


class Position(NamedTuple):
    """Line and column, both from 1, columns in characters."""

    line: int
    column: int


@dataclass(frozen=True)
class Source:
    """A text and its syntax tree; `data` is the text in UTF-8, which the tree's offsets count in."""

    language: Language
    text: str
    data: bytes
    tree: tree_sitter.Tree
    path: str

    @property
    def root(self) -> Node:
        return self.tree.root_node

    def text_of(self, node: Node) -> str:
        return self.data[node.start_byte : node.end_byte].decode()

    def position(self, byte: int) -> Position:
        """Where a byte offset is."""
        start = self.data.rfind(b"\n", 0, byte) + 1
        line = self.data.count(b"\n", 0, byte) + 1
        return Position(line, len(self.data[start:byte].decode("utf-8", "ignore")) + 1)

    def offset(self, byte: int) -> int:
        """The index in `text` of a byte offset."""
        return len(self.data[:byte].decode())


def read(path: Path, language: Language | None = None, *, most_bytes: int = MOST_BYTES) -> Source:
    """A file parsed, in the language of its suffix where none is given.

    Raises: MissingFile; UnknownName for a suffix; FormatRefused for one that is too large, binary or wrongly
    encoded; CapabilityMissing without the grammar.
    """
    language = language or language_of(path)
    return parse(decode(read_bytes(path, most_bytes), path, language), language, path=path)


def parse(text: str, language: Language, *, path: Path | str = "", most_bytes: int = MOST_BYTES) -> Source:
    """The tree of any text, with nodes for what is no part of the language (`faults` lists them).

    Raises: FormatRefused for a text that is too large, or that no UTF-8 file holds, or whose ambiguities take
    more than `MOST_MEMORY_BYTES`; CapabilityMissing.
    """
    name = str(path) or f"{language.name} text"
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        raise FormatRefused(f"{name}:{line}: {text[error.start]!r} is no character of UTF-8") from None
    if len(data) > most_bytes:
        raise FormatRefused(f"{name}: {len(data):,} bytes; at most {most_bytes:,} are parsed")
    return Source(language, text, data, _tree(data, language, name), str(path))


def nodes(root: Node) -> Iterator[Node]:
    """The node and all below it, in the order of the text, without recursion."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(node.children)


@functools.cache
def grammar(package: str, function: str) -> tree_sitter.Language:
    try:
        module, tree_sitter = importlib.import_module(package), importlib.import_module("tree_sitter")
    except ImportError:
        raise CapabilityMissing(f"parsing needs {package}: install bloomery[optimize]") from None
    return tree_sitter.Language(getattr(module, function)())


def _tree(data: bytes, language: Language, name: str) -> tree_sitter.Tree:
    known = grammar(*language.grammar)
    parser = importlib.import_module("tree_sitter").Parser(known)
    watch = _Watch()
    try:
        return parser.parse(
            lambda offset, point: data[offset : offset + _CHUNK_BYTES], progress_callback=watch.is_too_much
        )
    except ValueError:  # how the library says that the callback stopped it
        if not watch.stopped:
            raise
        raise FormatRefused(
            f"{name}: too ambiguous: parsing it takes more than {MOST_MEMORY_BYTES:,} bytes of memory"
        ) from None


class _Watch:
    """Stops a parser that takes too much memory."""

    def __init__(self) -> None:
        self.calls, self.stopped = 0, False
        self.process = psutil.Process()
        self.most = self.process.memory_info().rss + MOST_MEMORY_BYTES

    def is_too_much(self, _offset: int, _has_error: bool) -> bool:
        self.calls += 1
        if self.calls % _CALLS_PER_LOOK == 0:
            self.stopped = self.process.memory_info().rss > self.most
        return self.stopped
