"""Bytes of code to tokens and back, exactly, for any bytes.

tokens = <language> <indent ...> [<crlf>] lexemes
lexeme = one token, or an opening token of its kind and pieces
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bloomery.core.disk import write_atomically
from bloomery.core.errors import MissingFile
from bloomery.diffusion.code.lexemes.arranging import Item, Style, arrange
from bloomery.diffusion.code.lexemes.lexicons import LEXICONS, Lexicon, lexicon
from bloomery.diffusion.code.lexemes.rendering import rendered
from bloomery.diffusion.code.lexemes.spacing import Counts, Spacing
from bloomery.diffusion.code.lexemes.spelling import Form
from bloomery.diffusion.code.lexemes.vocabulary import CRLF, MASK, SPECIAL, UNITS, Vocabulary, chosen

FILE = "lexemes.json"
_MARGIN = re.compile(r"^([ \t]+)\S", re.MULTILINE)
_USUAL = {"python": "    ", "javascript": "  ", "typescript": "  ", "java": "    ", "go": "\t"}


class LexemeTokenizer:
    """Tokens of a vocabulary; `trained` makes one from the user's texts."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary

    def __len__(self) -> int:
        return len(self.vocabulary)

    @classmethod
    def trained(cls, texts: Iterable[tuple[bytes, str]], size: int = 8192) -> LexemeTokenizer:
        """From texts with the names of their languages.

        Raises: UserError for a size that is too small; UnknownName.
        """
        given = [(data.decode("latin-1"), lexicon(language)) for data, language in texts]
        counts = Counts()
        for text, known in given:
            arrange(text, known, Spacing(), style_of(text, known), counts)
        spacing = counts.spacing()
        items = [
            item for text, known in given for item in arrange(text, known, spacing, style_of(text, known))
        ]
        return cls(chosen(items, spacing, size))

    def encode(self, data: bytes, language: str) -> list[int]:
        """Raises: UnknownName."""
        known, text = lexicon(language), data.decode("latin-1")
        style = style_of(text, known)
        items = arrange(text, known, self.vocabulary.spacing, style)
        if rendered(items, known, self.vocabulary.spacing, style) != text:
            items = [Item("error", text)]  # bytes that no layout says: spelled as they are
        found, spelled, ids = header(known, style), self.vocabulary.spelled, self.vocabulary.ids
        for item in items:
            whole = ids.get(item)
            found += [whole] if whole is not None else spelled(item)
        return found

    def decode(self, tokens: Sequence[int], language: str | None = None) -> bytes:
        """The bytes of any tokens; of a row without its language's token, in the language given."""
        known, style = self.style(tokens, language)
        return rendered(self.items(tokens), known, self.vocabulary.spacing, style).encode("latin-1")

    def items(self, tokens: Sequence[int]) -> list[Item]:
        """Lexemes and layout without special tokens; spelled lexemes put together, masks as items."""
        return [item for item, _, _ in self.spans(tokens) if item.shape != "special"]

    def spans(self, tokens: Sequence[int]) -> Iterator[tuple[Item, int, int]]:
        """Each item with its first token and the one after its last; special tokens are items, too."""
        pieces, at = self.vocabulary.first_piece, 0
        while at < len(tokens):
            entry, since = self.vocabulary.entry(tokens[at]), at
            at += isinstance(entry, Form)
            while at < len(tokens) and tokens[at] >= pieces:
                at += 1
            if at > since:
                yield self._spelled(entry, tokens[since:at]), since, at
                continue
            at += 1
            yield (_special(entry) if isinstance(entry, str) else entry), since, at  # type: ignore[misc]

    def _spelled(self, entry: str | Form | Item, tokens: Sequence[int]) -> Item:
        form = entry if isinstance(entry, Form) else Form("error")
        inner = "".join(self.vocabulary.piece(token) for token in tokens[isinstance(entry, Form) :])
        return Item(form.shape, form.before + inner + form.after)

    def style(self, tokens: Sequence[int], language: str | None = None) -> tuple[Lexicon, Style]:
        """What the first tokens say of language, indentation and line ends; else the language's usual."""
        known = lexicon(language or "python")
        names = [SPECIAL[token] for token in tokens[:3] if token < len(SPECIAL)]
        for language in LEXICONS:
            if f"<{language}>" in names:
                known = lexicon(language)
        units = [UNITS[at] for at in range(len(UNITS)) if SPECIAL[_UNITS + at] in names]
        return known, Style(units[0] if units else _USUAL[known.language], "\r\n" if CRLF in names else "\n")

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / FILE, self.vocabulary.saved().encode())

    @classmethod
    def load(cls, folder: Path) -> LexemeTokenizer:
        """Raises: MissingFile; FormatRefused."""
        path = folder / FILE
        if not path.is_file():
            raise MissingFile(f"{folder} holds no {FILE}")
        return cls(Vocabulary.loaded(path.read_text(encoding="utf-8")))


_UNITS = len(SPECIAL) - 1 - len(UNITS)


def _special(name: str) -> Item:
    return Item("mask", "") if name == MASK else Item("special", name)


def header(known: Lexicon, style: Style) -> list[int]:
    """The tokens that say the language, its indentation and unusual line ends."""
    found = [SPECIAL.index(f"<{known.language}>"), _UNITS + UNITS.index(style.unit)]
    return [*found, SPECIAL.index(CRLF)] if style.eol == "\r\n" else found


def style_of(text: str, known: Lexicon) -> Style:
    """The unit by which most lines are indented more than the one before, and what the first ends with."""
    first = text.find("\n")
    eol = "\r\n" if first > 0 and text[first - 1] == "\r" else "\n"
    steps, before = Counter[str](), ""
    for margin in _MARGIN.findall(text[:20_000]):
        if margin.startswith(before) and margin[len(before) :] in UNITS:
            steps[margin[len(before) :]] += 1
        before = margin
    best = max(steps, key=lambda unit: (steps[unit], unit), default=_USUAL[known.language])
    return Style(best, eol)
