"""Reads the architecture, the hyperparameters, other papers and the notes."""

import re
from collections.abc import Sequence

from bloomery.papers.context import (
    Architecture,
    Hyperparameter,
    Module,
    Note,
    PriorWork,
    Requirement,
)
from bloomery.papers.markdown.groups import Group, groups_of
from bloomery.papers.markdown.pieces import Piece
from bloomery.papers.markdown.report import Report
from bloomery.papers.markdown.tables import Columns, Row, rows_of
from bloomery.papers.written import bare, one_line

MODULES: Columns = {
    "name": ("module", "component", "layer", "name", "block"),
    "section": ("paper section", "section", "paper reference", "reference"),
    "input_shape": ("input shape", "input"),
    "output_shape": ("output shape", "output"),
    "parameters": ("parameters?", "params", "parameter count"),
    "detail": ("detail", "description", "notes", "purpose", "function"),
}
SETTINGS: Columns = {
    "name": ("(?:hyper-?)?parameters?", "name", "setting"),
    "symbol": ("symbol",),
    "value": ("value", "best value", "default", "setting", "paper value"),
    "tried": ("values tested", "tested", "tested values", "search space", "range"),
    "reference": ("paper reference", "reference", "source", "section", "paper section"),
    "notes": ("notes?", "description", "comments?"),
}
PAPERS: Columns = {
    "paper": ("paper", "work", "prior work"),
    "needed": ("what we need", "needed", "concept", "what"),
    "usage": ("our usage", "usage", "how (?:we use it|used)"),
    "priority": ("priority", "importance"),
}
NOTE_TITLES = {
    "gotcha": r".*(?:gotcha|pitfall|ambiguit|caveat|warning|unclear).*",
    "opportunity": r".*(?:optimi[sz]ation|opportunit|speed|performance).*",
    "limitation": r".*limitation.*",
}
SAID = re.compile(r'Paper says: "(?P<quote>.*)"\nInterpretation: (?P<text>.*)')
TOLD = re.compile(
    r"\**Paper says\s*:?\**\s*:?\s*[\"“]?(?P<quote>.*?)[\"”]?\s*\n\s*\**(?:Our "
    r")?Interpretation\s*:?\**\s*:?\s*(?P<text>.*)",
    re.S | re.I,
)
NAMED = re.compile(r"(?:\*\*(.+?)\*\*|`(.+?)`|([^:–—]+?))\s*(?::|–|—|\s-\s)\s*(.*)", re.S)


def unread(pieces: Sequence[Piece], where: str, report: Report) -> None:
    """Reports what nothing was made of, a paragraph at a time."""
    previous = -2
    for piece in pieces:
        if piece.line != previous + 1 or piece.kind != "text":
            message = (
                f"a {piece.kind} in {where} that has no place there is "
                "left out; move it to a field that is known"
            )
            report.warn(piece.line, "unread", message)
        previous = piece.line


def architecture(pieces: Sequence[Piece], report: Report) -> Architecture:
    """The drawing and the modules."""
    overview, modules, rest = "", [], []
    for piece in pieces:
        if piece.kind == "fence" and not overview:
            overview = piece.text
        elif piece.kind == "table":
            for row in rows_of(piece, MODULES, report):
                modules.append(Module(**row.cells))
                report.place(f"module {modules[-1].name.lower()}", row.line)
        elif piece.kind not in ("heading", "bold", "label"):
            rest.append(piece)
    unread(rest, "the architecture", report)
    return Architecture(overview, tuple(modules))


def hyperparameters(pieces: Sequence[Piece], report: Report) -> tuple[Hyperparameter, ...]:
    """The settings, by group."""
    found = []
    for group in groups_of(pieces):
        for piece in group.pieces:
            if piece.kind == "table":
                rows = rows_of(piece, SETTINGS, report)
                found += [_setting(row, row.group or group.title) for row in rows]
            elif piece.kind == "bullet" and (named := NAMED.fullmatch(piece.text)):
                report.warn(
                    piece.line, "setting-bullet", "a hyperparameter as a bullet; write a row of the table"
                )
                name = named[1] or named[2] or named[3]
                found.append(Hyperparameter(group.title, name, value=named[4]))
            else:
                unread([piece], "the hyperparameters", report)
    return tuple(found)


def _setting(row: Row, group: str) -> Hyperparameter:
    tried = f"tested: {row['tried']}" if row["tried"] else ""
    notes = "; ".join(text for text in (row["notes"], tried) if text)
    return Hyperparameter(group, row["name"], row["symbol"], row["value"], row["reference"], notes)


def prior_work(pieces: Sequence[Piece], report: Report) -> PriorWork:
    """What is needed of other papers."""
    requirements: list[Requirement] = []
    concepts: list[str] = []
    order: list[str] = []
    for group in groups_of(pieces):
        title = group.title.lower()
        for piece in group.pieces:
            if piece.kind == "table":
                requirements += [Requirement(**row.cells) for row in rows_of(piece, PAPERS, report)]
            elif "order" in title and piece.kind in ("fence", "bullet"):
                order += [re.sub(r"^\s*\d+[.)] ", "", line) for line in piece.text.split("\n")]
            elif piece.kind == "bullet" and "concept" in title:
                concepts.append(piece.text)
            elif piece.kind == "bullet" and (named := NAMED.fullmatch(piece.text)):
                report.warn(piece.line, "paper-bullet", "prior work as a bullet; write a row of the table")
                requirements.append(Requirement(named[1] or named[2] or named[3], needed=named[4]))
            else:
                unread([piece], "the dependencies on other papers", report)
    return PriorWork(tuple(requirements), tuple(concepts), tuple(order))


def notes(pieces: Sequence[Piece], report: Report) -> tuple[Note, ...]:
    """What an implementer should know, by kind."""
    found, kind = [], "gotcha"
    for group in groups_of(pieces):
        named = next(
            (kind for kind, form in NOTE_TITLES.items() if re.fullmatch(form, group.title.lower())), ""
        )
        kind = named or kind
        if group.title and not named and group.level < 9:
            message = (
                f"'{group.title}' is read as a {kind}; expected Gotchas, "
                "Optimization Opportunities or Known Limitations"
            )
            report.warn(group.line, "note-kind", message)
        found += _notes_of(group, kind, bool(named), report)
    return tuple(found)


def _notes_of(group: Group, kind: str, named: bool, report: Report) -> list[Note]:
    texts = [piece.text for piece in group.pieces if piece.kind == "bullet"]
    plain = [piece.text for piece in group.pieces if piece.kind == "text"]
    if plain or group.value or (group.title and not named):
        whole = one_line(" ".join([group.value, *plain]))
        report.warn(
            group.line or group.pieces[0].line, "note-form", "a note that is no bullet; write '- ...'"
        )
        head = "" if named else group.title
        whole = ": ".join(text for text in (head, whole) if text)
        texts = [whole, *texts] if bare(whole) else texts
    unread([piece for piece in group.pieces if piece.kind not in ("bullet", "text")], "the notes", report)
    return [_note(kind, text) for text in texts if bare(text)]


def _note(kind: str, text: str) -> Note:
    said = SAID.fullmatch(text) or TOLD.fullmatch(text)
    if said and bare(said["text"]):
        return Note(kind, said["text"], said["quote"])  # type: ignore[arg-type]  # a key of NOTE_TITLES
    return Note(kind, text)  # type: ignore[arg-type]
