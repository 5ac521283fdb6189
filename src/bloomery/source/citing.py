"""Which equations of which papers a docstring says that its function implements.

Read are the `Source:` fields: `Source: titans eq. 13, titans eq. 14`, `Source: dare eq. 1 and 2`,
`Source: arXiv 2402.17764, equations 1-3`. An equation belongs to the paper that is named before it, by the
word before `eq.` or by an arXiv id; a field that names a paper and no equation cites none.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bloomery.source.python import Parsed, definitions

MOST_IN_A_RANGE = 200

_FIELD = re.compile(r"(?:^|(?<=\s))([A-Z][a-z]+): ", re.MULTILINE)
_ARXIV = re.compile(r"(?<![\w.])(\d{4}\.\d{4,5})(?:v\d+)?(?![\w]|\.\d)")
_NUMBER = r"(?!\d{4}\.\d{4,5})(?:[A-Z]{1,2}\.?)?\d+(?:\.\d+)*[a-z]?(?!\w)[′']*"
_ITEM = rf"\(?{_NUMBER}\)?"
_JOINED = r"\s*(?:[-–—]|to\b|through\b|(?:,\s*)?(?:and\b|&)|,)\s*"
_EQUATIONS = re.compile(rf"\b(?:eqs?\b\.?|eqns?\b\.?|equations?)\s*({_ITEM}(?:{_JOINED}{_ITEM})*)", re.I)
_PART = re.compile(rf"\(?({_NUMBER})\)?(?:\s*(?:[-–—]|\bto\b|\bthrough\b)\s*\(?({_NUMBER})\)?)?")
_LAST_WORD = re.compile(r"([A-Za-z][\w.-]*\w)(?:['’]s)?(?:\s*\([^()]*\))?,?\s*$")
_NO_PAPER = frozenset(
    word
    for line in (
        "a also and as at both by cf display for from has in is its like of on or our per see their the",
        "this to uses via with arxiv paper section figure table algorithm appendix",
    )
    for word in line.split()
)


class Equation(NamedTuple):
    """An equation by its paper's id and its number as printed."""

    paper: str
    number: str

    def __str__(self) -> str:
        return f"{self.paper}:{self.number}"


@dataclass(frozen=True)
class Citation:
    """One equation, and what cites it; `symbol` is empty for the module itself."""

    equation: Equation
    path: Path
    line: int
    symbol: str


@dataclass(frozen=True)
class Unread:
    """Equations on a `Source:` line that belong to no paper, or a range without an order."""

    path: Path
    line: int
    symbol: str
    text: str


def equations(docstring: str | None) -> tuple[Equation, ...]:
    """The equations of the `Source:` fields, each once, in the order of the text."""
    return tuple(dict.fromkeys(found for found in _read(docstring) if isinstance(found, Equation)))


def citations(parsed: Parsed) -> tuple[Citation, ...]:
    """Every equation that a docstring of the file cites; the line is that of the definition."""
    return tuple(
        Citation(equation, parsed.path, line, name)
        for name, line, docstring in _docstrings(parsed.tree)
        for equation in equations(docstring)
    )


def unread(parsed: Parsed) -> tuple[Unread, ...]:
    """What looks like a citation and could not be read as one: better said than dropped."""
    return tuple(
        Unread(parsed.path, line, name, found)
        for name, line, docstring in _docstrings(parsed.tree)
        for found in _read(docstring)
        if isinstance(found, str)
    )


def expand(first: str, last: str) -> tuple[str, ...]:
    """The numbers from `first` to `last`: 9 to 11, A.1 to A.3, 4a to 4c; none where they have no order."""
    if re.fullmatch(r"\d+[a-z]", first) and re.fullmatch(r"\d+[a-z]", last) and first[:-1] == last[:-1]:
        return tuple(first[:-1] + chr(code) for code in range(ord(first[-1]), ord(last[-1]) + 1))
    below, above = re.fullmatch(r"(.*?)(\d+)", first), re.fullmatch(r"(.*?)(\d+)", last)
    if not below or not above or above[1] not in (below[1], ""):
        return ()
    if above[1] == "" and below[1].endswith("."):
        return ()  # 3.1-4: to 3.4, or to section 4?
    numbers = range(int(below[2]), int(above[2]) + 1)
    return tuple(f"{below[1]}{n}" for n in numbers) if len(numbers) <= MOST_IN_A_RANGE else ()


def numbers(text: str) -> tuple[str, ...]:
    """The numbers of `9-10`, `1 and 2`, `(13)`; none where `text` is no list of numbers."""
    if not re.fullmatch(rf"\s*{_ITEM}(?:{_JOINED}{_ITEM})*\s*", text):
        return ()
    found = [number for part in _PART.finditer(text) for number in _numbers(part)]
    return tuple(found)


def _numbers(part: re.Match[str]) -> tuple[str, ...]:
    return (part[1],) if part[2] is None else expand(part[1], part[2])


def _docstrings(tree: ast.Module) -> Iterator[tuple[str, int, str | None]]:
    yield "", 1, ast.get_docstring(tree)
    for name, _, node in definitions(tree):
        yield name, node.lineno, ast.get_docstring(node)


def _read(docstring: str | None) -> Iterator[Equation | str]:
    """Equations, and as text what names an equation and cannot be read."""
    for field in _source_fields(docstring or ""):
        paper, end = "", 0
        for match in _EQUATIONS.finditer(field):
            paper = _paper(field[end : match.start()]) or paper
            end = match.end()
            for part in _PART.finditer(match[1]):
                found = _numbers(part) if paper else ()
                yield from (Equation(paper, number) for number in found)
                if not found:
                    yield match[0].strip()


def _source_fields(docstring: str) -> Iterator[str]:
    """The text of each `Source:` field, to the next field or blank line, on one line."""
    for match in _FIELD.finditer(docstring):
        if match[1] != "Source":
            continue
        rest = docstring[match.end() :].split("\n\n")[0]
        end = _FIELD.search(rest)
        yield " ".join(rest[: end.start() if end else None].split())


def _paper(before: str) -> str:
    """The paper that the words before `eq.` name: an arXiv id, else the last word, if it can be one."""
    ids = _ARXIV.findall(before)
    if ids:
        return ids[-1]
    word = _LAST_WORD.search(before)
    return "" if word is None or word[1].lower() in _NO_PAPER else word[1].lower()
