"""Where equations and algorithms begin in a file, under headings, bold lines, definitions."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from bloomery.papers import references
from bloomery.papers.context import Location
from bloomery.papers.markdown.pieces import Piece
from bloomery.papers.references import LISTED
from bloomery.papers.written import NUMBER, one_line

EXACT = re.compile(rf"(?P<kind>Equation|Algorithm) (?P<number>{NUMBER})(?:: (?P<name>.*))?")
STARTS = re.compile(
    r"(?:\d+(?:\.\d+)*\.?\s+)?(?P<kind>Equations?|Eqns?\.?|Eqs?\.?|Algorithm|Alg\.)\s*"
    rf"(?P<numbers>{LISTED})\s*(?:[:.–—-]\s*(?P<name>.*)|\((?P<aside>.*)\))?",
    re.I,
)
DEFINED = re.compile(
    rf"(?P<name>.*?)\s*\((?:Equations?|Eqns?\.?|Eqs?\.?)\s*(?P<numbers>{LISTED})\)\s*:?", re.I
)
DEFINITION = re.compile(
    r"(?:\d+(?:\.\d+)*\.?\s+)?(?:Definition|Theorem|Proposition|Lemma|Corollary|Remark)\b", re.I
)
PROPOSED = re.compile(r"(.*?)\s*\(proposed\)", re.I)
TOPIC = re.compile(r"(?:\d+(?:\.\d+)*\.?\s+)?(.*)")


@dataclass
class Entry:
    """An equation (or several that share one text), an algorithm, or what stands outside of any (no kind)."""

    kind: str
    line: int
    numbers: tuple[str, ...] = ()
    name: str = ""
    topic: str = ""  # the heading above
    pieces: list[Piece] = field(default_factory=list)


@dataclass
class Field:
    """A label with its value and what follows it; `name` is a known one, or empty before the first label."""

    name: str
    label: str
    line: int
    value: str
    proposed: bool = False
    pieces: list[Piece] = field(default_factory=list)


def entries_of(pieces: Iterable[Piece], names: Mapping[str, str]) -> list[Entry]:
    """Cuts pieces into entries, in the file's order; `names` are the labels that an entry may hold."""
    entries, topic = [Entry("", 0)], ""
    for piece in pieces:
        opened = _opened(piece)
        if opened:
            entries.append(replace(opened, topic=topic))
        elif (
            piece.kind == "heading"
            and piece.level <= 3
            and not (entries[-1].kind and _known(piece.text, names))
        ):
            match = TOPIC.fullmatch(piece.text)
            topic = match[1] if match else piece.text
            entries.append(Entry("", piece.line, name=piece.text))
        else:
            entries[-1].pieces.append(piece)
    return entries


def _opened(piece: Piece) -> Entry | None:
    """The entry that a piece opens, if it does."""
    if piece.kind not in ("heading", "bold", "label", "text"):
        return None
    text = piece.text if piece.kind != "label" else f"{piece.name}: {piece.text}".removesuffix(": ")
    if piece.kind == "heading" and (exact := EXACT.fullmatch(text)):
        return Entry(exact["kind"].lower(), piece.line, (exact["number"],), exact["name"] or "")
    if piece.kind == "text" and not DEFINITION.match(text):
        return None
    if start := STARTS.fullmatch(text):
        kind = "algorithm" if start["kind"].lower().startswith("alg") else "equation"
        name = (start["name"] or start["aside"] or "").strip(" :")
        return Entry(kind, piece.line, references.numbers(start["numbers"]), name)
    defined = DEFINED.fullmatch(text)
    if defined and (piece.kind == "bold" or DEFINITION.match(text)):
        return Entry(
            "equation", piece.line, references.numbers(defined["numbers"]), defined["name"].strip(" :")
        )
    return None


def fields_of(pieces: Iterable[Piece], names: Mapping[str, str]) -> list[Field]:
    """Cuts an entry's pieces at its labels; `names` maps patterns of labels to the names of fields."""
    found = [Field("", "", 0, "")]
    for piece in pieces:
        if piece.kind == "label" or (piece.kind in ("heading", "bold") and _known(piece.text, names)):
            label = piece.name if piece.kind == "label" else piece.text
            value = piece.text if piece.kind == "label" else ""
            mark = PROPOSED.fullmatch(label)
            name = _known(label, names) or "unknown"
            found.append(Field(name, label, piece.line, value, bool(mark)))
        else:
            found[-1].pieces.append(piece)
    return found


def _known(label: str, names: Mapping[str, str]) -> str:
    mark = PROPOSED.fullmatch(label)
    plain = (mark[1] if mark else label).strip(" :").lower()
    return next((name for form, name in names.items() if re.fullmatch(form, plain)), "")


def prose(entry: Field) -> str:
    """A field's value with the lines that continue it."""
    texts = (piece.text for piece in entry.pieces if piece.kind == "text")
    return one_line(" ".join([entry.value, *texts]))


def items(entry: Field) -> Iterator[tuple[int, str]]:
    """A field's bullets with their lines; without any, its inline value, cut at semicolons."""
    bullets = [(piece.line, piece.text) for piece in entry.pieces if piece.kind == "bullet"]
    if bullets:
        if text := prose(entry):
            yield entry.line, text
        yield from bullets
        return
    yield from ((entry.line, text.strip()) for text in prose(entry).split(";") if text.strip())


def fence_of(pieces: Iterable[Piece]) -> Piece | None:
    """The first fence or displayed mathematics."""
    return next((piece for piece in pieces if piece.kind in ("fence", "display")), None)


def location(text: str) -> Location:
    """`Section 3.1, Page 5`, in the words of any dialect."""
    text = one_line(text)
    page = re.search(r"(?:^|,\s*|\s)\(?(?:Page|p\.|pp\.)\s*(\d+|-)\)?$", text, re.I)
    section = text[: page.start()] if page else text
    section = re.sub(r"^(?:Section|Sec\.|§)\s*", "", section.strip(), flags=re.I)
    number = int(page[1]) if page and page[1] != "-" else None
    return Location("" if text == "-" else section, number)


def located(where: Location) -> str:
    """The inverse of `location`."""
    if not where.section and where.page is None:
        return "-"
    ambiguous = bool(re.search(r"(?:Page|p\.|pp\.)\s*(?:\d+|-)\)?$", where.section, re.I))
    page = f"Page {where.page}" if where.page is not None else "Page -" if ambiguous else ""
    section = f"Section {where.section}" if where.section else ""
    return ", ".join(part for part in (section, page) if part)
