"""What usually stands between two lexemes: learned from the user's files, said only where it differs."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from bloomery.diffusion.code.lexemes.lexicons import Lexicon
from bloomery.diffusion.code.lexemes.lexing import Lexeme

Key = tuple[str, ...]
LEAST = 4  # times that a context is seen before it is believed


def name(shape: str, text: str, lexicon: Lexicon) -> str:
    """What spacing depends on: the sign, the keyword, or the shape."""
    return text if shape == "sign" or (shape == "word" and text in lexicon.words) else shape


@dataclass
class Spacing:
    """The usual gap by language, the names of two lexemes before and one after, and the bracket around.

    A gap is "", " " or a code of a line break.
    """

    usual: dict[Key, str] = field(default_factory=dict)

    def gap(self, key: Key) -> str:
        language, _, left, right, bracket = key
        found = self.usual.get(key)
        if found is None:
            found = self.usual.get((language, left, right, bracket))
        if found is None:
            found = self.usual.get((language, left, right))
        return found if found is not None else _untaught(left, right)

    def saved(self) -> list[list[str]]:
        return [[*key, gap] for key, gap in sorted(self.usual.items())]

    @classmethod
    def loaded(cls, rows: list[list[Any]]) -> Spacing:
        return cls({tuple(row[:-1]): row[-1] for row in rows})


def _untaught(left: str, right: str) -> str:
    return "" if right in set(",;)].(") or left in set("([.!") else " "


class Counts:
    """Gaps seen, by context."""

    def __init__(self) -> None:
        self.seen: dict[Key, Counter[str]] = defaultdict(Counter)

    def add(self, key: Key, gap: str) -> None:
        language, _, left, right, bracket = key
        for context in (key, (language, left, right, bracket), (language, left, right)):
            self.seen[context][gap] += 1

    def spacing(self) -> Spacing:
        """Only what a shorter context does not say already."""
        found = Spacing()
        for context in sorted(self.seen, key=lambda key: (len(key), key)):
            counts = self.seen[context]
            best = max(sorted(counts), key=lambda gap: counts[gap])
            if sum(counts.values()) >= LEAST and best != self._shorter(found, context):
                found.usual[context] = best
        return found

    @staticmethod
    def _shorter(found: Spacing, context: Key) -> str | None:
        if len(context) == 3:
            return _untaught(*context[1:])
        if len(context) == 4:
            return found.gap((context[0], "", *context[1:3], "\0"))
        return found.gap((context[0], "\0", *context[2:]))


@dataclass
class Bracket:
    sign: str
    indent: str
    column: int


class Page:
    """Text as it grows, with what the layout of what follows depends on."""

    def __init__(self, lexicon: Lexicon, spacing: Spacing, unit: str, eol: str) -> None:
        self.lexicon, self.spacing, self.unit, self.eol = lexicon, spacing, unit, eol
        self.parts: list[str] = []
        self.length = self.line_start = self.lines = self.line = 0
        self.indent = ""
        self.brackets: list[Bracket] = []
        self.names = ("", "")
        self.last: Lexeme | None = None  # that is no comment
        self.after_comment = False

    def key(self, shape: str, text: str) -> Key:
        bracket = self.brackets[-1].sign if self.brackets else ""
        return (self.lexicon.language, *self.names, name(shape, text, self.lexicon), bracket)

    def break_code(self, gap: str, text: str) -> str:
        """The code of a line break before a lexeme, or = and the gap itself where none says it."""
        blank = gap.count(self.eol) - 1
        if 0 <= blank <= 2:
            for mode in ("p", "s", "a", "-", "+", "++", "--"):
                if self.broken(f"{blank}{mode}", text) == gap:
                    return f"{blank}{mode}"
        return f"={gap}"

    def broken(self, code: str, text: str) -> str:
        """The gap that a code stands for, before a lexeme."""
        if code.startswith("="):
            return code[1:]
        blank = int(code[0]) if code[:1] in {"1", "2"} else 0
        return self.eol * (1 + blank) + self._indent(code[1:], text)

    def _indent(self, mode: str, text: str) -> str:
        bracket = self.brackets[-1] if self.brackets else None
        if mode == "a" and bracket:
            return " " * bracket.column
        if mode.startswith("+"):
            return self.indent + self.unit * len(mode)
        if mode.startswith("-"):
            return self.indent.removesuffix(self.unit * len(mode))
        if mode == "s" or not bracket:
            return self.indent if mode == "s" else ""
        return bracket.indent if text[:1] in ")]}" else bracket.indent + self.unit

    def put(self, gap: str, shape: str, text: str) -> None:
        """A lexeme after its gap."""
        self.space(gap)
        self.line = self.lines
        self._bracket(shape, text)
        self.space(text, is_gap=False)
        self.after_comment = shape == "comment"
        self.names = (self.names[1], name(shape, text, self.lexicon))
        if shape not in {"comment", "block"}:
            self.last = Lexeme(shape, text)

    def space(self, text: str, *, is_gap: bool = True) -> None:
        if not text:
            return
        begins_line = self.length == self.line_start
        self.parts.append(text)
        self.length += len(text)
        if "\n" in text:
            self.lines += text.count("\n")
            self.line_start = self.length - (len(text) - text.rindex("\n") - 1)
        if is_gap and (begins_line or "\n" in text):
            self.indent = text[text.rfind("\n") + 1 :]

    def _bracket(self, shape: str, text: str) -> None:
        opens = text if shape == "sign" and text in "([{" else ""
        if shape == "template" and text.endswith("${"):
            opens = "{"
        if self.brackets and (text in set(")]}") or (shape == "template" and text.startswith("}"))):
            self.brackets.pop()
        if opens:
            self.brackets.append(Bracket(opens, self.indent, self.length - self.line_start + len(text)))
