"""Grammars as text: rules of terminals, other rules and the operators of regular expressions.

name: 'if' expr ':' (stmt+ | NEWLINE)     a rule; what is indented below goes on with it
'if'  NAME                                terminals: quoted, or in capitals
expr  _expr                               another rule; with an underscore it is copied in and may not recur
[x]  x*  x+  x|y  x%','                   optional, repeated, either, one or more with ',' between
expr<+loop-async>                         another rule with flags set and cleared; flags pass on to all below
<loop?> x   <!loop?> x                    what is there only with, only without a flag
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bloomery.core.errors import UserError

_TOKEN = re.compile(r"\s*(?:('[^']+'|\"[^\"]+\")|(<[^>]*>)|([A-Za-z_]\w*)|([()\[\]*+|%]))")
_FLAG = re.compile(r"([+-])(\w+)")


@dataclass(frozen=True)
class Terminal:
    name: str


@dataclass(frozen=True)
class Rule:
    """A reference to a rule, with the flags that it sets and clears."""

    name: str
    sets: frozenset[str] = frozenset()
    clears: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Guard:
    flag: str
    wanted: bool


@dataclass(frozen=True)
class Row:
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Either:
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Loop:
    """Zero or more."""

    part: Part


Part = Terminal | Rule | Guard | Row | Either | Loop
NOTHING = Row(())


def read_rules(text: str) -> dict[str, Part]:
    """The rules by name, in their order.

    Raises: UserError for what is no such text.
    """
    lines = [
        line.split("#")[0].rstrip() if line.lstrip().startswith("#") else line for line in text.split("\n")
    ]
    joined = re.sub(r"\n\s+", " ", "\n".join(line for line in lines if line.strip()))
    rules = {}
    for line in joined.split("\n"):
        name, colon, body = line.partition(":")
        if not colon or not re.fullmatch(r"\s*[a-z_]\w*", name):
            raise UserError(f"expected `name: rule` in a grammar, got {line[:60]!r}")
        rules[name.strip()] = _Reader(body).all()
    return rules


class _Reader:
    """Reads one body, left to right."""

    def __init__(self, body: str) -> None:
        self.body, self.tokens, at = body, [], 0
        while body[at:].strip():
            found = _TOKEN.match(body, at)
            if not found:
                raise UserError(f"expected a part of a grammar's rule, got {body[at:].strip()[:40]!r}")
            self.tokens.append(found.group().strip())
            at = found.end()
        self.at = 0

    def all(self) -> Part:
        part = self.either()
        if self.at < len(self.tokens):
            raise UserError(
                f"unexpected {self.tokens[self.at]!r} in the grammar's rule {self.body.strip()[:60]!r}"
            )
        return part

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1] if self.at <= len(self.tokens) else ""

    def either(self) -> Part:
        rows = [self.row()]
        while self.peek() == "|":
            self.take()
            rows.append(self.row())
        return rows[0] if len(rows) == 1 else Either(tuple(rows))

    def row(self) -> Part:
        parts = []
        while self.peek() and self.peek() not in {"|", ")", "]"}:
            parts.append(self.repeated())
        return parts[0] if len(parts) == 1 else Row(tuple(parts))

    def repeated(self) -> Part:
        part = self.single()
        while self.peek() in {"*", "+", "%"}:
            sign = self.take()
            if sign == "*":
                part = Loop(part)
            elif sign == "+":
                part = Row((part, Loop(part)))
            else:
                part = Row((part, Loop(Row((self.single(), part)))))
        return part

    def single(self) -> Part:
        token = self.take()
        if token in {"(", "["}:
            part = self.either()
            if self.take() != {"(": ")", "[": "]"}[token]:
                raise UserError(f"{token!r} is not closed in the grammar's rule {self.body.strip()[:60]!r}")
            return part if token == "(" else Either((part, NOTHING))
        if token[:1] in {"'", '"'}:
            return Terminal(token[1:-1])
        if token[:1] == "<":
            return Guard(token.strip("<!?>"), not token.startswith("<!"))
        if token[:1].isupper():
            return Terminal(token)
        if not token or not re.match(r"[a-z_]", token):
            raise UserError(f"unexpected {token!r} in the grammar's rule {self.body.strip()[:60]!r}")
        return self.reference(token)

    def reference(self, name: str) -> Rule:
        if not (self.peek().startswith("<") and not self.peek().endswith("?>")):
            return Rule(name)
        flags = _FLAG.findall(self.take())
        signs = {sign: frozenset(flag for each, flag in flags if each == sign) for sign in "+-"}
        return Rule(name, signs["+"], signs["-"])
