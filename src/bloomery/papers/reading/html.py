"""HTML that LaTeXML made, as arXiv shows it, to a Document: numbers, TeX and anchors are in the markup."""

import re
from pathlib import Path
from typing import Any

from bloomery.core.errors import FormatRefused, MissingFile
from bloomery.papers.diagnostic import Diagnostic
from bloomery.papers.reading import markup
from bloomery.papers.reading.document import (
    Algorithm,
    DisplayEquation,
    Document,
    Place,
    Section,
    Table,
    numbers_used_twice,
)
from bloomery.papers.reading.files import FILE_BYTES, decoded
from bloomery.papers.reading.flow import Flow
from bloomery.papers.reading.needing import needed
from bloomery.papers.reading.table_kinds import table_kind
from bloomery.papers.reading.tex.plain import NotPlain

_LEVELS = {"chapter": 0, "section": 1, "appendix": 1, "subsection": 2, "subsubsection": 3, "paragraph": 4}


def read_html(path: Path) -> Document:
    """Raises: MissingFile; FormatRefused where it is no LaTeXML page."""
    if not path.is_file():
        raise MissingFile(f"no file at {path}")
    if path.stat().st_size > FILE_BYTES:
        raise FormatRefused(f"{path} is larger than {FILE_BYTES >> 20} MiB, which no paper's page is")
    return read_page(decoded(path.read_bytes()), str(path))


def read_page(text: str, source: str) -> Document:
    """The document in a page's text; `source` is what it is called."""
    html = needed("lxml.html", "reading HTML")
    if "ltx_" not in text:
        raise FormatRefused(
            f"{source} was not made by LaTeXML (it has no ltx_ classes): give the page that arXiv shows as "
            "HTML, the LaTeX sources or the PDF"
        )
    try:
        root = html.document_fromstring(text.encode(), parser=html.HTMLParser(encoding="utf-8"))
    except needed("lxml.etree", "reading HTML").ParserError as error:
        raise FormatRefused(f"{source} is no HTML: {error}; fetch the page again") from error
    return _Page(root, source).document()


class _Page:
    def __init__(self, root: Any, source: str) -> None:
        self.root, self.source, self.flow = root, source, Flow()
        self.numbers = dict(markup.numbers_by_anchor(root))
        self.tables: list[Table] = []
        self.algorithms: list[Algorithm] = []
        self.found: list[Diagnostic] = []
        self.unnumbered = self.displays = 0

    def document(self) -> Document:
        self._visit(self.root)
        equations = self.flow.equations()
        return Document(
            source=self.source,
            kind="html",
            title=self._first("ltx_title_document"),
            authors=tuple(markup.authors(self.root)),
            abstract=re.sub(r"^Abstract[.:]?\s*", "", self._first("ltx_abstract")),
            sections=self.flow.sections(),
            equations=equations,
            unnumbered_displays=self.unnumbered,
            algorithms=tuple(self.algorithms),
            tables=tuple(self.tables),
            references=tuple(markup.references(self.root)),
            diagnostics=(*self.found, *numbers_used_twice(equations)),
        )

    def _visit(self, element: Any) -> None:
        classes = markup.classes(element)
        titles = {name.removeprefix("ltx_title_") for name in classes} & _LEVELS.keys()
        if titles:
            self._heading(element, titles.pop())
        elif classes & {"ltx_equation", "ltx_equationgroup", "ltx_eqn_table"}:
            self._display(element)
        elif classes & {"ltx_table", "ltx_tabular"}:
            self._table(element)
        elif classes & {"ltx_float_algorithm", "ltx_algorithm", "ltx_listing"}:
            self._algorithm(element)
        elif "ltx_figure" in classes:
            for table in markup.all_of(element, "ltx_table"):
                self._table(table)
        elif "ltx_p" in classes:
            self.flow.paragraph(*self._passage(element))
        elif not classes & {"ltx_authors", "ltx_abstract", "ltx_bibliography", "ltx_page_footer", "ltx_TOC"}:
            for child in element.iterchildren("*"):
                self._visit(child)

    def _heading(self, element: Any, kind: str) -> None:
        tag = markup.text_of(markup.find(element, "ltx_tag"))
        number = re.sub(r"^Appendix\s+", "", tag).strip(" .")
        title = markup.text_of(element)
        self.flow.heading(
            Section(level=_LEVELS[kind], number=number, title=title, place=self._place(element))
        )

    def _display(self, element: Any) -> None:
        self.displays += 1
        found = list(markup.rows(element))
        for number, rows in found:
            self.flow.equation(self._equation(number, rows), self.displays)
        self.unnumbered += not found

    def _equation(self, number: str, rows: list[Any]) -> DisplayEquation:
        parts = [tex for row in rows for tex in markup.maths(row)]
        reasons = () if all(parts) and parts else ("the page holds no TeX for it, in part or at all",)
        text = " ".join(markup.text_of(row) for row in rows) if reasons else ""
        return DisplayEquation(
            number=number,
            place=self._place(rows[0]),
            latex=markup.tidied(" ".join(filter(None, parts))),
            text=text,
            label=markup.anchor(rows[0]),
            confidence="low" if reasons else "high",
            reasons=reasons,
        )

    def _table(self, element: Any) -> None:
        grids = [element, *element.iterdescendants("*")]
        grids = [grid for grid in grids if "ltx_tabular" in markup.classes(grid)]
        caption, number = markup.caption(element)
        for grid in grids:
            header, rows = markup.cells(grid, self._stays)
            self.tables.append(
                Table(
                    number=number,
                    caption=caption,
                    header=header,
                    rows=rows,
                    place=self._place(element),
                    kind=table_kind(caption, header, rows),
                    label=element.get("id", ""),
                )
            )

    def _stays(self, cell: Any, why: NotPlain) -> None:
        message = f"a formula in this cell of a table stays TeX: {why}"
        line = cell.sourceline or 0
        self.found.append(Diagnostic(self.source, line, "warning", "not-plain", message))

    def _algorithm(self, element: Any) -> None:
        caption, number = markup.caption(element)
        lines = (markup.text_of(line) for line in markup.all_of(element, "ltx_listingline"))
        self.algorithms.append(
            Algorithm(
                number=number,
                title=caption,
                lines=tuple(filter(None, lines)),
                place=self._place(element),
                label=element.get("id", ""),
            )
        )

    def _passage(self, element: Any) -> tuple[str, tuple[str, ...]]:
        anchors = [link.get("href", "").rpartition("#")[2] for link in markup.all_of(element, "ltx_ref")]
        cited = tuple(self.numbers[anchor] for anchor in anchors if anchor in self.numbers)
        return markup.text_of(element), cited

    def _place(self, element: Any) -> Place:
        return self.flow.place(self.source, element.sourceline or 0)

    def _first(self, name: str) -> str:
        return markup.text_of(markup.find(self.root, name))
