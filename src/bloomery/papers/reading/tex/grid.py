"""The cells of a tabular, and which of its rows are the header."""

import re
from dataclasses import dataclass, field

from bloomery.papers.reading.tex.input import Input
from bloomery.papers.reading.tex.tokens import PAR, Token, environment, render

TABULAR = re.compile(r"\\begin\{((?:tabular[xy]?|longtable|tabu|NiceTabular)\*?)\}")
_RULES = ("hline", "toprule", "midrule", "bottomrule", "specialrule", "hdashline", "cmidrule", "cline")
_HEADS = ("\\endhead", "\\endfirsthead", "\\endfoot", "\\endlastfoot")


@dataclass
class Grid:
    """Cells as TeX."""

    header: list[list[str]]
    rows: list[list[str]]


@dataclass
class _Reading:
    source: Input
    cells: list[list[Token]] = field(default_factory=lambda: [[]])
    rows: list[list[str]] = field(default_factory=list)
    rules: list[int] = field(default_factory=list)  # above which rows there is one

    def end_row(self) -> None:
        texts = [render(cell).strip() for cell in self.cells]
        if any(texts):
            self.rows.append(texts)
        self.cells = [[]]


def grid(name: str, body: list[Token]) -> Grid:
    """What stands above the first rule within is the header; without such a rule the first row is."""
    source = Input()
    source.push(body)
    source.takes("*")
    source.optional()
    if name in ("tabularx", "tabulary", "tabular*"):  # their width
        source.group()
        source.optional()
    source.group()
    reading, depth = _Reading(source), 0
    while (token := source.pop()) is not None:
        depth += (token.text == "{") - (token.text == "}")
        depth += (environment(token, "begin") is not None) - (environment(token, "end") is not None)
        _take(token, reading, is_inside=depth > 0)
    reading.end_row()
    first = next((row for row in reading.rules if 0 < row < len(reading.rows)), 1)
    return Grid(reading.rows[:first], reading.rows[first:])


def _take(token: Token, reading: _Reading, *, is_inside: bool) -> None:
    source, cells = reading.source, reading.cells
    if token.text[1:] in _RULES and token.text[0] == "\\":
        _skip_rule(source)
        reading.rules.append(len(reading.rows))
    elif token.text in ("\\\\", "\\tabularnewline") and not is_inside:
        source.optional()
        reading.end_row()
    elif token.text == "&" and not is_inside:
        cells.append([])
    elif token.text == "\\multicolumn":
        span, _, text = source.words(), source.group(), source.group()
        cells[-1] += text or []
        cells += [[] for _ in range(int(span) - 1 if span.isdigit() else 0)]
    elif token.text == "\\multirow":
        source.optional(), source.group(), source.optional(), source.group(), source.optional()
        cells[-1] += source.group() or []
    elif token.text not in (PAR, *_HEADS):
        cells[-1].append(token)


def _skip_rule(source: Input) -> None:
    """The arguments of a rule: (lr){2-3}, [2pt]."""
    source.optional()
    while source.peek().startswith("("):
        source.pop()
    source.group()
