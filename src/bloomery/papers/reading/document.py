"""What a reader found in a paper, whatever it was read from: as it stands there, nothing interpreted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from bloomery.papers.diagnostic import Diagnostic

SourceKind = Literal["pdf", "latex", "html"]
Confidence = Literal["high", "low"]
TableKind = Literal["hyperparameters", "results", "other"]


@dataclass(frozen=True)
class Place:
    """Where something stands: in the source by path and line, in print by section and page."""

    path: str
    line: int = 0
    section: str = ""
    page: int | None = None


@dataclass(frozen=True, kw_only=True)
class DisplayEquation:
    """A numbered display equation; `latex` is empty where the source gives glyphs only, which are `text`."""

    number: str
    place: Place
    latex: str = ""
    text: str = ""
    label: str = ""
    confidence: Confidence = "high"
    reasons: tuple[str, ...] = ()  # for a low confidence
    before: str = ""  # the paragraph that leads to it
    after: str = ""  # the paragraph that follows it
    cites: tuple[str, ...] = ()  # numbers of the equations that these two refer to


@dataclass(frozen=True, kw_only=True)
class Section:
    level: int  # 1 is a section
    number: str  # "" where none is printed
    title: str
    place: Place
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Algorithm:
    number: str
    title: str
    lines: tuple[str, ...]
    place: Place
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    number: str
    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    place: Place
    kind: TableKind = "other"
    label: str = ""
    confidence: Confidence = "high"
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Citation:
    key: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Document:
    source: str
    kind: SourceKind
    title: str = ""
    authors: tuple[str, ...] = ()
    abstract: str = ""
    year: int | None = None
    arxiv: str = ""
    pages: int | None = None
    sections: tuple[Section, ...] = ()
    equations: tuple[DisplayEquation, ...] = ()
    unnumbered_displays: int = 0
    algorithms: tuple[Algorithm, ...] = ()
    tables: tuple[Table, ...] = ()
    references: tuple[Citation, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


def numbers_used_twice(equations: Sequence[DisplayEquation]) -> Iterator[Diagnostic]:
    """An error at each equation whose printed number an earlier one has."""
    first: dict[str, Place] = {}
    for equation in equations:
        place = equation.place
        if (earlier := first.setdefault(equation.number, place)) is not place:
            where = f"{earlier.path}:{earlier.line}" if earlier.line else f"page {earlier.page}"
            yield Diagnostic(
                place.path,
                place.line,
                "error",
                "number-twice",
                f"equation number ({equation.number}) is used already at {where}; give one of them another",
            )
