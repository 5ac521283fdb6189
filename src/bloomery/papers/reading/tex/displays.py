"""Display mathematics: its rows, and which of them carry a number."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from bloomery.papers.reading.tex.input import Input
from bloomery.papers.reading.tex.tokens import PAR, Token, environment, render

_SINGLE = ("equation", "multline", "dmath", "displaymath", "empheq")
_CASES = ("numcases", "subnumcases")
_ROWS = (
    *("align", "gather", "flalign", "alignat", "xalignat"),
    *("eqnarray", "subeqnarray", "IEEEeqnarray", "darray"),
    *_CASES,
)
DISPLAYS = frozenset(f"{name}{star}" for name in (*_SINGLE, *_ROWS) for star in ("", "*"))
_SILENCING = ("\\notag", "\\nonumber", "\\IEEEnonumber")
_LAYOUT = (
    "\\displaystyle",
    "\\allowbreak",
    "\\nobreak",
    "\\displaybreak",
    "\\IEEEeqnarraynumspace",
    "\\hfill",
)
_TRAILING = re.compile(r"(?:\s|~|\\[,;:! ]|\\q?quad(?![A-Za-z])|[.,;])+$")


@dataclass
class Row:
    """One line that can have a number."""

    tokens: list[Token]
    at: Token
    labels: list[str] = field(default_factory=list)
    tag: str | None = None  # a number of the author's own
    is_silenced: bool = False
    words: list[list[Token]] = field(default_factory=list)  # text between the lines

    @property
    def latex(self) -> str:
        """The formula alone, without alignment and the sentence's punctuation."""
        text = " ".join(render(_without_alignment(self.tokens)).split())
        end = _TRAILING.search(text)
        if end is None or re.search(r"\\(?:left|right|[bB]igg?[lrm]?)$", text[: end.start()]):
            return text.strip()
        return text[: end.start()].strip()

    @property
    def imbalance(self) -> str:
        """What is opened and not closed, or the other way round; "" where all is well."""
        texts = [token.text for token in self.tokens if not token.raw]
        pairs = (("{", "}"), ("\\left", "\\right"))
        counts = [(a, texts.count(a), b, texts.count(b)) for a, b in pairs]
        return "; ".join(f"{m} {a} and {n} {b}" for a, m, b, n in counts if m != n)


def is_numbered(name: str) -> bool:
    return not name.endswith("*") and name != "displaymath"


def rows(name: str, body: list[Token], at: Token) -> list[Row]:
    """The rows of a display environment, its own arguments left out; `name` is that of the environment."""
    source = Input()
    source.push(body)
    base = name.rstrip("*")
    if base in ("alignat", "xalignat", "IEEEeqnarray"):
        source.optional(), source.group()
    if base in _CASES:
        source.group()
    return [_row(part, at) for part in _parts(source, base in _ROWS)]


def _parts(source: Input, several: bool) -> list[list[Token]]:
    parts: list[list[Token]] = [[]]
    braces = environments = 0
    while (token := source.pop()) is not None:
        braces += (token.text == "{") - (token.text == "}")
        environments += (environment(token, "begin") is not None) - (environment(token, "end") is not None)
        if several and token.text in ("\\\\", "\\cr") and braces <= 0 and environments <= 0:
            if source.peek() == "*":
                source.pop()
            if source.peek() == "[":  # a length; after a blank it would be a bracket of the formula
                source.optional()
            parts.append([])
            braces = 0
        else:
            parts[-1].append(token)
    return parts


def _row(part: list[Token], at: Token) -> Row:
    source = Input()
    source.push(part)
    first = next((token for token in part if token.text not in (" ", PAR)), at)
    row = Row([], first)
    while (token := source.pop()) is not None:
        _sort(token, source, row)
    return row


def _sort(token: Token, source: Input, row: Row) -> None:
    if token.text == "\\label":
        row.labels.append(source.words())
    elif token.text in ("\\tag", "\\tag*"):
        source.takes("*")
        row.tag = source.words()
    elif token.text in _SILENCING:
        row.is_silenced = True
    elif token.text in ("\\intertext", "\\shortintertext"):
        row.words.append(source.group() or [])
    elif token.text == "\\ensuremath":
        source.push(source.group() or ())
    elif token.text not in _LAYOUT:
        row.tokens.append(token._replace(text=" ") if token.text == PAR else token)


def _without_alignment(tokens: Iterable[Token]) -> list[Token]:
    found, depth = [], 0
    for token in tokens:
        depth += (environment(token, "begin") is not None) - (environment(token, "end") is not None)
        if token.text != "&" or depth > 0:
            found.append(token)
    return found
