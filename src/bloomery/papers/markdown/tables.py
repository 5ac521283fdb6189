"""Tables by the meaning of their columns, whatever the columns are called."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bloomery.papers.markdown.pieces import Piece, escaped
from bloomery.papers.markdown.report import Report
from bloomery.papers.written import bare

Columns = Mapping[str, tuple[str, ...]]  # a field's name -> patterns of headers


@dataclass(frozen=True)
class Row:
    """The cells of a row by field; `group` is the separating row above it, such as `| **Memory** |`."""

    line: int
    cells: dict[str, str]
    group: str = ""

    def __getitem__(self, name: str) -> str:
        return self.cells.get(name, "")


def columns_of(table: Piece, columns: Columns) -> dict[int, str]:
    """Which field each column holds; a field is taken by the first column that fits."""
    found: dict[int, str] = {}
    for at, header in enumerate(table.rows[0][1]):
        name = bare(header).lower()
        for field, patterns in columns.items():
            if field not in found.values() and any(re.fullmatch(pattern, name) for pattern in patterns):
                found[at] = field
                break
    return found


def rows_of(table: Piece, columns: Columns, report: Report) -> Iterator[Row]:
    """The rows of a table; unknown columns and rows without their first field are reported and left out."""
    found = columns_of(table, columns)
    for at, header in enumerate(table.rows[0][1]):
        if at not in found:
            known = ", ".join(columns)
            report.warn(
                table.line,
                "table-column",
                f"no column '{header}' is known here: it is left out; known: {known}",
            )
    key, group = next(iter(columns)), ""
    for line, cells in table.rows[1:]:
        if separator := _separates(cells):
            report.warn(
                line, "row-separator", f"the row '{separator}' divides a table; give each part its own table"
            )
            group = separator
            continue
        row = Row(line, {field: cells[at] for at, field in found.items() if at < len(cells)}, group)
        if bare(row[key]):
            yield row
        else:
            report.warn(line, "row-unnamed", f"a row without its {key} is left out; name it or delete it")


def _separates(cells: tuple[str, ...]) -> str:
    """The text of a row that is only a bold first cell."""
    bold = re.fullmatch(r"\*\*(.+)\*\*", cells[0])
    return bare(cells[0]) if bold and not any(cells[1:]) else ""


def written(header: str, rows: Sequence[tuple[str, ...]]) -> list[str]:
    """The lines of a table; `header` is its first line."""
    ruled = "|" + "|".join("-" * (len(cell) + 2) for cell in header.split(" | ")) + "|"
    lines = ["| " + " | ".join(escaped(cell) for cell in row) + " |" for row in rows]
    return [f"| {header} |", ruled, *lines]
