"""The grammars there are: one entry and one file of rules add a language."""

from __future__ import annotations

import functools
from importlib import resources
from typing import NamedTuple

from bloomery.core.errors import UnknownName
from bloomery.diffusion.code.completing.grammar import (
    BLOCK_COMMENT,
    COMMENT,
    OPEN,
    PAD,
    SPACE,
    Grammar,
    compiled,
)

_REMARKS = (SPACE, PAD, COMMENT, OPEN + COMMENT)
_BLOCKS = (*_REMARKS, BLOCK_COMMENT, OPEN + BLOCK_COMMENT)


_JS_GROUPS = {
    "ASSIGNED": "+= -= *= /= %= **= <<= >>= >>>= &= |= ^= &&= ||= ??=",
    "OPERATOR": "/ % <= >= == != === !== << ^",
    "POSTFIX": "++ --",
}
_SPELLED = (
    "NAME",
    "NUMBER",
    "STRING",
    "RUNE",
    "REGEX",
    "TEMPLATE",
    "TEMPLATE_HEAD",
    "TEMPLATE_MIDDLE",
    "TEMPLATE_TAIL",
)

_GOES_ON = "( [ + - * ** < > & | && || ?? ? ?. : . , = => in instanceof"
_JS_APART = (
    ("NL", f"{_GOES_ON} ASSIGNED OPERATOR REGEX TEMPLATE TEMPLATE_HEAD"),
    ("NL LINE", "POSTFIX =>"),
    ("throw", "NL LINE"),
)


class Rules(NamedTuple):
    """groups: signs and words that stand for one terminal. flags: those set everywhere.

    lines: where line breaks that end nothing may stand. spelled: what pieces may spell. apart: what may not
    come right after what.
    """

    file: str
    groups: dict[str, str]
    lines: str = "everywhere"
    spelled: tuple[str, ...] = _SPELLED
    trivia: tuple[str, ...] = _BLOCKS
    flags: frozenset[str] = frozenset()
    apart: tuple[tuple[str, str], ...] = ()


GRAMMARS = {
    "python": Rules(
        "python.grammar",
        {
            "AUGMENTED": "+= -= *= /= //= %= @= &= |= ^= >>= <<= **=",
            "OPERATOR": "% // << >> & ^",
            "COMPARED": "== != <= >= < >",
        },
        "inside",
        ("NAME", "CAPTURE", "NUMBER", "STRING", "FSTRING", "BYTES"),
        _REMARKS,
    ),
    "javascript": Rules("javascript.grammar", _JS_GROUPS, apart=_JS_APART),
    "typescript": Rules("javascript.grammar", _JS_GROUPS, apart=_JS_APART, flags=frozenset({"ts"})),
    "java": Rules(
        "java.grammar",
        {
            "ASSIGN": "+= -= *= /= %= &= |= ^= <<= >>= >>>=",
            "OPERATOR": "/ % << <= >= == != ^ && ||",
            "ACCESS": "public private protected",
            "MODIFIER": "abstract native strictfp transient volatile",
            "PRIMITIVE": "boolean byte char short int long float double",
        },
    ),
    "go": Rules(
        "go.grammar",
        {
            "ASSIGN": "+= -= *= /= %= &= |= ^= <<= >>= &^=",
            "OPERATOR": "/ % << >> &^ && || == != < <= > >=",
        },
    ),
}


@functools.cache
def grammar(language: str, *, mirror: bool = False) -> Grammar:
    """mirror: of the same texts from right to left. Raises: UnknownName."""
    if language not in GRAMMARS:
        raise UnknownName("language with a grammar", language, GRAMMARS)
    rules = GRAMMARS[language]
    text = resources.files(__package__).joinpath("grammars", rules.file).read_text(encoding="utf-8")
    return compiled(
        text,
        lines=rules.lines,
        spelled=rules.spelled,
        trivia=rules.trivia,
        flags=rules.flags,
        apart=rules.apart,
        mirror=mirror,
    )
