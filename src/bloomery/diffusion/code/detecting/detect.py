"""The language of a text: by its file's name, its first line, its syntax tree and its marks.

A text is said to be of a language where most of it is that language's syntax and some lines bear its marks.
Where two languages are as likely, or none is, it is unknown: nothing is guessed.
"""

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

from bloomery.core.errors import FormatRefused, UnknownName
from bloomery.diffusion.code.detecting.marks import MARKS, TYPED
from bloomery.source.languages.parsing import Source, nodes, parse
from bloomery.source.languages.registry import language as known_language
from bloomery.source.languages.registry import language_of

LEAST_SYNTAX = 0.7  # share of a text's leaves that are in no error
LEAST_MARKED, LEAST_LEAD = 0.2, 0.05
MOST_CHARACTERS = 20_000
_FIRST_LINES = {
    "python": r"\bpython[\d.]*\b",
    "javascript": r"\b(node|nodejs|bun)\b",
    "typescript": r"\b(ts-node|tsx|deno)\b",
    "java": r"\bjava\b",
    "go": r"\bgorun\b|\bgo run\b",
}
_REMARKS = {
    "python": re.compile(r"(\"{3}|'{3})[\s\S]*?(?:\1|\Z)|#[^\n]*"),
    "others": re.compile(r"/\*[\s\S]*?(?:\*/|\Z)|//[^\n]*|^[ \t]*\*[^\n]*", re.MULTILINE),
}
_TYPED = frozenset(
    {"type_annotation", "interface_declaration", "type_alias_declaration", "enum_declaration"}
    | {"as_expression", "non_null_expression", "type_parameters", "type_arguments", "accessibility_modifier"}
    | {"abstract_class_declaration", "ambient_declaration", "satisfies_expression", "implements_clause"}
)


@dataclass(frozen=True)
class Detected:
    """`language` is None where it is unknown; `scores` are those of each, `why` says what decided."""

    language: str | None
    scores: Mapping[str, float]
    why: str


def detect(text: str | bytes, path: PurePath | str = "") -> Detected:
    """The language of a text; a name or a first line that tells it is believed where the syntax allows it."""
    read = _read(text)
    if read is None:
        return Detected(None, {}, "it is no text")
    shown = read[:MOST_CHARACTERS]
    syntax = {name: syntax_share(shown, name) for name in MARKS}
    scores = {name: _score(shown, name, syntax[name]) for name in MARKS}
    for told, how in ((_by_name(path), "the file's name"), (_by_first_line(shown), "its first line")):
        if told is not None and syntax[told] >= LEAST_SYNTAX:
            return Detected(told, scores, how)
    return _best(scores, syntax)


def _best(scores: Mapping[str, float], syntax: Mapping[str, float]) -> Detected:
    best, second = sorted(scores, key=lambda name: -scores[name])[:2]
    if syntax[best] < LEAST_SYNTAX:
        return Detected(None, scores, f"{1 - syntax[best]:.0%} of it is no {best}, the likeliest language")
    if scores[best] - syntax[best] < LEAST_MARKED:
        return Detected(None, scores, f"too little of it is what only {best} has")
    if scores[best] - scores[second] < LEAST_LEAD:
        return Detected(None, scores, f"{best} and {second} are as likely")
    return Detected(best, scores, "its syntax and words")


def _read(text: str | bytes) -> str | None:
    """None for what is binary or empty."""
    try:
        read = text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff")
    except UnicodeDecodeError:
        return None
    odd = sum(not character.isprintable() and character not in "\t\n\r\f" for character in read)
    return read if read.strip() and "\0" not in read and odd <= len(read) / 100 else None


def _by_name(path: PurePath | str) -> str | None:
    try:
        found = language_of(path).name
    except UnknownName:
        return None
    return "typescript" if found == "tsx" else found


def _by_first_line(text: str) -> str | None:
    first = text.partition("\n")[0]
    if not first.startswith("#!"):
        return None
    return next((name for name, pattern in _FIRST_LINES.items() if re.search(pattern, first)), None)


def _score(text: str, language: str, syntax: float) -> float:
    """From 0 to 2: the share of syntax, and the mean over lines of the strongest mark on each."""
    code = _REMARKS["python" if language == "python" else "others"].sub("", text)
    lines = [line for line in code.splitlines() if line.strip()]
    marked = [_strongest(line, language) for line in lines]
    plain = sum(marked) / max(len(marked), 1)
    if language == "typescript" and not _is_typed(text):
        plain -= 0.1
    if language == "javascript" and _is_typed(text):
        plain -= 0.1
    return syntax + plain


def _strongest(line: str, language: str) -> float:
    return max((weight for pattern, weight in MARKS[language] if pattern.search(line)), default=0.0)


def _is_typed(text: str) -> bool:
    """Whether anything in it is TypeScript and no JavaScript."""
    if any(pattern.search(line) for line in text.splitlines() for pattern, _ in TYPED):
        return True
    found = _parsed(text, "typescript")
    return found is not None and any(node.type in _TYPED and not node.has_error for node in nodes(found.root))


def syntax_share(text: str, language: str) -> float:
    """The share of the tree's leaves that no error node holds directly, by their bytes."""
    found = _parsed(text, language)
    if found is None:
        return 0.0
    good = wrong = 0
    for node in nodes(found.root):
        if node.child_count == 0 and node.end_byte > node.start_byte:
            in_error = node.is_error or (node.parent is not None and node.parent.is_error)
            good, wrong = good + (not in_error) * _size(node), wrong + in_error * _size(node)
        elif node.is_missing:
            wrong += 1
    return good / max(good + wrong, 1)


def _size(node: object) -> int:
    return node.end_byte - node.start_byte  # type: ignore[attr-defined]


def _parsed(text: str, language: str) -> Source | None:
    try:
        return parse(textwrap.dedent(text), known_language(language))
    except FormatRefused:
        return None
