"""What the style of a file is: indentation, line ends, quotes, names, and how long its lines are."""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Literal

from bloomery.diffusion.code.lexemes.lexicons import lexicon
from bloomery.diffusion.code.lexemes.lexing import lexed
from bloomery.diffusion.code.lexemes.tokenizer import LexemeTokenizer
from bloomery.diffusion.code.lexemes.tokenizer import style_of as layout_of
from bloomery.source.languages.parsing import parse
from bloomery.source.languages.registry import language as known_language
from bloomery.source.quality.naming import declared

Naming = Literal["snake_case", "camelCase"]
QUOTED = frozenset({"python", "javascript", "typescript"})  # where both quotes mean the same
SHORT = 79  # columns: the least that lines are said to have room for


@dataclass(frozen=True)
class Style:
    """unit: one level of indentation. longest: columns of the longest line. None: the file does not tell."""

    unit: str
    eol: str
    quote: str | None
    naming: Naming | None
    longest: int


def style_of(text: str, language: str) -> Style:
    """By majority. Raises: UnknownName."""
    raw, known = _raw(text), lexicon(language)
    layout = layout_of(raw, known)
    quotes = Counter(
        quote for one in lexed(raw, known)[0] if (quote := quote_of(one.shape, one.text, language))
    )
    return Style(
        layout.unit,
        layout.eol,
        quotes.most_common(1)[0][0] if quotes else None,
        _naming(text, language),
        max((len(line) for line in text.splitlines()), default=0),
    )


def quote_of(shape: str, text: str, language: str) -> str | None:
    """The quote of a string that has one of two that mean the same; longer quotes are not of them."""
    found = re.match(r"[A-Za-z]*(\"\"\"|'''|\"|')", text) if shape == "string" else None
    return found[1] if found and language in QUOTED and len(found[1]) == 1 else None


def _raw(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def _naming(text: str, language: str) -> Naming | None:
    """Of names of two words or more that are declared, types aside."""
    names = [one.name for one in declared(parse(text, known_language(language))) if one.role != "class"]
    snake = sum(bool(re.fullmatch(r"_*[a-z0-9]+(_[a-z0-9]+)+", name)) for name in names)
    camel = sum(bool(re.fullmatch(r"_*[a-z0-9]+([A-Z][a-z0-9]*)+", name)) for name in names)
    return None if snake == camel else "snake_case" if snake > camel else "camelCase"


def in_words(style: Style) -> str:
    """For the prompt of a model that reads prose."""
    unit = "a tab" if style.unit == "\t" else f"{len(style.unit)} spaces"
    told = [f"indent by {unit}", f"keep lines within {max(style.longest, SHORT)} columns"]
    if style.quote:
        told.append(f"quote strings with {style.quote}")
    if style.naming:
        told.append(f"name variables and functions in {style.naming}")
    return ", ".join(told)


def header(style: Style, language: str, tokenizer: LexemeTokenizer) -> list[int]:
    """The tokens that a canvas of our models begins with, which say language, indentation and line ends."""
    known = lexicon(language)
    sample = f"x{style.eol}{style.unit}x{style.eol}"
    if known.indents:
        sample = f"if x:{style.eol}{style.unit}x{style.eol}"
    special = tokenizer.encode(sample.encode(), language)
    return special[: 3 if style.eol == "\r\n" else 2]
