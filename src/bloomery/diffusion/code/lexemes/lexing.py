"""Bytes to lexemes: whatever the bytes are, nothing of them is lost.

Bytes are read as Latin-1, one character a byte, so any bytes are a text; bytes that no lexeme begins with are
errors.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from bloomery.diffusion.code.lexemes.lexicons import Lexicon

_GAP = re.compile(r"(?:[ \t\f\v\r\n]|\\\r?\n)+")
_TEMPLATE = re.compile(r"(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(`|\$\{)")
_REGEX = re.compile(r"/(?![*/])(?:[^/\\\[\n\r]|\\[^\n\r]|\[(?:[^\]\\\n\r]|\\[^\n\r])*\])+/[A-Za-z]*")
_NO_REGEX_AFTER = frozenset([")", "]", "}", "++", "--", "this", "super", "true", "false", "null"])


class Lexeme(NamedTuple):
    """shape: word, number, string, template, regex, sign, comment, block or error. gap: what is before."""

    shape: str
    text: str
    gap: str = ""


def lexed(text: str, lexicon: Lexicon) -> tuple[list[Lexeme], str]:
    """The lexemes in order, and what stands after the last."""
    found, rest = _lexed(text, lexicon)
    return _with_joined_errors(found), rest


def _with_joined_errors(lexemes: list[Lexeme]) -> list[Lexeme]:
    if all(one.shape != "error" for one in lexemes):
        return lexemes
    found, parts = list[Lexeme](), list[str]()
    for one in lexemes:
        if one.shape == "error" and not one.gap and parts:
            parts.append(one.text)
            continue
        if parts:
            found[-1] = found[-1]._replace(text="".join(parts))
        found.append(one)
        parts = [one.text] if one.shape == "error" else []
    if parts:
        found[-1] = found[-1]._replace(text="".join(parts))
    return found


def _lexed(text: str, lexicon: Lexicon) -> tuple[list[Lexeme], str]:
    if lexicon.language in {"javascript", "typescript"}:
        return _Templates(text, lexicon).all()
    found, at, match_gap, match = list[Lexeme](), 0, _GAP.match, lexicon.lexeme.match
    while at < len(text):
        gap = match_gap(text, at)
        start = gap.end() if gap else at
        if start == len(text):
            return found, text[at:]
        one = match(text, start)
        end = one.end() if one else start + 1
        found.append(Lexeme((one.lastgroup or "error") if one else "error", text[start:end], text[at:start]))
        at = end
    return found, ""


class _Templates:
    """JavaScript: where a slash begins a regular expression and a brace ends a template's hole."""

    def __init__(self, text: str, lexicon: Lexicon) -> None:
        self.text, self.lexicon, self.depths = text, lexicon, [0]
        self.found: list[Lexeme] = []

    def all(self) -> tuple[list[Lexeme], str]:
        at = 0
        while at < len(self.text):
            gap = _GAP.match(self.text, at)
            start = gap.end() if gap else at
            if start == len(self.text):
                return self.found, self.text[at:]
            shape, end = self.next(start)
            self.found.append(Lexeme(shape, self.text[start:end], self.text[at:start]))
            at = end
        return self.found, ""

    def next(self, at: int) -> tuple[str, int]:
        sign = self.text[at]
        if at == 0 and self.text.startswith("#!"):
            return "comment", len(self.text.partition("\n")[0].removesuffix("\r"))
        if sign == "`" or (sign == "}" and self.depths[-1] == 0 and len(self.depths) > 1):
            return self.template(at)
        if sign in "{}":
            self.depths[-1] = max(self.depths[-1] + (1 if sign == "{" else -1), 0)
        elif sign == "/" and self.may_be_regex() and (regex := _REGEX.match(self.text, at)):
            return "regex", regex.end()
        one = self.lexicon.lexeme.match(self.text, at)
        return ((one.lastgroup or "error"), one.end()) if one else ("error", at + 1)

    def template(self, at: int) -> tuple[str, int]:
        rest = _TEMPLATE.match(self.text, at + 1)
        if not rest:
            return "error", at + 1
        if self.text[at] == "}":
            self.depths.pop()
        if rest.group(1) == "${":
            self.depths.append(0)
        return "template", rest.end()

    def may_be_regex(self) -> bool:
        last = next((one for one in reversed(self.found) if one.shape not in {"comment", "block"}), None)
        if last is None or last.text in self.lexicon.words - _NO_REGEX_AFTER:
            return True
        return last.shape == "sign" and last.text not in _NO_REGEX_AFTER


_WORDY = re.compile(r"[\w$\x80-\xff]", re.ASCII)
_PREFIXES = frozenset(["r", "b", "f", "u", "rb", "br", "fr", "rf"])


def fuse(before: str, after: str, lexicon: Lexicon) -> bool:
    """Whether two lexemes without anything between them are read as others."""
    left, right = before[-1:], after[:1]
    if _WORDY.match(left) and (_WORDY.match(right) or right == "#"):
        return True
    if right in {'"', "'"} and lexicon.language == "python" and before.lower() in _PREFIXES:
        return True
    if (before[:1].isdigit() and right == ".") or (left == "." and right.isdigit()):
        return True
    joined = lexicon.lexeme.match(before + after[:2]) if before in lexicon.signs else None
    return bool(joined and joined.end() > len(before)) or (left == "/" and right in {"/", "*"})
