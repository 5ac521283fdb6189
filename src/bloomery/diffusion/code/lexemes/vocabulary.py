"""The tokens: lexemes that come often in the user's files, the languages' signs and words, and pieces."""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from bloomery.core.errors import FormatRefused, UserError
from bloomery.diffusion.code.lexemes.arranging import Item
from bloomery.diffusion.code.lexemes.lexicons import LEXICONS
from bloomery.diffusion.code.lexemes.spacing import Spacing
from bloomery.diffusion.code.lexemes.spelling import FORMS, Form, Pieces, form_of

PAD, MASK, END = "<pad>", "<mask>", "<end>"
UNITS = ("\t", "  ", "    ", "        ", "   ")
CRLF = "<crlf>"
SPECIAL = (
    *(PAD, MASK, END),
    *(f"<{language}>" for language in LEXICONS),
    *(f"<indent {'tab' if unit == chr(9) else len(unit)}>" for unit in UNITS),
    CRLF,
)
LONGEST = 24  # characters of a lexeme that may get a token
PIECES_SHARE = 0.6
_NEVER_WHOLE = frozenset({"error", "block"})
_VERSION = 1


def _layout() -> list[Item]:
    found = [Item("newline", blank) for blank in ("0", "1", "2", "e")]
    found += [
        Item("dedent", ""),
        Item("space", ""),
        Item("space", " "),
        *(Item("line", blank) for blank in "012"),
    ]
    found += [Item("indent", unit) for unit in UNITS]
    modes = [f"{blank}{mode}" for blank in range(3) for mode in ("p", "s", "a", "-", "+", "++", "--")]
    return found + [Item(shape, mode) for shape in ("line", "nl") for mode in modes]


def _given() -> list[Item]:
    """What every vocabulary has."""
    signs = {sign for lexicon in LEXICONS.values() for sign in lexicon.signs}
    words = {word for lexicon in LEXICONS.values() for word in lexicon.words | lexicon.soft}
    return (
        _layout()
        + [Item("sign", sign) for sign in sorted(signs)]
        + [Item("word", word) for word in sorted(words)]
    )


@dataclass(frozen=True)
class Vocabulary:
    """Ids in this order: `SPECIAL`, opening tokens (`FORMS`), lexemes, pieces."""

    lexemes: tuple[Item, ...]
    pieces: Pieces
    spacing: Spacing

    @functools.cached_property
    def opening(self) -> dict[Form, int]:
        return {form: len(SPECIAL) + at for at, form in enumerate(FORMS)}

    @functools.cached_property
    def ids(self) -> dict[Item, int]:
        return {item: len(SPECIAL) + len(FORMS) + at for at, item in enumerate(self.lexemes)}

    @functools.cached_property
    def first_piece(self) -> int:
        return len(SPECIAL) + len(FORMS) + len(self.lexemes)

    def __len__(self) -> int:
        return self.first_piece + len(self.pieces.texts)

    def entry(self, token: int) -> str | Form | Item:
        """A special token's name, a form that is opened, a lexeme, or a piece as an item of that shape."""
        if not 0 <= token < len(self):
            raise UserError(f"token {token} is not in the vocabulary of {len(self)}")
        if token < len(SPECIAL):
            return SPECIAL[token]
        if token < len(SPECIAL) + len(FORMS):
            return FORMS[token - len(SPECIAL)]
        if token < self.first_piece:
            return self.lexemes[token - len(SPECIAL) - len(FORMS)]
        return Item("piece", self.pieces.texts[token - self.first_piece])

    def piece(self, token: int) -> str:
        """Raises: UserError for a token that is none."""
        entry = self.entry(token)
        if token < self.first_piece or not isinstance(entry, Item):
            raise UserError(f"token {token} is no piece")
        return entry.text

    def spelled(self, item: Item) -> list[int]:
        whole = self.ids.get(item)
        if whole is not None:
            return [whole]
        form = form_of(item)
        first = self.first_piece
        return [self.opening[form], *(first + piece for piece in self.pieces.of(form.inner(item.text)))]

    def saved(self) -> str:
        found = {"version": _VERSION, "lexemes": [list(item) for item in self.lexemes]}
        return json.dumps(
            found | {"spacing": self.spacing.saved(), "pieces": json.loads(self.pieces.saved())}
        )

    @classmethod
    def loaded(cls, text: str) -> Vocabulary:
        """Raises: FormatRefused."""
        try:
            found = json.loads(text)
            version = found["version"]
            lexemes = tuple(Item(*item) for item in found["lexemes"])
            spacing, pieces = Spacing.loaded(found["spacing"]), json.dumps(found["pieces"])
        except (ValueError, KeyError, TypeError) as error:
            raise FormatRefused(f"this is no vocabulary of lexemes: {error}") from None
        if version != _VERSION:
            raise FormatRefused(f"a vocabulary of version {version}; this program reads version {_VERSION}")
        return cls(lexemes, Pieces.loaded(pieces), spacing)


def chosen(items: Iterable[Item], spacing: Spacing, size: int) -> Vocabulary:
    """The vocabulary that spells the fewest tokens over these items, by a simple estimate.

    Raises: UserError where the size does not hold what every vocabulary has.
    """
    given = _given()
    least = len(SPECIAL) + len(FORMS) + len(given) + 256
    if size < least:
        raise UserError(f"a vocabulary of {size} tokens: bytes, signs and words need {least}")
    counts = Counter(items)
    room = int((size - least) * (1 - PIECES_SHARE))
    known = set(given)
    gains = {
        item: count * (1 + len(form_of(item).inner(item.text)) / 3)
        for item, count in counts.items()
        if item not in known and count > 1 and len(item.text) <= LONGEST and item.shape not in _NEVER_WHOLE
    }
    best = sorted(gains, key=lambda item: (-gains[item], item))[:room]
    known |= set(best)
    inners = (form_of(item).inner(item.text) for item in items if item not in known)
    pieces = Pieces.trained(inners, size - least - len(best) + 256)
    return Vocabulary((*given, *best), pieces, spacing)
