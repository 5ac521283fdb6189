"""PDF to a Document: what its pages show by their geometry, each finding with its page."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bloomery.papers.diagnostic import Diagnostic
from bloomery.papers.reading.document import (
    Citation,
    DisplayEquation,
    Document,
    Section,
    Table,
    numbers_used_twice,
)
from bloomery.papers.reading.flow import Flow
from bloomery.papers.reading.pages.columns import Column, columns
from bloomery.papers.reading.pages.displays import Display, displays, is_number
from bloomery.papers.reading.pages.glyphs import Page, read_pages
from bloomery.papers.reading.pages.lines import Run, body_size, runs
from bloomery.papers.reading.pages.prose import Line, lines
from bloomery.papers.reading.pages.tables import Printed, tables
from bloomery.papers.reading.table_kinds import table_kind

_HEADING = re.compile(r"((?:\d{1,2}|[A-Z])(?:\.\d{1,2})*)\.?\s+(\S.*)")
_UNNUMBERED = re.compile(
    r"(?i)(abstract|references|bibliography|acknowledge?ments?|conclusions?|appendix)\.?"
)
_STAMP = re.compile(
    r"arXiv:(\d{4}\.\d{4,5}(?:v\d+)?|[a-z-]+(?:\.[A-Z]{2})?/\d{7}(?:v\d+)?)[^\n]*?\b((?:19|20)\d\d)\b"
)


_CITED = re.compile(
    r"(?:[Ee]qs?\.?|[Ee]quations?)\s*\(?((?:[A-Z]\.)?\d+(?:\.\d+)*[a-z]?)\)?"
    r"|\(((?:[A-Z]\.)?\d+(?:\.\d+)*[a-z]?)\)"
)


def read_pdf(path: Path) -> Document:
    """Raises: MissingFile; FormatRefused for what is encrypted, damaged, a scan, or no PDF."""
    printed = read_pages(path)
    body = body_size(glyph for page in printed.pages for glyph in page.glyphs)
    layout = _Layout.of(printed.pages)
    reading = _Reading(str(path), body)
    for page in printed.pages:
        reading.page(page, layout)
    stamp = _STAMP.search(printed.pages[0].text) if printed.pages else None
    equations = reading.flow.equations()
    return Document(
        source=str(path),
        kind="pdf",
        title=_title(printed.pages, layout, body) or printed.title,
        authors=tuple(filter(None, (name.strip() for name in re.split(r",|;|\band\b", printed.authors)))),
        abstract=_text_of(reading.flow.sections(), "abstract"),
        year=int(stamp[2]) if stamp else None,
        arxiv=stamp[1] if stamp else "",
        pages=len(printed.pages),
        sections=reading.flow.sections(),
        equations=equations,
        tables=tuple(reading.tables),
        references=tuple(_references(_text_of(reading.flow.sections(), "references"))),
        diagnostics=(*numbers_used_twice(equations), *_gaps(str(path), equations)),
    )


@dataclass
class _Layout:
    """The columns of each page; where a page does not tell, those of the whole."""

    runs: dict[int, list[Run]]
    usual: list[Column]

    @classmethod
    def of(cls, pages: Sequence[Page]) -> "_Layout":
        found = {page.number: runs(page.glyphs) for page in pages}
        everywhere = [run for row in found.values() for run in row]
        return cls(found, columns(everywhere, [run for run in everywhere if is_number(run)]))

    def of_page(self, page: Page) -> list[Column]:
        here = self.runs[page.number]
        own = columns(here, [run for run in here if is_number(run)])
        return own if len(own) >= len(self.usual) else self.usual


@dataclass
class _Reading:
    source: str
    body: float
    flow: Flow = field(default_factory=Flow)
    tables: list[Table] = field(default_factory=list)
    _paragraph: list[str] = field(default_factory=list)
    _last: Line | None = None
    _displays: int = 0

    def page(self, page: Page, layout: _Layout) -> None:
        places = layout.of_page(page)
        shown = displays(layout.runs[page.number], page.glyphs, places)
        taken = frozenset(glyph for display in shown for glyph in display.glyphs)
        text = lines((glyph for glyph in page.glyphs if glyph not in taken), places, self.body)
        for column in range(max(1, len(places))):
            here = [line for line in text if line.column == column]
            found = tables(here)
            own = frozenset(line for table in found for line in table.lines)
            events: list[Line | Display | Printed] = [line for line in here if line not in own]
            events += [display for display in shown if display.column == column]
            events += found
            for event in sorted(events, key=lambda event: -event.y):
                self._add(event, page.number, places)
        self._last = None

    def _add(self, event: Line | Display | Printed, page: int, places: Sequence[Column]) -> None:
        match event:
            case Line():
                self._line(event, page, places)
            case Display():
                self._flush()
                self._displays += 1
                self.flow.equation(self._equation(event, page), self._displays)
            case Printed():
                self.tables.append(self._table(event, page))

    def _line(self, line: Line, page: int, places: Sequence[Column]) -> None:
        heading = _heading(line, self.body)
        if heading is not None:
            self._flush()
            number, title = heading
            place = self.flow.place(self.source, page=page)
            level = number.count(".") + 1
            self.flow.heading(Section(level=level, number=number, title=title, place=place))
            return
        left = places[line.column].left if places else line.x0
        if _begins_paragraph(line, self._last, left):
            self._flush()
        if self._paragraph and self._paragraph[-1].endswith("-") and line.text[:1].islower():
            self._paragraph[-1] = self._paragraph[-1][:-1] + line.text
        else:
            self._paragraph.append(line.text)
        self._last = line

    def _flush(self) -> None:
        text = " ".join(self._paragraph)
        self.flow.paragraph(text, tuple(_cited(text)))
        self._paragraph, self._last = [], None

    def _equation(self, display: Display, page: int) -> DisplayEquation:
        return DisplayEquation(
            number=display.number,
            place=self.flow.place(self.source, page=page),
            text=display.text,
            confidence="low" if display.reasons else "high",
            reasons=display.reasons,
        )

    def _table(self, table: Printed, page: int) -> Table:
        header, rows = table.cells[0], table.cells[1:]
        return Table(
            number=table.number,
            caption=table.caption,
            header=header,
            rows=rows,
            place=self.flow.place(self.source, page=page),
            kind=table_kind(table.caption, header, rows),
            confidence="low" if table.reasons else "high",
            reasons=table.reasons,
        )


def _heading(line: Line, body: float) -> tuple[str, str] | None:
    """Number and title, of a short line that is bold or larger than the text."""
    if not (line.is_bold or line.size > 1.08 * body) or len(line.text) > 120:
        return None
    if match := _HEADING.fullmatch(line.text):
        return match[1], match[2]
    return ("", line.text.rstrip(".")) if _UNNUMBERED.fullmatch(line.text) else None


def _begins_paragraph(line: Line, last: Line | None, left: float) -> bool:
    if last is None:
        return False
    is_indented = 0.8 * line.size < line.x0 - max(left, last.x0) < 3.5 * line.size
    return is_indented or (line.column == last.column and last.y - line.y > 1.6 * line.size)


def _cited(text: str) -> Iterator[str]:
    """Numbers that a text refers to as equations: Eq. 3, (3), (2.1) and (4)."""
    for match in _CITED.finditer(text):
        yield match[1] or match[2]


def _title(pages: Sequence[Page], layout: _Layout, body: float) -> str:
    """The lines in the largest type on the first page."""
    if not pages:
        return ""
    text = [line for line in lines(pages[0].glyphs, layout.of_page(pages[0]), body) if len(line.text) > 3]
    largest = max((line.size for line in text), default=0.0)
    if largest < 1.15 * body:
        return ""
    return " ".join(line.text for line in text if line.size > 0.97 * largest)


def _text_of(sections: Sequence[Section], title: str) -> str:
    return next((section.text for section in sections if section.title.lower().startswith(title)), "")


def _references(text: str) -> Iterator[Citation]:
    parts = re.split(r"(?:^|\s)(\[\d+\])\s+", text)
    for key, entry in zip(parts[1::2], parts[2::2], strict=False):
        yield Citation(key.strip("[]"), " ".join(entry.split()))


def _gaps(source: str, equations: Sequence[DisplayEquation]) -> Iterator[Diagnostic]:
    """Whole numbers that are skipped: they were not found, or are not there."""
    groups: dict[str, list[int]] = {}
    for equation in equations:
        if match := re.fullmatch(r"((?:\w+\.)*)(\d+)[a-z]?", equation.number):
            groups.setdefault(match[1], []).append(int(match[2]))
    for prefix, found in groups.items():
        missing = [f"{prefix}{number}" for number in range(1, max(found)) if number not in found]
        if missing:
            message = (
                f"no equation was found for the numbers {', '.join(missing)}: look whether they are there"
            )
            yield Diagnostic(source, 0, "warning", "numbers-missing", message)
