"""The markup of LaTeXML: classes tell what an element is, `alttext` its TeX, an `id` what links to it."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from bloomery.papers.reading.document import Citation
from bloomery.papers.reading.tex.plain import NotPlain, plain

_SILENT = frozenset(
    (
        "ltx_note",
        "ltx_tag",
        "ltx_ERROR",
        "ltx_rdf",
        "ltx_role_affiliation",
        "ltx_role_email",
        "ltx_author_notes",
    )
)


def rows(display: Any) -> Iterator[tuple[str, list[Any]]]:
    """Each number with the rows that it stands for: a number may span several."""
    lines = all_of(display, "ltx_eqn_row") or list(display.iter("tr"))
    if "ltx_eqn_row" in classes(display):
        lines = [display]
    for index, line in enumerate(lines):
        cell = find(line, "ltx_eqn_eqno")
        number = _number(cell if cell is not None else line, is_cell=cell is not None)
        if number:
            span = cell.get("rowspan", "1") if cell is not None else "1"
            count = max(1, int(span)) if span.isdigit() else 1
            yield number, lines[index : index + count]


def _number(element: Any, *, is_cell: bool) -> str:
    tag = find(element, "ltx_tag_equation")
    text = _string(tag) if tag is not None else _string(element) if is_cell else ""
    return re.sub(r"^\((.*)\)$", r"\1", " ".join(text.split()))


def numbers_by_anchor(root: Any) -> Iterator[tuple[str, str]]:
    for display in root.iter("table", "div", "span", "tbody"):
        if classes(display) & {"ltx_equation", "ltx_equationgroup"} and display.tag != "tr":
            for number, lines in rows(display):
                yield anchor(lines[0]), number


def anchor(row: Any) -> str:
    """The nearest id around a row that is not that of a whole group."""
    for element in (row, *row.iterancestors()):
        if "ltx_equationgroup" in classes(element):
            return ""
        if element.get("id"):
            return str(element.get("id"))
    return ""


def maths(row: Any) -> Iterator[str]:
    for element in row.iter("math"):
        yield _tex(element)
    if next(row.iter("math"), None) is None:  # pages whose mathematics a browser sets: $$...$$
        yield from re.findall(r"\$\$(.*?)\$\$", _string(row), re.DOTALL)


def _tex(element: Any) -> str:
    tex = element.get("alttext")
    if not tex:
        notes = (one for one in element.iter("annotation") if one.get("encoding") == "application/x-tex")
        tex = next((str(note.text or "") for note in notes), "")
    return " ".join(re.sub(r"%\s*\n\s*", "", tex).split())


def tidied(tex: str) -> str:
    """Without what only steers looks, and without the sentence's punctuation."""
    tex = " ".join(re.sub(r"\\displaystyle(?![A-Za-z])\s*", "", tex).split())
    return re.sub(r"(?<!\\left)(?<!\\right)(?:\s|\\[,;:! ]|\\q?quad(?![A-Za-z])|[.,;])+$", "", tex)


def text_of(element: Any) -> str:
    """What a reader sees on one line: formulas as TeX between dollars, without notes and numbers."""
    return "" if element is None else " ".join("".join(_pieces(element, is_top=True)).split())


def _pieces(element: Any, *, is_top: bool = False) -> Iterator[str]:
    if not isinstance(element.tag, str) or (not is_top and classes(element) & _SILENT):
        return
    if element.tag == "math":
        yield f"${_tex(element)}$"
        return
    yield element.text or ""
    for child in element:
        yield from _pieces(child)
        yield child.tail or ""
    if element.tag in ("p", "br", "td", "th", "div", "h6"):
        yield " "


def caption(element: Any) -> tuple[str, str]:
    """Text and number: `Table 2: ` stands in a tag of its own."""
    caption = find(element, "ltx_caption")
    if caption is None:
        return "", ""
    found = re.search(r"([A-Z]?\.?\d+(?:\.\d+)*)[.:\s]*$", _string(find(caption, "ltx_tag")))
    return text_of(caption), found[1] if found else ""


def cells(
    grid: Any, unconverted: Callable[[Any, NotPlain], None]
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Rows in a thead, or of header cells alone, are the header; without any, the first row is.

    `unconverted` is given each cell with a formula that stays TeX, and why it does.
    """
    lines = list(grid.iter("tr")) or all_of(grid, "ltx_tr")
    header: list[list[str]] = []
    rows: list[list[str]] = []
    for line in lines:
        found = [one for one in line.iterchildren("*") if one.tag in ("td", "th") or "ltx_td" in classes(one)]
        texts = [text for one in found for text in (_cell(one, unconverted), *[""] * (_span(one) - 1))]
        is_header = line.getparent().tag == "thead" or (found and all(one.tag == "th" for one in found))
        (header if is_header and not rows else rows).append(texts)
    if not header:
        header, rows = rows[:1], rows[1:]
    width = max(map(len, header), default=0)
    merged = (" ".join(filter(None, (row[at] for row in header if at < len(row)))) for at in range(width))
    return tuple(merged), tuple(tuple(row) for row in rows)


def _cell(element: Any, unconverted: Callable[[Any, NotPlain], None]) -> str:
    """Formulas as characters, where they can be: what a table states is a value and no TeX."""

    def shown(formula: re.Match[str]) -> str:
        try:
            return plain(formula[0], maths=False)
        except NotPlain as error:
            unconverted(element, error)
            return formula[0]

    return re.sub(r"\$[^$]*\$", shown, text_of(element))


def _span(cell: Any) -> int:
    span = cell.get("colspan", "1")
    return min(int(span), 100) if span.isdigit() and int(span) else 1


def authors(root: Any) -> Iterator[str]:
    for person in all_of(root, "ltx_personname"):
        for name in re.split(r",|;|\band\b|&", re.sub(r"\$[^$]*\$", "", _line(person))):
            if re.search(r"[^\W\d_]{2}", name):
                yield " ".join(name.strip(" *†‡0123456789").split())


def _line(person: Any) -> str:
    """A name up to the first line break: what follows is where a person works."""
    return "".join(_up_to_break(person)[0])


def _up_to_break(element: Any) -> tuple[list[str], bool]:
    found = [element.text or ""]
    for child in element:
        if child.tag == "br":
            return found, True
        if isinstance(child.tag, str) and child.tag not in ("sup", "math") and not classes(child) & _SILENT:
            inner, broken = _up_to_break(child)
            found += inner
            if broken:
                return found, True
        found.append(child.tail or "")
    return found, False


def references(root: Any) -> Iterator[Citation]:
    for item in all_of(root, "ltx_bibitem"):
        yield Citation(item.get("id", ""), text_of(item))


def classes(element: Any) -> set[str]:
    return set(element.get("class", "").split()) if isinstance(element.tag, str) else set()


def all_of(element: Any, name: str) -> list[Any]:
    return [one for one in element.iterdescendants("*") if name in classes(one)]


def find(element: Any, name: str) -> Any:
    return next((one for one in element.iterdescendants("*") if name in classes(one)), None)


def _string(element: Any) -> str:
    return "" if element is None else "".join(element.itertext())
