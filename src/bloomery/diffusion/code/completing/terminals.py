"""Which terminals of a language's grammar the tokens of a vocabulary stand for."""

from __future__ import annotations

import codecs
import copy
import functools
import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from bloomery.diffusion.code.completing.canvas import Committed, Completer, wild
from bloomery.diffusion.code.completing.grammar import BLOCK_COMMENT, COMMENT, OPEN, PAD, PIECE
from bloomery.diffusion.code.completing.languages import GRAMMARS, grammar
from bloomery.diffusion.code.lexemes.arranging import Item
from bloomery.diffusion.code.lexemes.lexicons import Lexicon, lexicon
from bloomery.diffusion.code.lexemes.lexing import lexed
from bloomery.diffusion.code.lexemes.spelling import Form
from bloomery.diffusion.code.lexemes.tokenizer import LexemeTokenizer
from bloomery.diffusion.code.lexemes.vocabulary import MASK, SPECIAL

_INLINE = re.compile(r"(?:[ \t\f]|\\\r?\n)*")
_LAID_OUT = {"newline": "NEWLINE", "dedent": "DEDENT", "line": "LINE", "nl": "NL"}
_PLAIN = {"comment": COMMENT, "block": BLOCK_COMMENT, "number": "NUMBER", "regex": "REGEX", "piece": PIECE}


def terminals_of(item: Item, language: str) -> list[str]:
    """What an item may be in a program; nothing where it is in none."""
    shape, text = item
    known = lexicon(language)
    if shape in {"sign", "word"}:
        return [*_groups(language).get(text, ()), *_word_or_sign(text, known, shape)]
    if shape == "string":
        return [_string(text, language)]
    if shape == "template":
        ends = (
            ("_HEAD" if text.endswith("${") else "")
            if text.startswith("`")
            else ("_MIDDLE" if text.endswith("${") else "_TAIL")
        )
        return [f"TEMPLATE{ends}"]
    if shape in {"space", "edge"}:
        return [shape.upper()] if _INLINE.fullmatch(text) else []
    if shape == "indent":
        return ["INDENT"] if text and not text.strip(" \t") else []
    return [name for name in (_LAID_OUT.get(shape), _PLAIN.get(shape)) if name]


def _word_or_sign(text: str, known: Lexicon, shape: str) -> list[str]:
    if shape == "sign" or text in known.words:
        return [text]
    if text.startswith("#"):
        return []
    soft = [text] if text in known.soft else []
    return ["NAME", *(["CAPTURE"] if text != "_" else []), *soft]


def _string(text: str, language: str) -> str:
    if language == "python":
        prefix = re.match("[a-zA-Z]*", text)
        letters = prefix.group().lower() if prefix else ""
        return "BYTES" if "b" in letters else "FSTRING" if "f" in letters else "STRING"
    return "RUNE" if text.startswith("'") and language in {"java", "go"} else "STRING"


@functools.cache
def _groups(language: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for group, texts in GRAMMARS[language].groups.items():
        for text in texts.split():
            found[text] = (*found.get(text, ()), group)
    return found


class Constraint:
    """Canvases of a vocabulary's tokens in one language: what they may become, by token.

    What pieces spell is no part of a grammar: where all pieces of a lexeme are there, they are read again and
    must be one lexeme of its kind.
    """

    def __init__(
        self, tokenizer: LexemeTokenizer, language: str, *, trivia: bool = False, may_pad: bool = False
    ) -> None:
        self.tokenizer, self.language, self.grammar = tokenizer, language, grammar(language)
        self.mask = SPECIAL.index(MASK)
        self.wild = wild(self.grammar, trivia=trivia, may_pad=may_pad)
        self.sets = [self._set(token) for token in range(len(tokenizer))]
        self._distinct = list(dict.fromkeys(self.sets))
        numbers = {bits: at for at, bits in enumerate(self._distinct)}
        self._classes = np.array([numbers[bits] for bits in self.sets])
        self.before: list[int] = []
        self.after: list[int] = []
        self.limits: Mapping[int, int] = {}
        self._completer = Completer(self.grammar)

    def framed(
        self,
        before: Iterable[int] = (),
        after: Iterable[int] = (),
        limits: Mapping[int, int] | None = None,
    ) -> Constraint:
        """The same for canvases between sets of terminals, with what some positions may be at most."""
        found = self.again()
        found.before, found.after, found.limits = list(before), list(after), dict(limits or {})
        return found

    def again(self) -> Constraint:
        """The same for another canvas: what stays the same in one that changes is not read again."""
        found = copy.copy(self)
        found._completer = Completer(self.grammar)
        return found

    def _set(self, token: int) -> int:
        entry = self.tokenizer.vocabulary.entry(token)
        if isinstance(entry, str):
            return self.wild if entry == MASK else self._bits([PAD])
        if isinstance(entry, Form):
            sample = Item(entry.shape, entry.before + ("x" if entry.shape == "word" else "") + entry.after)
            names = [OPEN + name for name in terminals_of(sample, self.language)]
            return self._bits(names) if self._is_ours(sample) else 0
        return self._bits(terminals_of(entry, self.language)) if self._is_ours(entry) else 0

    def _is_ours(self, item: Item) -> bool:
        """Other languages have other strings and remarks, of the same shapes."""
        return item.shape not in _QUOTED or not item.text or _is_one(item, self.language)

    def _bits(self, names: Iterable[str]) -> int:
        return self.grammar.bits(name for name in names if name in self.grammar.index)

    def canvas(self, tokens: Sequence[int]) -> list[int]:
        """The sets of terminals of tokens with all that stands around them."""
        found = [self.sets[token] for token in tokens]
        for at, limit in self.limits.items():
            found[at] &= limit
        return [*self.before, *found, *self.after]

    def completable(self, tokens: Sequence[int]) -> bool:
        return self.spelled_well(tokens) and self._completer.completable(self.canvas(tokens))

    def admissible(self, tokens: Sequence[int]) -> npt.NDArray[np.bool_]:
        """Shapes: (positions, vocabulary); the tokens that some completion has there."""
        found = self._completer.admissible(self.canvas(tokens), len(self.before))[: len(tokens)]
        rows = {bits: self._row(bits) for bits in set(found)}
        return np.stack([rows[bits] for bits in found]) if found else np.zeros((0, len(self.sets)), bool)

    def admissible_at(self, tokens: Sequence[int], position: int) -> npt.NDArray[np.bool_]:
        """The tokens that some completion has at a position. Shapes: (vocabulary,)"""
        return self._row(self._completer.admissible(self.canvas(tokens), len(self.before) + position)[0])

    def _row(self, bits: int) -> npt.NDArray[np.bool_]:
        row = np.array([bool(each & bits) for each in self._distinct])[self._classes]
        row[self.mask] = False
        return row

    def alike(self, token: int) -> npt.NDArray[np.bool_]:
        """The tokens of the same terminals, which the grammar refuses where it refuses this one."""
        return np.asarray(self._classes == self._classes[token])

    def commit(
        self, tokens: Sequence[int], proposals: Sequence[tuple[int, int]]
    ) -> tuple[list[int], Committed]:
        """The tokens with as many proposals (position, token), the surest first, as fit together."""
        spelled, misspelled, found = list(tokens), list[int](), list(tokens)
        for at, (position, token) in enumerate(proposals):
            before, spelled[position] = spelled[position], token
            if not self.spelled_well(spelled, position):
                spelled[position] = before
                misspelled.append(at)
        left = [at for at in range(len(proposals)) if at not in misspelled]
        sets = [(len(self.before) + proposals[at][0], self.sets[proposals[at][1]]) for at in left]
        canvas, kept, unfit, _ = self._completer.commit(self.canvas(tokens), sets)
        for each in kept:
            found[proposals[left[each]][0]] = proposals[left[each]][1]
        refused = sorted(misspelled + [left[each] for each in unfit])
        return found, Committed(canvas, [left[each] for each in kept], refused, misspelled)

    def spelled_well(self, tokens: Sequence[int], position: int | None = None) -> bool:
        """Whether all lexemes that are spelled to their end are lexemes of their kind, and words may become
        words; with a position, those that a token there is a part of or ends.
        """
        opened = range(len(tokens)) if position is None else self._opened(tokens, position)
        return all(self._is_spelled_well(tokens, at) for at in opened)

    def _opened(self, tokens: Sequence[int], position: int) -> list[int]:
        """Where the lexemes may begin that a position is in or ends."""
        pieces, at = self.tokenizer.vocabulary.first_piece, position - 1
        while at > 0 and tokens[at] >= pieces:
            at -= 1
        return [at, position] if at >= 0 else [position]

    def _is_spelled_well(self, tokens: Sequence[int], at: int) -> bool:
        """True, too, where no lexeme is opened."""
        vocabulary, end = self.tokenizer.vocabulary, at + 1
        if not isinstance(vocabulary.entry(tokens[at]), Form):
            return True
        while end < len(tokens) and tokens[end] >= vocabulary.first_piece:
            end += 1
        (item,) = self.tokenizer.items(tokens[at:end])
        if end < len(tokens) and tokens[end] == self.mask:
            return _may_go_on(item)
        return _is_one(item, self.language)


_QUOTED = frozenset({"string", "comment", "block", "template"})
_LAYOUT = frozenset({"space", "edge", "line", "nl", "indent"})


@functools.lru_cache(maxsize=2**14)
def _is_one(item: Item, language: str) -> bool:
    if item.shape in _LAYOUT:
        return bool(terminals_of(item, language)) and (
            item.shape not in {"line", "nl"} or not item.text[1:].strip()
        )
    known = lexicon(language)
    if not item.text.isascii() and not _is_text(item):
        return False
    inside = "`${0" if item.shape == "template" and item.text.startswith("}") else ""
    found, rest = lexed(inside + item.text, known)
    found = found[2 if inside else 0 :]
    is_word = item.shape == "word" and item.text in known.words
    return len(found) == 1 and not rest and tuple(found[0][:2]) == tuple(item) and not is_word


def _is_text(item: Item) -> bool:
    """Whether bytes beyond ASCII are characters that may stand there."""
    try:
        text = item.text.encode("latin-1").decode()
    except UnicodeDecodeError:
        return False
    return item.shape != "word" or _is_name(text)


def _may_go_on(item: Item) -> bool:
    """Whether more pieces may make a text of it, and a name of a word."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(item.text.encode("latin-1"))
    except UnicodeDecodeError:
        return False
    return item.shape != "word" or not text.removeprefix("#") or _is_name(text)


def _is_name(text: str) -> bool:
    return text.removeprefix("#").replace("$", "_").isidentifier()
