"""Tables and pages on standard output, readable in 80 columns, whole lines where nobody watches."""

import os
import shutil
import sys
import textwrap
from collections.abc import Collection, Iterable, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import typer

from bloomery.cli.wording import Coloured, measured, number, shown, state

if TYPE_CHECKING:
    from bloomery.core.evidence import Evidence

GAP = "  "
WHOLE_LINES = 10_000  # columns, for a file or a pipe


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    title: str = "",
    wrapped: Collection[str] = (),
    empty: str = "nothing",
) -> None:
    """A table; cells of the `wrapped` columns break between words, others never; numbers to the right."""
    if title:
        say(typer.style(title, bold=True))
    if not rows:
        say(empty)
        return
    cells = [[shown(cell) for cell in row] for row in rows]
    to_the_right = [
        all(isinstance(row[at], int | float | None) for row in rows) for at in range(len(columns))
    ]
    widths = _widths(columns, cells, wrapped)
    say(typer.style(_line(columns, widths, to_the_right), dim=True))
    for row in cells:
        parts = [_pieces(cell, width) for cell, width in zip(row, widths, strict=True)]
        for line in zip_longest(*parts, fillvalue=""):
            say(_line(line, widths, to_the_right))


def print_evidence(evidence: Sequence["Evidence"], *, title: str = "") -> None:
    """What was measured against which bar, and whether the gate asks for it or it is only reported."""
    print_table(
        ["check", "state", "measured", "bar", "for"],
        [
            [one.check, state(one.state), measured(one), _bar(one.bar), "gate" if one.required else "report"]
            for one in evidence
        ],
        title=title,
        wrapped=["measured"],
        empty="nothing was measured",
    )


def print_fields(fields: Iterable[tuple[str, Any]]) -> None:
    """Names and values, one a line; what has no value is left out."""
    given = [(name, shown(value)) for name, value in fields if value is not None]
    width = max((len(name) for name, _ in given), default=0)
    for name, value in given:
        say(f"{name:<{width}}{GAP}{value}")


def say(text: str = "") -> None:
    """A line on standard output, in colour only for a terminal whose user has not set NO_COLOR."""
    typer.echo(text, color=False if "NO_COLOR" in os.environ else None)


def _bar(bar: str) -> str:
    """To its last digit, or a value could seem to miss what it meets."""
    op, _, value = bar.partition(" ")
    return f"{op} {number(float(value)) if float(value).is_integer() else value}"


def _widths(columns: Sequence[str], cells: Sequence[Sequence[str]], wrapped: Collection[str]) -> list[int]:
    """Each column as wide as its widest cell; wrapped ones give way, to their longest word at most."""
    by_column = [[column, *(row[at] for row in cells)] for at, column in enumerate(columns)]
    widths = [max(map(len, texts)) for texts in by_column]
    surplus = sum(widths) + len(GAP) * (len(widths) - 1) - _room()
    for at, column in enumerate(columns):
        if column in wrapped and surplus > 0:
            longest = max(len(word) for text in by_column[at] for word in text.split() or [""])
            narrowed = max(longest, widths[at] - surplus)
            surplus, widths[at] = surplus - (widths[at] - narrowed), narrowed
    return widths


def _room() -> int:
    watched = sys.stdout.isatty() or "COLUMNS" in os.environ
    return shutil.get_terminal_size().columns if watched else WHOLE_LINES


def _pieces(cell: str, width: int) -> list[str]:
    if len(cell) <= width:
        return [cell]
    return textwrap.wrap(cell, width, break_long_words=False, break_on_hyphens=False)


def _line(cells: Sequence[str], widths: Sequence[int], to_the_right: Sequence[bool]) -> str:
    padded = [
        " " * (width - len(cell)) + paint(cell) if right else paint(cell) + " " * (width - len(cell))
        for cell, width, right in zip(cells, widths, to_the_right, strict=True)
    ]
    return GAP.join(padded).rstrip()


def paint(cell: str) -> str:
    return typer.style(cell, fg=cell.colour) if isinstance(cell, Coloured) else cell
