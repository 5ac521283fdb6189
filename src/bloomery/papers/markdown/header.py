"""Reads what stands at the top and at the end of a file, and compares stated counts with what is there."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import yaml

from bloomery.papers.context import Metadata
from bloomery.papers.markdown.entries import fence_of, fields_of, prose
from bloomery.papers.markdown.parts import unread
from bloomery.papers.markdown.pieces import Piece
from bloomery.papers.markdown.report import Report
from bloomery.papers.references import paper_id
from bloomery.papers.written import PAPER, bare, one_line

LABELS = {
    r"paper(?: id)?|id": "paper_id",
    r"full title|title": "full_title",
    r"authors?": "authors",
    r"arxiv(?: id)?": "arxiv",
    r"year": "year",
    r"key contribution.*|contribution": "contribution",
    r"extraction date|extracted(?: at| on)?|date": "extraction_date",
    r"extraction agent|extractor|extracted by": "extractor",
}
TITLE = re.compile(r"(?:(.*) )?[-–—] Implementation Context")


def header(pieces: Sequence[Piece], report: Report) -> dict[str, Any]:
    """The fields of a context that its top holds."""
    found: dict[str, Any] = {}
    first = next((piece for piece in pieces if piece.kind == "heading" and piece.level == 1), None)
    if first is None:
        report.warn(
            1, "title-missing", "expected '# Title - Implementation Context' in the first line; add it"
        )
    else:
        match = TITLE.fullmatch(first.text)
        found["title"] = (match[1] or "") if match else first.text
        if not match:
            message = f"the title is '{first.text}'; expected '# Title - Implementation Context'"
            report.warn(first.line, "title-form", message)
    for part in fields_of((piece for piece in pieces if piece is not first), LABELS):
        if part.name in HEADER:
            report.place(part.name, part.line)
            found[part.name] = HEADER[part.name](prose(part))
            if found[part.name] is None and prose(part):
                message = f"expected a year such as 2024, got '{prose(part)}'; it is left out"
                report.warn(part.line, "year", message)
            unread([piece for piece in part.pieces if piece.kind != "text"], "the top", report)
        elif part.name == "unknown":
            message = f"no field '{part.label}' is known at the top of a context; left out"
            report.warn(part.line, "label-unknown", message)
    return found


def _contribution(text: str) -> str:
    return text[1:] if re.match(r"\\[^A-Za-z]", text) else text


def shielded(text: str) -> str:
    """The text so that it begins no heading, bullet, table, fence or label."""
    return text if not text or text[0].isalpha() or text[0] == "[" else f"\\{text}"


def _authors(text: str) -> tuple[str, ...]:
    if ";" in text:
        return tuple(text.split(";"))
    return tuple(re.split(r",\s*(?:and\s+)?|\s+and\s+|\s+&\s+", text))


def listed_authors(authors: Sequence[str]) -> str:
    """The inverse of reading: names between commas, or semicolons where a name holds a comma or 'and'."""
    plain = all(_authors(name) == (name,) for name in authors)
    return ", ".join(authors) if plain else "; ".join(authors) + ";"


def _year(text: str) -> int | None:
    year = re.search(r"\b(?:1[6-9]|2[01])\d\d\b", text)
    return int(year[0]) if year else None


def _arxiv(text: str) -> str:
    link = re.search(r"arxiv\.org/(?:abs|pdf|html)/([\w./-]+?)(?:\.pdf)?[)\s>]*$", text, re.I)
    return link[1] if link else re.sub(r"^arxiv:\s*", "", text, flags=re.I)


HEADER: Mapping[str, Callable[[str], Any]] = {
    "paper_id": str,
    "full_title": str,
    "authors": _authors,
    "arxiv": _arxiv,
    "year": _year,
    "contribution": _contribution,
    "extraction_date": str,
    "extractor": str,
}


def metadata(pieces: Sequence[Piece], report: Report) -> tuple[Metadata, dict[str, Any]]:
    """The metadata, and all that its YAML says."""
    block = fence_of(pieces)
    stated: Any = {}
    if block is None:
        stated = {
            re.sub(r"\W+", "_", piece.name.lower()).strip("_"): piece.text
            for piece in pieces
            if piece.kind == "label"
        }
        line = pieces[0].line if pieces else 1
        report.warn(
            line, "metadata-form", "expected the metadata in a fence ```yaml; labels are read; write YAML"
        )
    else:
        report.place("metadata.yaml", block.line)
        try:
            stated = yaml.safe_load(block.text) or {}
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = block.line + 1 + (mark.line if mark else 0)
            problem = one_line(str(getattr(error, "problem", None) or error))
            report.error(line, "metadata-yaml", f"the metadata are no YAML: {problem}; correct this line")
    if not isinstance(stated, dict):
        report.error(
            block.line if block else 1, "metadata-yaml", "expected `key: value` lines in the metadata"
        )
        stated = {}
    return _metadata(stated, report), {str(key): value for key, value in stated.items()}


def _metadata(stated: dict[Any, Any], report: Report) -> Metadata:
    confidence = str(stated.get("confidence", "medium")).lower()
    line = report.lines.get("metadata.yaml", 1)
    if confidence not in ("high", "medium", "low"):
        message = f"confidence is '{confidence}'; expected high, medium or low: read as low"
        report.warn(line, "confidence", message)
        confidence = "low"
    pages = str(stated.get("source_pages"))
    unclear = stated.get("needs_clarification") or ()
    return Metadata(
        str(stated.get("extraction_version", "1.0")),
        str(stated.get("source_pdf") or stated.get("source") or ""),
        int(pages) if re.fullmatch(r"\d+", pages) else None,
        confidence,  # type: ignore[arg-type]  # one of the three
        tuple(str(item) for item in unclear) if isinstance(unclear, list | tuple) else (str(unclear),),
    )


def judge_counts(stated: dict[str, Any], counts: Mapping[str, int], report: Report) -> None:
    """Reports a count that is not what the file holds."""
    for what, count in counts.items():
        said = re.search(r"\d+", str(stated.get(f"{what}_extracted", "")))
        if said and int(said[0]) != count:
            message = (
                f"the metadata say {said[0]} {what}, {count} are there; "
                "counts are derived: write the file again"
            )
            report.warn(report.lines.get("metadata.yaml", 1), "count-differs", message)


def judge_quick(pieces: Sequence[Piece], counts: Mapping[str, int], report: Report) -> None:
    """Reports a count of the quick reference that is not what the file holds."""
    rows = (row for piece in pieces if piece.kind == "table" for row in piece.rows[1:])
    for line, cells in rows:
        what = bare(cells[0]).lower()
        said = re.search(r"\d+", cells[1]) if len(cells) > 1 else None
        if said and counts.get(what, int(said[0])) != int(said[0]):
            message = (
                f"the quick reference says {said[0]} {what}, {counts[what]} are there; write the file again"
            )
            report.warn(line, "count-differs", message)


def judge_checklist(pieces: Sequence[Piece], report: Report) -> None:
    """Reports ticks: progress is derived from tests, never typed."""
    for piece in pieces:
        if piece.kind == "bullet" and re.match(r"\[[xX]\]", piece.text):
            message = "a ticked item: progress is what `paper verify` finds, the tick is not kept; untick it"
            report.warn(piece.line, "progress-typed", message)


def identified(found: dict[str, Any], stated: dict[str, Any], stem: str, report: Report) -> str:
    """The paper's id: of the top, else of the metadata, else the file's name."""
    for text in (found.pop("paper_id", ""), stated.get("paper_id"), stem):
        if text and (name := paper_id(str(text))):
            if name != text or not re.fullmatch(PAPER, name):
                message = f"the paper's id is '{text}', read as '{name}'; write `**Paper ID:** {name}`"
                report.warn(report.lines.get("paper_id", 1), "paper-id", message)
            return name
    report.error(
        1, "paper-id", "no paper id: expected `**Paper ID:** titans` (lower case); read as 'unknown'"
    )
    return "unknown"
