"""Reads algorithms: pseudocode, and what each of its lines computes."""

from collections.abc import Callable
from typing import Any

from bloomery.papers.context import Algorithm, Step
from bloomery.papers.markdown.entries import Entry, Field, fence_of, fields_of, items, location, prose
from bloomery.papers.markdown.equations import TICKED
from bloomery.papers.markdown.parts import unread
from bloomery.papers.markdown.report import Report
from bloomery.papers.markdown.tables import Columns, columns_of, rows_of

LABELS = {
    r"location|paper (?:section|reference)|section": "location",
    r"purpose|description|goal|summary": "purpose",
    r"pseudo-?code": "pseudocode",
    r"line[- ]by[- ]line(?: mapping)?|mapping|line mapping": "lines",
    r"implementation (?:considerations|notes)|notes|considerations": "notes",
    r"test criteria|tests?|verification": "criteria",
}
STEPS: Columns = {
    "lines": ("lines?", "step", "#"),
    "operation": ("operation", "description", "what"),
    "equation": ("equations?", "eqs?", "paper equation"),
    "function": ("module/function", "function", "module", "implementation", "code"),
}


def read(entry: Entry, report: Report) -> Algorithm:
    """The algorithm of an entry."""
    number = entry.numbers[0]
    report.place(f"algorithm {number}", entry.line)
    values: dict[str, Any] = {"number": number, "name": entry.name or entry.topic}
    for part in fields_of(entry.pieces, LABELS):
        if part.name in READERS:
            report.place(f"algorithm {number}.{part.name}", part.line)
            READERS[part.name](values, part, report)
            _elsewhere(values, part, f"algorithm {number}", report)
        else:
            message = (
                f"no field '{part.label}' of an algorithm is known: "
                f"kept among the notes of algorithm {number}"
            )
            report.warn(part.line, "label-unknown", message)
            values["notes"] = (
                *values.get("notes", ()),
                f"{part.label}: {' '.join(t for _, t in items(part))}",
            )
    return Algorithm(**values)


def distinct(found: list[tuple[int, Algorithm]], report: Report) -> tuple[Algorithm, ...]:
    """Reports a number that two algorithms have; the second is left out."""
    first: dict[str, int] = {}
    kept = []
    for line, algorithm in found:
        if algorithm.number in first:
            message = (
                f"algorithm {algorithm.number} stands at line {first[algorithm.number]} and at line {line}"
            )
            report.error(line, "number-twice", f"{message}: the second is left out; give it its own number")
            continue
        first[algorithm.number] = line
        kept.append(algorithm)
    return tuple(kept)


def _location(values: dict[str, Any], part: Field, report: Report) -> None:
    values["location"] = location(prose(part))


def _purpose(values: dict[str, Any], part: Field, report: Report) -> None:
    values["purpose"] = prose(part)


def _pseudocode(values: dict[str, Any], part: Field, report: Report) -> None:
    if fence := fence_of(part.pieces):
        values["pseudocode"] = fence.text
    elif part.name:
        report.error(part.line, "pseudocode-missing", "expected a fence with the pseudocode; write one")
    if not part.name and (text := prose(part)):
        values["purpose"] = text


def _elsewhere(values: dict[str, Any], part: Field, where: str, report: Report) -> None:
    """Pseudocode or a table of lines under another label; what else stands there is reported."""
    for piece in part.pieces:
        if piece.kind == "table" and "lines" in columns_of(piece, STEPS).values():
            rows = rows_of(piece, STEPS, report)
            values["lines"] = (*values.get("lines", ()), *(Step(**row.cells) for row in rows))
        elif piece.kind in ("fence", "display") and "pseudocode" not in values:
            values["pseudocode"] = piece.text
        elif piece.kind not in ("text", "bullet", "fence"):
            unread([piece], where, report)


def _notes(values: dict[str, Any], part: Field, report: Report) -> None:
    values["notes"] = (*values.get("notes", ()), *(text for _, text in items(part)))


def _criteria(values: dict[str, Any], part: Field, report: Report) -> None:
    for line, text in items(part):
        ticked = TICKED.fullmatch(text)
        if not ticked or ticked[1] != " ":
            report.warn(line, "criterion-box", "a test criterion is written '- [ ] ...', unticked")
        values["criteria"] = (*values.get("criteria", ()), ticked[2] if ticked else text)


READERS: dict[str, Callable[[dict[str, Any], Field, Report], None]] = {
    "": _pseudocode,
    "location": _location,
    "purpose": _purpose,
    "pseudocode": _pseudocode,
    "lines": _notes,
    "notes": _notes,
    "criteria": _criteria,
}
