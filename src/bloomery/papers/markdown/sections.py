"""The sections of a context file: which there are, which are missing, which stand in another order."""

import re
from dataclasses import dataclass

from bloomery.papers.markdown.pieces import Piece
from bloomery.papers.markdown.report import Report

SECTIONS = {  # key: its heading as written, and what a heading must say to be taken for it
    "quick": ("Quick Reference", r"quick reference|summary|overview"),
    "equations": ("1. EQUATIONS", r"(?:core |key |main )?equations"),
    "algorithms": ("2. ALGORITHMS", r"algorithms?"),
    "architecture": ("3. ARCHITECTURE", r"(?:model )?architectures?(?: details)?"),
    "hyperparameters": ("4. HYPERPARAMETERS", r"hyper-?parameters(?: .*)?"),
    "benchmarks": ("5. BENCHMARKS", r"benchmarks?(?: .*)?|experiments?(?: .*)?|results"),
    "prior": ("6. DEPENDENCIES ON OTHER PAPERS", r"dependencies(?: .*)?|(?:required )?prior work"),
    "checklist": ("7. IMPLEMENTATION CHECKLIST", r"(?:implementation )?checklist"),
    "notes": (
        "8. NOTES FOR IMPLEMENTER",
        r"(?:implementation )?notes(?: for (?:the )?implement(?:er|ors?|ers))?",
    ),
    "metadata": ("METADATA", r"metadata"),
}
NUMBERED = re.compile(r"(?:section\s+)?(?:\d+(?:\.\d+)*[.:)]?\s+)?(.*)", re.I)


@dataclass(frozen=True)
class Section:
    """A heading of the second level and what stands below it; `key` is empty where nothing is known of it."""

    key: str
    line: int
    title: str
    pieces: tuple[Piece, ...]


def key_of(title: str) -> str:
    """Which section a heading opens; empty for another."""
    plain = NUMBERED.fullmatch(title.strip().lower())
    name = plain[1].strip(" :") if plain else ""
    return next((key for key, (_, form) in SECTIONS.items() if re.fullmatch(form, name)), "")


def sections_of(pieces: list[Piece], report: Report) -> tuple[tuple[Piece, ...], list[Section]]:
    """What stands before the first section, and the sections in the file's order."""
    starts = [
        at
        for at, piece in enumerate(pieces)
        if piece.kind == "heading" and (piece.level == 2 or (piece.level == 1 and at and key_of(piece.text)))
    ]
    found = [
        Section(key_of(pieces[at].text), pieces[at].line, pieces[at].text, tuple(pieces[at + 1 : end]))
        for at, end in zip(starts, [*starts[1:], len(pieces)], strict=False)
    ]
    for section in found:
        if section.key:
            report.place(section.key, section.line)
    return tuple(pieces[: starts[0]] if starts else pieces), found


def judge(found: list[Section], last_line: int, report: Report) -> None:
    """Reports sections that are missing, unknown, twice there, in another order or under another name."""
    seen: list[str] = []
    order = list(SECTIONS)
    for section in found:
        if not section.key:
            message = f"no section '{section.title}' is known: its equations and algorithms are read, no more"
            report.warn(section.line, "section-unknown", message)
            continue
        if section.key in seen:
            message = f"a second section '{section.title}': both are read; merge them"
            report.warn(section.line, "section-twice", message)
        elif seen and order.index(section.key) < max(order.index(key) for key in seen):
            late = max(seen, key=order.index)
            message = f"'{section.title}' stands after '{SECTIONS[late][0]}'; expected before it: move it"
            report.warn(section.line, "section-order", message)
        if section.title != SECTIONS[section.key][0]:
            message = f"the heading '{section.title}' is read as '{SECTIONS[section.key][0]}'; write it so"
            report.warn(section.line, "section-name", message)
        seen.append(section.key)
    for key in order:
        if key not in seen:
            message = (
                f"expected a section '## {SECTIONS[key][0]}', which is not there; add it, empty if need be"
            )
            report.warn(last_line, "section-missing", message)
