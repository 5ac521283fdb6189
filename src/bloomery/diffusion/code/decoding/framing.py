"""A file around a hole: the tokens to either side, what a hole may be there, and the file with it filled."""

from __future__ import annotations

import copy
import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bloomery.core.errors import FormatRefused, UserError
from bloomery.diffusion.code.completing.grammar import PAD, PIECE
from bloomery.diffusion.code.completing.shortening import shortened_after, shortened_before
from bloomery.diffusion.code.completing.terminals import Constraint, terminals_of
from bloomery.diffusion.code.lexemes.arranging import LAYOUT, Item, Style, arrange
from bloomery.diffusion.code.lexemes.lexicons import Lexicon, lexicon
from bloomery.diffusion.code.lexemes.lexing import fuse, lexed
from bloomery.diffusion.code.lexemes.rendering import Rendering, rendered
from bloomery.diffusion.code.lexemes.spacing import Page
from bloomery.diffusion.code.lexemes.tokenizer import LexemeTokenizer, header, style_of
from bloomery.diffusion.code.modelling.windows import PAD_ID
from bloomery.source.languages.decoding import decode
from bloomery.source.languages.faults import faults
from bloomery.source.languages.parsing import parse
from bloomery.source.languages.registry import language as known_language

from .holes import Hole
from .placing import CUT, RUNS_IN, cuts, stand_in, unmarked, unmarked_hole

_NO_MATTER = frozenset({"comment", "block", "space", "edge"})
_NEVER_FIRST = frozenset({PIECE, "INDENT", "DEDENT", "NEWLINE", "NL", "LINE"})


@dataclass(frozen=True)
class Frame:
    """A file without what stood in the hole. `left` and `right` are its items, `was` what stood there.

    A hole that ends a line of Python may open blocks; what closes them (`was_closing`) comes after the line's
    end, which is not the hole's.
    """

    tokenizer: LexemeTokenizer
    language: str
    data: bytes
    hole: Hole
    style: Style
    left: list[Item]
    right: list[Item]
    was: list[Item]
    was_closing: int

    @property
    def may_close(self) -> bool:
        return bool(self.right) and self.right[0].shape == "newline"

    @cached_property
    def _whole(self) -> Constraint:
        return _constraint(self.tokenizer, self.language)

    @cached_property
    def _around(self) -> tuple[list[int], list[int]]:
        before = shortened_before(self._cells(self.left), self.language)
        after = shortened_after(self._cells(self.right), self.language)
        if before is None or after is None:
            side = "before" if before is None else "after"
            raise UserError(
                f"the file does not parse {side} the hole, whatever fills it: mend it first, or move the hole"
            )
        return before, after

    def rule(self, count: int, closing: int = 0) -> Constraint:
        """Of canvases of `count` tokens in the hole's place: the file with them stays completable.

        closing: what closes blocks in it, or is nothing; those tokens stand after the end of the hole's line.

        Raises: UserError where the file parses with nothing in the hole's place.
        """
        (before, after), known = self._around, self._whole.grammar
        first = self._whole.wild & ~known.bits(name for name in _NEVER_FIRST if name in known.index)
        if not closing:
            return self._whole.framed(before, after, {0: first} if count else {})
        limits = dict.fromkeys(range(count + 1, count + 1 + closing), known.bits(["DEDENT", PAD]))
        return self._closing.framed(before, after[1:], {0: first, **limits})

    @cached_property
    def _closing(self) -> Constraint:
        return _constraint(self.tokenizer, self.language, may_pad=True)

    def _cells(self, items: Sequence[Item]) -> list[int]:
        known = self._whole.grammar
        names = [terminals_of(item, self.language) for item in items if item.shape not in _NO_MATTER]
        cells = [known.bits(name for name in each if name in known.index) for each in names]
        if items is self.right and cells and items[0].shape in {"nl", "line"}:  # what fills it decides
            cells[0] = known.bits(name for name in ("NL", "LINE") if name in known.index)
        return cells

    def tokens(self, items: Sequence[Item]) -> list[int]:
        vocabulary = self.tokenizer.vocabulary
        return [token for item in items for token in vocabulary.spelled(item)]

    @cached_property
    def header(self) -> list[int]:
        return header(lexicon(self.language), self.style)

    def filled(self, tokens: Sequence[int]) -> bytes:
        """The file with the hole filled: every byte outside of it is as it was."""
        return self.with_text(self._middle(self.tokenizer.items(_kept(tokens))).encode("latin-1"))

    def with_text(self, text: bytes) -> bytes:
        data, hole = self.data, self.hole
        return data[: hole.start] + hole.lead + text + data[hole.stop :]

    def _middle(self, items: list[Item]) -> str:
        """From the first lexeme of the hole to the last, apart from lexemes that they would run into."""
        rendering, known = self._forked(), lexicon(self.language)
        start, parts, stop = -1, rendering.page.parts, -1
        for item in items:
            rendering.take(item)
            if item.shape not in LAYOUT:
                start = len(parts) - 1 if start < 0 else start
                stop = len(parts)
        text = "".join(parts[start:stop]) if start >= 0 else ""
        return self._apart(text, items, known)

    def _apart(self, text: str, items: list[Item], known: Lexicon) -> str:
        lexemes = [item.text for item in items if item.shape not in LAYOUT]
        before, after = self.data[: self.hole.start] + self.hole.lead, self.data[self.hole.stop :]
        if lexemes and before[-1:].strip() and self._last and fuse(self._last, lexemes[0], known):
            text = f" {text}"
        if lexemes and after[:1].strip() and self._next and fuse(lexemes[-1], self._next, known):
            text = f"{text} "
        return text

    @property
    def _last(self) -> str:
        return next((item.text for item in reversed(self.left) if item.shape not in LAYOUT), "")

    @property
    def _next(self) -> str:
        return next((item.text for item in self.right if item.shape not in LAYOUT), "")

    @cached_property
    def _rendering(self) -> Rendering:
        spacing = self.tokenizer.vocabulary.spacing
        rendering = Rendering(Page(lexicon(self.language), spacing, self.style.unit, self.style.eol))
        for item in self.left:
            rendering.take(item)
        rendering.page.parts = rendering.page.parts[-1:]
        return rendering

    def _forked(self) -> Rendering:
        """The rendering of what stands before the hole, to go on from."""
        found = copy.copy(self._rendering)
        found.indents, found.page = list(found.indents), copy.copy(found.page)
        found.page.parts, found.page.brackets = list(found.page.parts), list(found.page.brackets)
        return found

    def accept(self, tokens: Sequence[int]) -> str:
        """Why these tokens in the hole make no file that is taken; nothing: they do."""
        data, inside = self.filled(tokens), self.tokenizer.items(_kept(tokens))
        if why := refusal(data, self.language):
            return why
        read, _ = lexed(unmarked(data), lexicon(self.language))
        meant = [item for item in (*self.left, *inside, *self.right) if item.shape not in LAYOUT]
        same = [(one.shape, one.text) for one in read] == [tuple(item) for item in meant]
        return "" if same else RUNS_IN


@functools.lru_cache(maxsize=8)
def _constraint(tokenizer: LexemeTokenizer, language: str, *, may_pad: bool = False) -> Constraint:
    """Which terminals each token stands for is found once."""
    return Constraint(tokenizer, language, may_pad=may_pad)


def refusal(data: bytes, language: str) -> str:
    """Why Python's own parser, or tree-sitter's grammar of a language, takes no such file, or nothing."""
    known = known_language(language)
    try:
        found = faults(parse(decode(data, Path("the filled file"), known), known))
    except FormatRefused as refused:
        return str(refused)
    return f"{found[0]}" if found else ""


def _kept(tokens: Sequence[int]) -> list[int]:
    return [token for token in tokens if token != PAD_ID]


def framed(tokenizer: LexemeTokenizer, data: bytes, hole: Hole, language: str) -> Frame:
    """The frame of a hole.

    Raises: UnknownName for the language; FormatRefused for what is no text; UserError for a hole with an edge
    inside of a lexeme.
    """
    known, text, inside = lexicon(language), unmarked(data), unmarked_hole(data, hole)
    decode(data, Path("the file"), known_language(language))
    spacing, style = tokenizer.vocabulary.spacing, style_of(text, known)
    name, whole = stand_in(text, inside)
    items = arrange(whole, known, spacing, style)
    places = [at for at, item in enumerate(items) if item == ("word", name)]
    is_same = rendered(items, known, spacing, style) == whole
    if len(places) != 1 or not is_same or cuts(text, inside, known):
        raise UserError(CUT)
    left, right = items[: places[0]], items[places[0] + 1 :]
    was = _was(left, right, arrange(text, known, spacing, style))
    return Frame(tokenizer, language, data, hole, style, left, right, *was)


def _was(left: list[Item], right: list[Item], whole: list[Item]) -> tuple[list[Item], int]:
    """What of the whole file's items stood in the hole, and how many closed its blocks after its line."""
    before, after = (sum(item.shape not in LAYOUT for item in items) for items in (left, right))
    places = [at for at, item in enumerate(whole) if item.shape not in LAYOUT]
    inside = places[before : len(places) - after]
    if not inside:
        return [], 0
    stop = inside[-1] + 1
    return whole[inside[0] : stop], max(_closed(whole[stop:]) - _closed(right), 0)


def _closed(items: list[Item]) -> int:
    """The blocks that are closed before the next lexeme."""
    layout = itertools.takewhile(lambda item: item.shape in LAYOUT, items)
    return sum(item.shape == "dedent" for item in layout)
