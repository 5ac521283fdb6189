"""LaTeX sources to a Document: a file, a folder or an archive, with the numbers that LaTeX would print."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from bloomery.core.errors import FormatRefused
from bloomery.papers.diagnostic import Diagnostic
from bloomery.papers.reading.document import (
    Algorithm,
    Citation,
    DisplayEquation,
    Document,
    Place,
    Section,
    Table,
    numbers_used_twice,
)
from bloomery.papers.reading.files import Files, open_files
from bloomery.papers.reading.flow import Flow
from bloomery.papers.reading.table_kinds import table_kind
from bloomery.papers.reading.tex import floats
from bloomery.papers.reading.tex.body import Walk
from bloomery.papers.reading.tex.expanding import expand
from bloomery.papers.reading.tex.front import authors, year
from bloomery.papers.reading.tex.items import Body, Float, Heading, Item, Passage, Shown
from bloomery.papers.reading.tex.plain import NotPlain, plain
from bloomery.papers.reading.tex.references import labels_in, resolved
from bloomery.papers.reading.tex.tokens import Token

_USUAL_NAMES = ("main", "ms", "paper", "article", "manuscript")


def read_latex(path: Path) -> Document:
    """Raises: MissingFile; FormatRefused where there is no TeX, or an archive is not sound."""
    files = open_files(path)
    main = path.name if path.is_file() and path.suffix in (".tex", ".ltx") else None
    return read_files(files, main=main, source=str(path))


def read_files(files: Files, *, main: str | None = None, source: str = "") -> Document:
    """The document whose main file is `main`, else the one that looks most like it."""
    found: list[Diagnostic] = []
    if main is None:
        main = _main_file(files, found)
    tokens, of_macros = expand(files, main)
    walk = Walk(tokens)
    body = walk.run()
    found += [*of_macros, *walk.source.found, *_dangling(body)]
    assembly = _Assembly(body, Token("", main, 1))
    document = assembly.document(source or files.name)
    found += assembly.found
    found += numbers_used_twice(document.equations)
    return _with(document, found)


def _with(document: Document, found: list[Diagnostic]) -> Document:
    return replace(document, diagnostics=tuple(dict.fromkeys(found)))


def _main_file(files: Files, found: list[Diagnostic]) -> str:
    names = [name for name in files.names() if name.endswith((".tex", ".ltx"))]
    texts = {name: files.text(name) or "" for name in names}
    starts = re.compile(r"^[^%\n]*\\document(?:class|style)", re.MULTILINE)
    whole = [name for name in names if starts.search(texts[name])]
    candidates = [name for name in whole if "\\begin{document}" in texts[name]] or whole or names
    if not candidates:
        raise FormatRefused(f"{files.name} holds no .tex file; expected a paper's LaTeX sources")
    parts = r"\\documentclass\s*(?:\[[^\]]*\])?\s*\{(?:standalone|subfiles)\}"
    ranked = sorted(
        candidates,
        key=lambda name: (
            bool(re.search(parts, texts[name])),
            PurePosixPath(name).stem.lower() not in _USUAL_NAMES,
            name.count("/"),
            -len(texts[name]),
            name,
        ),
    )
    others = [name for name in ranked[1:] if not re.search(parts, texts[name])]
    if others:
        message = (
            f"{ranked[0]} is read as the main file, {', '.join(others)} could be too: name the file to choose"
        )
        found.append(Diagnostic(ranked[0], 1, "warning", "main-file", message))
    return ranked[0]


def _dangling(body: Body) -> Iterator[Diagnostic]:
    for label, at in body.used:
        if label not in body.labels:
            message = (
                f"nothing is labelled '{label}': LaTeX prints ??; add the \\label or correct the reference"
            )
            yield Diagnostic(at.path, at.line, "warning", "dangling-reference", message)


class _Assembly:
    """The walk's items as a document; text that cannot be made plain stays TeX, and is found."""

    def __init__(self, body: Body, start: Token) -> None:
        self.body, self.flow, self.at = body, Flow(), start
        self.found: list[Diagnostic] = []
        self.algorithms: list[Algorithm] = []
        self.tables: list[Table] = []

    def document(self, source: str) -> Document:
        body = self.body
        for item in body.items:
            self._add(item)
        return Document(
            source=source,
            kind="latex",
            title=self._text(body.titles[-1]) if body.titles else "",
            authors=authors(body.authors, self._plain),
            abstract=self._text(body.abstract),
            year=year(body.dates),
            sections=self.flow.sections(),
            equations=self.flow.equations(),
            unnumbered_displays=body.unnumbered,
            algorithms=tuple(self.algorithms),
            tables=tuple(self.tables),
            references=tuple(Citation(key, self._plain(text)) for key, text in body.bibliography),
        )

    def _add(self, item: Item) -> None:
        self.at = item.row.at if isinstance(item, Shown) else item.at
        match item:
            case Heading():
                place = Place(item.at.path, item.at.line, item.number)
                title = self._text(item.latex)
                self.flow.heading(Section(level=item.level, number=item.number, title=title, place=place))
            case Passage():
                self.flow.paragraph(self._text(item.latex), self._cited(item.latex))
            case Shown():
                self.flow.equation(self._equation(item), item.display)
            case Float(kind="table"):
                self.tables += [self._table(item, number) for number in range(len(item.found.grids))]
            case Float(kind="algorithm"):
                self.algorithms.append(self._algorithm(item))

    def _equation(self, shown: Shown) -> DisplayEquation:
        row, labels = shown.row, self.body.labels
        return DisplayEquation(
            number=self._plain(resolved(shown.number, labels), maths=False),
            place=self._place(row.at),
            latex=resolved(row.latex, labels),
            label=row.labels[0] if row.labels else "",
            confidence="low" if shown.reasons else "high",
            reasons=shown.reasons,
            cites=self._cited(row.latex),
        )

    def _cited(self, latex: str) -> tuple[str, ...]:
        targets = [self.body.labels.get(label) for label in labels_in(latex)]
        return tuple(target.number for target in targets if target is not None and target.kind == "equation")

    def _table(self, item: Float, which: int) -> Table:
        found = item.found
        number, caption = _caption(found, which)
        grid = found.grids[which]
        text = self._text(caption)
        header = tuple(self._cell(cell) for cell in _merged(grid.header))
        rows = tuple(tuple(self._cell(cell) for cell in row) for row in grid.rows)
        return Table(
            number=number,
            caption=text,
            header=header,
            rows=rows,
            place=self._place(item.at),
            kind=table_kind(text, header, rows),
            label=next((label for label, of in found.labels if of == number), ""),
        )

    def _algorithm(self, item: Float) -> Algorithm:
        number, caption = _caption(item.found, 0)
        return Algorithm(
            number=number,
            title=self._text(caption),
            lines=tuple(filter(None, (self._text(line) for line in item.found.lines))),
            place=self._place(item.at),
            label=item.found.labels[0][0] if item.found.labels else "",
        )

    def _place(self, at: Token) -> Place:
        return self.flow.place(at.path, at.line)

    def _text(self, latex: str) -> str:
        return self._plain(resolved(latex, self.body.labels))

    def _cell(self, latex: str) -> str:
        return self._plain(resolved(latex, self.body.labels), maths=False)

    def _plain(self, latex: str, *, maths: bool = True) -> str:
        try:
            return plain(latex, maths=maths)
        except NotPlain as error:
            message = f"this text stays as it is written: {error}"
            self.found.append(Diagnostic(self.at.path, self.at.line, "warning", "not-plain", message))
            return " ".join(latex.split())


def _caption(found: floats.Found, which: int) -> tuple[str, str]:
    if not found.captions:
        return "", ""
    return found.captions[which if which < len(found.captions) else -1]


def _merged(header: list[list[str]]) -> list[str]:
    """Header rows that stand above each other as one."""
    width = max(map(len, header), default=0)
    return [" ".join(filter(None, (row[at] for row in header if at < len(row)))) for at in range(width)]
