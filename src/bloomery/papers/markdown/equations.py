"""Reads equations, in whichever dialect they are written."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Any

from bloomery.papers import references, shape
from bloomery.papers.context import PROPOSABLE, Equation, Kind, Reading, Variable
from bloomery.papers.markdown import tags
from bloomery.papers.markdown.entries import Entry, Field, fence_of, fields_of, items, location, prose
from bloomery.papers.markdown.parts import unread
from bloomery.papers.markdown.pieces import Piece
from bloomery.papers.markdown.report import Report
from bloomery.papers.markdown.tables import Columns, columns_of, rows_of
from bloomery.papers.written import bare, lines_of, one_line

LABELS = {
    r"location|paper (?:section|reference)|section|source": "location",
    r"latex|formula|equation": "latex",
    r"rendered": "rendered",
    r"plain (?:english|text)|meaning|description|intuition|explanation": "plain_english",
    r"variables?(?: definitions?)?|where|symbols?|notation": "variables",
    r"implementation(?: notes?)?|notes?|pytorch(?: hint| implementation)?|hints?|code|key insight": "notes",
    r"dependenc(?:y|ies)|depends on|requires": "requires",
    r"used (?:by|in)": "used_by",
    r"test criteria|tests?|verification|testable criteria": "criteria",
    r"alias(?:es)?|also known as": "aliases",
    r"readings?|interpretations?": "readings",
    r"uncertain(?:ty)?|ambiguit(?:y|ies)": "uncertain",
}
SYMBOLS: Columns = {
    "symbol": ("symbol", "variable", "notation"),
    "name": ("name",),
    "kind": ("type", "kind"),
    "shape": ("shape", "dimensions?", "shape/type", "type/shape"),
    "description": ("description", "meaning", "definition", "role"),
    "domain": ("domain", "range", "values", "constraints?"),
}
KINDS: dict[str, Kind] = {"tensor": "Tensor", "scalar": "Scalar", "function": "Function"}
KIND_WORDS: dict[str, Kind] = {"vector": "Tensor", "matrix": "Tensor", "int": "Scalar", "float": "Scalar"}
SPELLED = re.compile(
    r"(`[^`]+`|\$[^$]+\$|\*\*[^*]+\*\*|[^\s:]+)\s*(?:\([^)]*\)\s*)?(?::|–|—|\s-\s|\s=\s)\s*(.*)", re.S
)
SHAPED = re.compile(r"\s*[\[(]\s*shape\s*:?\s*(?P<shape>\[[^\]]*\]|\([^)]*\)|[^\])]+)\s*[\])]\s*", re.I)
TICKED = re.compile(r"\[([ xX])\]\s*(.*)", re.S)
READING = re.compile(r"`(?P<name>[^`]+)`(?P<chosen> \(chosen\))?:(?: (?P<note>.*))?")
SIDES = re.compile(
    r"\**(requires?|depends on|used (?:by|in))\s*(\(proposed\))?\s*:?\**\s*:?\s*(.*)", re.I | re.S
)


@dataclass
class Draft:
    """What has been read of an equation so far."""

    entry: Entry
    report: Report
    papers: Collection[str]
    values: dict[str, Any] = field(default_factory=dict)
    proposed: list[str] = field(default_factory=list)

    def add(self, name: str, values: tuple) -> None:
        self.values[name] = self.values.get(name, ()) + values

    @property
    def label(self) -> str:
        return f"equation {', '.join(self.entry.numbers)}"


def read(entry: Entry, report: Report, papers: Collection[str]) -> list[Equation]:
    """The equations of an entry: one, or each of a range with the part of the display that has its number."""
    draft = Draft(entry, report, papers)
    for part in fields_of(entry.pieces, LABELS):
        if part.proposed and part.name in PROPOSABLE:
            draft.proposed.append(part.name)
        for number in entry.numbers:
            report.place(f"equation {number}.{part.name}", part.line or entry.line)
        READERS[part.name](draft, part)
        _elsewhere(draft, part)
    whole = Equation(
        entry.numbers[0], entry.name or entry.topic, **draft.values, proposed=tuple(draft.proposed)
    )
    return _each(draft, whole)


def _each(draft: Draft, whole: Equation) -> list[Equation]:
    """The equations that share one text."""
    numbers, report = draft.entry.numbers, draft.report
    if len(numbers) == 1:
        return [whole]
    line = report.lines.get(f"equation {numbers[0]}.latex", draft.entry.line)
    own = tags.parts(whole.latex, numbers)
    if not own:
        message = (
            f"equations {numbers[0]} to {numbers[-1]} share one display "
            f"whose tags are {', '.join(tags.tags(whole.latex)) or 'none'}: "
            "each gets all of it; tag every part with \\tag{N} or \\quad (N)"
        )
        report.warn(line, "display-shared", message)
        reason = f"its LaTeX is that of the equations {numbers[0]} to {numbers[-1]} together"
        whole = replace(whole, uncertain=(*whole.uncertain, reason))
    return [replace(whole, number=number, latex=own.get(number, whole.latex)) for number in numbers]


def distinct(found: list[tuple[int, Equation]], report: Report) -> tuple[Equation, ...]:
    """Keeps two equations of one number apart: the second gets a suffix and says so."""
    first: dict[str, int] = {}
    kept: list[Equation] = []
    for line, equation in found:
        number = equation.number
        if number in first:
            copy = next(f"{number}_{k}" for k in range(2, len(found) + 3) if f"{number}_{k}" not in first)
            message = f"equation number {number} is used twice, at line {first[number]} and at line {line}"
            report.error(
                line, "number-twice", f"{message}: the second is kept as {copy}; give it its own number"
            )
            reason = f"the number {number} stands twice in the file; this is not the first"
            equation = replace(equation, number=copy, uncertain=(*equation.uncertain, reason))
        first[equation.number] = line
        report.place(f"equation {equation.number}", line)
        kept.append(equation)
    return tuple(kept)


def _location(draft: Draft, part: Field) -> None:
    draft.values["location"] = location(prose(part))


def _latex(draft: Draft, part: Field) -> None:
    fence = fence_of(part.pieces)
    if fence:
        text = fence.text
        for number in draft.entry.numbers:
            draft.report.place(f"equation {number}.fence", fence.line)
    else:
        text = prose(part)
        inline = re.fullmatch(r"(\$\$?)(.+)\1", text) or re.fullmatch(r"(`)(.+)`", text)
        text = inline[2] if inline else text
        draft.report.warn(
            part.line, "latex-inline", f"the LaTeX of {draft.label} is not in a fence ```latex; put it there"
        )
    draft.values["latex"] = text


def _rendered(draft: Draft, part: Field) -> None:
    display = fence_of(part.pieces)
    text = display.text if display else part.value.strip("$ ")
    latex = draft.values.get("latex", "")
    if text and not latex:
        draft.values["latex"] = text
        draft.report.warn(
            part.line, "latex-missing", f"{draft.label} has no LaTeX of its own: it is taken from Rendered"
        )
    elif text and lines_of(text) != lines_of(latex):
        message = f"Rendered differs from LaTeX in {draft.label}: LaTeX counts; make them the same"
        draft.report.warn(part.line, "rendered-differs", message)


def _plain_english(draft: Draft, part: Field) -> None:
    texts = [prose(part), *(one_line(piece.text) for piece in part.pieces if piece.kind == "bullet")]
    draft.values["plain_english"] = " ".join(text for text in texts if text)


def _variables(draft: Draft, part: Field) -> None:
    for piece in part.pieces:
        if piece.kind == "table":
            _symbols(draft, piece)
        elif piece.kind == "bullet" and (variable := _spelled(piece, draft.report)):
            draft.add("variables", (variable,))
    if not any(piece.kind in ("table", "bullet") for piece in part.pieces) and (text := prose(part)):
        message = f"the variables of {draft.label} are a sentence: kept as a note; write a table of symbols"
        draft.report.warn(part.line, "variables-prose", message)
        draft.add("notes", (f"{part.label}: {text}",))


def _symbols(draft: Draft, table: Piece) -> None:
    for number in draft.entry.numbers:
        draft.report.place(f"equation {number}.variables", table.line)
    rows = rows_of(table, SYMBOLS, draft.report)
    draft.add("variables", tuple(_tabled(row.line, row.cells, draft.report) for row in rows))


def _tabled(line: int, cells: dict[str, str], report: Report) -> Variable:
    kind = cells.get("kind", "")
    known = KINDS.get(kind.strip().lower()) or KIND_WORDS.get(kind.strip().lower())
    if kind and not known:
        report.warn(
            line, "variable-kind", f"'{kind}' is no type of a variable; expected Tensor, Scalar or Function"
        )
    texts = {name: cells[name] for name in ("name", "description", "domain") if name in cells}
    declared = cells.get("shape", "-")
    return Variable(cells["symbol"], kind=known or _kind(declared), shape=declared, **texts)


def _kind(declared: str) -> Kind:
    """What a symbol is, from its shape alone."""
    read = shape.parse(declared)
    return "Scalar" if read.kind == "dimensions" and not read.dimensions else "Tensor"


def _spelled(piece: Piece, report: Report) -> Variable | None:
    """A variable written as a bullet: `M_t`: the memory [shape: (d, d)]."""
    match = SPELLED.fullmatch(piece.text)
    if not match or not bare(match[1]):
        report.warn(
            piece.line,
            "variable-bullet",
            f"expected `symbol`: meaning [shape: ...], got '{piece.text}'; left out",
        )
        return None
    shaped = SHAPED.search(match[2])
    declared = shaped["shape"] if shaped else "-"
    meaning = SHAPED.sub(" ", match[2])
    report.warn(
        piece.line, "variable-bullet", f"the variable {match[1]} is a bullet; write a row of the table"
    )
    return Variable(match[1], shape=declared, kind=_kind(declared), description=meaning)


def _notes(draft: Draft, part: Field) -> None:
    draft.add("notes", tuple(text for _, text in items(part)))
    fences = [piece for piece in part.pieces if piece.kind == "fence"]
    for fence in fences:
        draft.report.warn(
            fence.line, "code-note", f"code in the notes of {draft.label} is kept as one line of text"
        )
        draft.add("notes", (fence.text,))


def _requires(draft: Draft, part: Field) -> None:
    side = "used_by" if part.name == "used_by" else "requires"
    bullets = [(piece.line, piece.text) for piece in part.pieces if piece.kind == "bullet"]
    inline = re.split(r"[;.,]?\s+(?=\**Used (?:by|in)\s*:)", prose(part))
    if any(inline):
        message = (
            f"the dependencies of {draft.label} stand on one line; write a bullet '- Requires: Eq N' for each"
        )
        draft.report.warn(part.line, "dependencies-inline", message)
    for _, text in [*((part.line, text) for text in inline), *bullets]:
        side, marked, item = _side(text, side)
        if marked:
            draft.proposed.append(side)
        draft.add(side, references.parse(item, draft.papers))


def _side(text: str, side: str) -> tuple[str, bool, str]:
    """Of `Requires (proposed): Eq 3`: the side, whether it is proposed, what it names."""
    match = SIDES.fullmatch(text)
    if not match:
        return side, False, text
    return "used_by" if match[1].lower().startswith("used") else "requires", bool(match[2]), match[3]


def _criteria(draft: Draft, part: Field) -> None:
    for line, text in items(part):
        ticked = TICKED.fullmatch(text)
        if ticked and ticked[1] != " ":
            message = (
                "a tick is not kept: whether a criterion holds is "
                "what `paper verify` finds out; write '- [ ]'"
            )
            draft.report.warn(line, "progress-typed", message)
        elif not ticked:
            draft.report.warn(line, "criterion-box", "a test criterion without its box; write '- [ ] ...'")
        draft.add("criteria", (ticked[2] if ticked else text,))


def _aliases(draft: Draft, part: Field) -> None:
    for text in prose(part).split(","):
        draft.add("aliases", references.numbers(text.strip()))


def _readings(draft: Draft, part: Field) -> None:
    found: list[Reading] = []
    for piece in part.pieces:
        if piece.kind == "bullet" and (match := READING.fullmatch(one_line(piece.text))):
            found.append(Reading(match["name"], "", match["note"] or "", bool(match["chosen"])))
        elif piece.kind in ("fence", "display") and found and not found[-1].latex:
            found[-1] = replace(found[-1], latex=piece.text)
        else:
            message = (
                f"expected '- `name` (chosen): note' and a fence for each reading of {draft.label}; left out"
            )
            draft.report.warn(piece.line, "reading-form", message)
    draft.add("readings", tuple(found))


def _uncertain(draft: Draft, part: Field) -> None:
    draft.add("uncertain", tuple(text for _, text in items(part)))


def _first(draft: Draft, part: Field) -> None:
    """Prose before the first label."""
    if text := prose(part):
        draft.values["plain_english"] = text


def _elsewhere(draft: Draft, part: Field) -> None:
    """A display or a table of symbols that stands elsewhere; anything else is reported."""
    for piece in part.pieces:
        if piece.kind in TAKEN[part.name]:
            continue
        if piece.kind == "table" and "symbol" in columns_of(piece, SYMBOLS).values():
            _symbols(draft, piece)
        elif piece.kind in ("fence", "display") and not draft.values.get("latex"):
            draft.values["latex"] = piece.text
            for number in draft.entry.numbers:
                draft.report.place(f"equation {number}.latex", piece.line)
        else:
            unread([piece], draft.label, draft.report)


def _unknown(draft: Draft, part: Field) -> None:
    message = f"no field '{part.label}' of an equation is known: it is kept among the notes of {draft.label}"
    draft.report.warn(part.line, "label-unknown", message)
    more = (piece.text for piece in part.pieces if piece.kind in ("bullet", "fence"))
    draft.add("notes", (f"{part.label}: {' '.join([prose(part), *more])}",))


READERS: dict[str, Callable[[Draft, Field], None]] = {
    "": _first,
    "location": _location,
    "latex": _latex,
    "rendered": _rendered,
    "plain_english": _plain_english,
    "variables": _variables,
    "notes": _notes,
    "requires": _requires,
    "used_by": _requires,
    "criteria": _criteria,
    "aliases": _aliases,
    "readings": _readings,
    "uncertain": _uncertain,
    "unknown": _unknown,
}
TAKEN = {  # what each field makes something of
    "": {"text"},
    "location": {"text"},
    "latex": {"text", "fence", "display"},
    "rendered": {"text", "fence", "display"},
    "plain_english": {"text", "bullet"},
    "variables": {"text", "bullet", "table"},
    "notes": {"text", "bullet", "fence"},
    "requires": {"text", "bullet"},
    "used_by": {"text", "bullet"},
    "criteria": {"text", "bullet"},
    "aliases": {"text"},
    "readings": {"bullet", "fence", "display", "text", "table"},
    "uncertain": {"text", "bullet"},
    "unknown": {"text", "bullet", "fence"},
}
