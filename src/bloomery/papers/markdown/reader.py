"""Reads a context file in any of its dialects; what departs from the written form is diagnosed."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bloomery.core.errors import FormatRefused, MissingFile
from bloomery.papers.context import Algorithm, Context, Diagnostic, Equation
from bloomery.papers.markdown import algorithms, equations, header, measured, parts
from bloomery.papers.markdown.entries import entries_of
from bloomery.papers.markdown.pieces import Piece, split
from bloomery.papers.markdown.report import Report
from bloomery.papers.markdown.sections import Section, judge, sections_of
from bloomery.papers.references import paper_ids

LABELS = equations.LABELS | algorithms.LABELS
WITH_ENTRIES = ("", "equations", "algorithms")


@dataclass(frozen=True)
class Read:
    """A context, what is to be said about its file, and the line of each thing in it."""

    context: Context
    diagnostics: list[Diagnostic]
    lines: dict[str, int]
    path: str

    def line(self, *names: str) -> int:
        """The line of the first of these things that has one."""
        return next((self.lines[name] for name in names if name in self.lines), 1)


def read(path: str | Path) -> tuple[Context, list[Diagnostic]]:
    """The context in a file, with a diagnostic for each departure from the written form.

    Raises: MissingFile, and FormatRefused for a file that is no UTF-8 text.
    """
    found = read_file(path)
    return found.context, found.diagnostics


def read_file(path: str | Path) -> Read:
    """As `read`, with the line of each thing."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise MissingFile(
            f"{path}: expected a context file such as titans.context.md; there is none"
        ) from error
    except UnicodeDecodeError as error:
        message = f"{path}: expected UTF-8 text, byte {error.start} is none; save the file as UTF-8"
        raise FormatRefused(message) from error
    return read_text(text, str(path))


def read_text(text: str, path: str = "<text>") -> Read:
    """As `read_file`, of a text."""
    report = Report(path)
    top, sections = sections_of(split(text, report), report)
    judge(sections, text.count("\n") + 1, report)
    found = header.header(top, report)
    metadata, stated = (
        header.metadata(_pieces(sections, "metadata"), report) if _has(sections, "metadata") else (None, {})
    )
    stem = Path(path).name.removesuffix(".md").removesuffix(".context")
    found["paper_id"] = header.identified(found, stated, stem, report)
    found.setdefault("extraction_date", str(stated.get("extracted_at") or ""))
    found.setdefault("extractor", str(stated.get("extractor") or ""))
    if metadata:
        found["metadata"] = metadata
    context = _context(found, sections, report)
    _judge_counts(context, sections, stated, report)
    return Read(context, sorted(report.diagnostics, key=lambda one: one.line), report.lines, path)


def _context(found: dict[str, Any], sections: list[Section], report: Report) -> Context:
    prior = parts.prior_work(_pieces(sections, "prior"), report)
    papers = {name for need in prior.requirements for name in paper_ids(need.paper)} | {found["paper_id"]}
    equations_found, algorithms_found = _entries(sections, papers, report)
    return Context(
        **found,
        equations=equations_found,
        algorithms=algorithms_found,
        architecture=parts.architecture(_pieces(sections, "architecture"), report),
        hyperparameters=parts.hyperparameters(_pieces(sections, "hyperparameters"), report),
        benchmarks=measured.benchmarks(_pieces(sections, "benchmarks"), report),
        prior_work=prior,
        notes=parts.notes(_pieces(sections, "notes"), report),
    )


def _entries(
    sections: list[Section], papers: Collection[str], report: Report
) -> tuple[tuple[Equation, ...], tuple[Algorithm, ...]]:
    """All equations and algorithms, wherever they stand."""
    found: list[tuple[int, Equation]] = []
    told: list[tuple[int, Algorithm]] = []
    for section in sections:
        if section.key not in WITH_ENTRIES:
            continue
        for entry in entries_of(section.pieces, LABELS):
            if entry.kind == "equation":
                found += [(entry.line, equation) for equation in equations.read(entry, report, papers)]
            elif entry.kind == "algorithm":
                told.append((entry.line, algorithms.read(entry, report)))
            elif section.key:
                parts.unread(entry.pieces, f"the {section.key}", report)
    return equations.distinct(found, report), algorithms.distinct(told, report)


def _judge_counts(context: Context, sections: list[Section], stated: dict[str, Any], report: Report) -> None:
    counts = context.counts()
    header.judge_quick(_pieces(sections, "quick"), counts, report)
    header.judge_counts(stated, counts, report)
    header.judge_checklist(_pieces(sections, "checklist"), report)


def _has(sections: list[Section], key: str) -> bool:
    return any(section.key == key for section in sections)


def _pieces(sections: list[Section], key: str) -> list[Piece]:
    return [piece for section in sections if section.key == key for piece in section.pieces]
