"""Which terminals of a language's grammar the tokens of a vocabulary stand for."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence

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
        self._completer = Completer(self.grammar)

    def _set(self, token: int) -> int:
        entry = self.tokenizer.vocabulary.entry(token)
        if isinstance(entry, str):
            return self.wild if entry == MASK else self._bits([PAD])
        if isinstance(entry, Form):
            sample = Item(entry.shape, entry.before + ("x" if entry.shape == "word" else "") + entry.after)
            return self._bits(OPEN + name for name in terminals_of(sample, self.language))
        return self._bits(terminals_of(entry, self.language))

    def _bits(self, names: Iterable[str]) -> int:
        return self.grammar.bits(name for name in names if name in self.grammar.index)

    def canvas(self, tokens: Sequence[int]) -> list[int]:
        return [self.sets[token] for token in tokens]

    def completable(self, tokens: Sequence[int]) -> bool:
        return self.spelled_well(tokens) and self._completer.completable(self.canvas(tokens))

    def admissible(self, tokens: Sequence[int]) -> npt.NDArray[np.bool_]:
        """Shapes: (positions, vocabulary); the tokens that some completion has there."""
        found = self._completer.admissible(self.canvas(tokens))
        rows = {bits: self._row(bits) for bits in set(found)}
        return np.stack([rows[bits] for bits in found]) if found else np.zeros((0, len(self.sets)), bool)

    def _row(self, bits: int) -> npt.NDArray[np.bool_]:
        names = [at for at in range(len(self.grammar.terminals)) if bits >> at & 1]
        return np.asarray(self._table[:, names].any(axis=1))

    @functools.cached_property
    def _table(self) -> npt.NDArray[np.bool_]:
        """Shapes: (vocabulary, terminals)."""
        found = np.zeros((len(self.sets), len(self.grammar.terminals)), bool)
        for token, bits in enumerate(self.sets):
            if token != self.mask:
                found[token] = [bits >> at & 1 for at in range(found.shape[1])]
        return found

    def commit(
        self, tokens: Sequence[int], proposals: Sequence[tuple[int, int]]
    ) -> tuple[list[int], Committed]:
        """The tokens with as many proposals (position, token), the surest first, as fit together."""
        spelled, refused, found = list(tokens), list[int](), list(tokens)
        for at, (position, token) in enumerate(proposals):
            before, spelled[position] = spelled[position], token
            if not self.spelled_well(spelled):
                spelled[position] = before
                refused.append(at)
        left = [at for at in range(len(proposals)) if at not in refused]
        sets = [(proposals[at][0], self.sets[proposals[at][1]]) for at in left]
        canvas, kept, unfit = self._completer.commit(self.canvas(tokens), sets)
        for each in kept:
            found[proposals[left[each]][0]] = proposals[left[each]][1]
        refused += [left[each] for each in unfit]
        return found, Committed(canvas, [left[each] for each in kept], sorted(refused))

    def spelled_well(self, tokens: Sequence[int]) -> bool:
        """Whether all lexemes that are spelled to their end are lexemes of their kind."""
        return all(_is_one(item, self.language) for item in self._spelled(tokens))

    def _spelled(self, tokens: Sequence[int]) -> list[Item]:
        vocabulary, found, opened = self.tokenizer.vocabulary, list[Item](), -1
        for at in range(len(tokens) + 1):
            if at < len(tokens) and tokens[at] >= vocabulary.first_piece:
                continue
            is_over = at == len(tokens) or tokens[at] != self.mask
            if opened >= 0 and is_over and isinstance(vocabulary.entry(tokens[opened]), Form):
                found += self.tokenizer.items(tokens[opened:at])
            opened = at
        return found


_LAYOUT = frozenset({"space", "edge", "line", "nl", "indent"})


@functools.lru_cache(maxsize=2**14)
def _is_one(item: Item, language: str) -> bool:
    if item.shape in _LAYOUT:
        return bool(terminals_of(item, language)) and (
            item.shape not in {"line", "nl"} or not item.text[1:].strip()
        )
    known = lexicon(language)
    found, rest = lexed(item.text, known)
    is_word = item.shape == "word" and item.text in known.words
    return len(found) == 1 and not rest and tuple(found[0][:2]) == tuple(item) and not is_word
