"""Edits near the first place where a text stops being a program."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Literal

from bloomery.diffusion.code.completing.languages import GRAMMARS
from bloomery.diffusion.code.lexemes.arranging import Item
from bloomery.diffusion.code.mending.reading import Reading, Slot

REACH = 24  # items to the left of the fault where edits are tried
NAMES = 3  # names that are tried where a name may stand
_LAID = {
    "NEWLINE": Item("newline", "0"),
    "DEDENT": Item("dedent", ""),
    "NL": Item("nl", "0s"),
    "NUMBER": Item("number", "0"),
    "STRING": Item("string", '""'),
}
_SHOWN = dict.fromkeys(("newline", "nl", "line"), "<line end>")
_SHOWN |= {"indent": "<indent>", "dedent": "<dedent>", "edge": "<margin>", "space": "<space>"}

Kind = Literal["insert", "delete", "replace"]


@dataclass(frozen=True)
class Edit:
    """One lexeme put in, taken out or replaced; line and column count from 1, columns in characters.

    `shape`: the kind of lexeme that was there.
    """

    kind: Kind
    line: int
    column: int
    before: str
    after: str
    shape: str = ""

    def __str__(self) -> str:
        what = {"insert": self.after, "delete": self.before, "replace": f"{self.before} by {self.after}"}
        return f"{self.line}:{self.column}: {self.kind} {what[self.kind]}"


@dataclass(frozen=True)
class Change:
    """An edit of slots: `at` is the place in the slots as they are after it."""

    kind: Kind
    at: int
    before: Item | None


@dataclass(frozen=True)
class Draft:
    """Slots with changes in them; `left` is how many of them no program begins with."""

    slots: tuple[Slot, ...]
    changes: tuple[Change, ...]
    left: int
    accepted: bool


def drafts(reading: Reading, draft: Draft, reach: int = REACH) -> Iterator[Draft]:
    """One more change, each within reach of where the slots stop being a program."""
    stop = len(draft.slots) - draft.left
    for at in range(stop, max(stop - reach, -1), -1):
        for kind in ("delete", "replace", "insert"):
            if _makes_sense(draft, kind, at):
                yield _changed(reading, draft, kind, at)


def _makes_sense(draft: Draft, kind: Kind, at: int) -> bool:
    """Gaps are no lexemes, and what is put in stands before one; no place is changed twice."""
    if _touched(draft, at) or (kind != "insert" and at == len(draft.slots)):
        return False
    near = draft.slots[at] if kind != "insert" else draft.slots[at - 1] if at else None
    return near is None or near.shape not in {"line", "space", "edge"}


def _touched(draft: Draft, at: int) -> bool:
    return any(change.at == at and change.kind != "delete" for change in draft.changes)


def _changed(reading: Reading, draft: Draft, kind: Kind, at: int) -> Draft:
    put: tuple[Slot, ...] = () if kind == "delete" else (None,)
    slots = (*draft.slots[:at], *put, *draft.slots[at + (kind != "insert") :])
    moved = len(put) - (kind != "insert")
    earlier = [replace(each, at=each.at + moved) if each.at > at else each for each in draft.changes]
    before = None if kind == "insert" else draft.slots[at]
    viable, accepted = reading.viable(slots)
    return Draft(slots, (*earlier, Change(kind, at, before)), len(slots) - viable, accepted)


def filled(reading: Reading, draft: Draft, each: int) -> Iterator[tuple[Item, ...]]:
    """What stands in the places to be found: so many of each, the likelier first."""
    places = [at for at, slot in enumerate(draft.slots) if slot is None]
    if not places:
        yield tuple(slot for slot in draft.slots if slot is not None)
        return
    at = places[0]
    change = next(change for change in draft.changes if change.at == at and change.kind != "delete")
    found = [
        item
        for terminal in reading.admissible(draft.slots, at)
        for item in _items(reading, draft.slots, at, terminal)
        if item != change.before
    ]
    found.sort(key=lambda item: -_likeness(change.before, item))
    for item in found[: each if len(places) > 1 else None]:
        slots = (*draft.slots[:at], item, *draft.slots[at + 1 :])
        yield from filled(reading, replace(draft, slots=slots), each)


def _likeness(before: Item | None, after: Item) -> float:
    if before is None or before.shape != "word" or after.shape != "word":
        return 0.0
    return SequenceMatcher(None, before.text, after.text).ratio()


def _items(reading: Reading, slots: Sequence[Slot], at: int, terminal: str) -> list[Item]:
    """What a terminal may be written as here."""
    if terminal == "INDENT":
        return [Item("indent", reading.style.unit)]
    if terminal in _LAID:
        return [_LAID[terminal]]
    if terminal in {"NAME", "CAPTURE"}:
        return _names(reading, slots, at)
    members = GRAMMARS[reading.language].groups.get(terminal, terminal).split()
    known = reading.lexicon
    found = [Item("word" if text in known.words | known.soft else "sign", text) for text in members]
    return [item for item in found if item.shape == "word" or item.text in known.signs]


def _names(reading: Reading, slots: Sequence[Slot], at: int) -> list[Item]:
    """The nearest names, without those that stand right beside the place."""
    words = reading.lexicon.words
    beside = {slot.text for slot in slots[max(at - 1, 0) : at + 2] if slot is not None}
    near = sorted(
        (abs(place - at), slot.text)
        for place, slot in enumerate(slots)
        if slot is not None and slot.shape == "word" and slot.text not in words and slot.text not in beside
    )
    return [Item("word", text) for text in dict.fromkeys(text for _, text in near)][:NAMES]


def edit_of(reading: Reading, draft: Draft, items: Sequence[Item], change: Change) -> Edit:
    """A change told by where it is in the text that was read."""
    moved = sum(
        {"insert": 1, "delete": -1, "replace": 0}[other.kind]
        for other in draft.changes
        if other.at < change.at or (other.at == change.at and other is not change and other.kind == "delete")
    )
    at = min(max(change.at - moved, 0), len(reading.items))
    line, column = place(
        reading.raw, reading.end_before(at) if change.kind == "insert" else reading.offset(at)
    )
    after = "" if change.kind == "delete" else shown(items[change.at])
    if change.before is None:
        return Edit(change.kind, line, column, "", after)
    return Edit(change.kind, line, column, shown(change.before), after, change.before.shape)


def shown(item: Item) -> str:
    return _SHOWN.get(item.shape, characters(item.text))


def characters(raw: str) -> str:
    return raw.encode("latin-1").decode("utf-8", "replace")


def place(raw: str, offset: int) -> tuple[int, int]:
    start = raw.rfind("\n", 0, offset) + 1
    return raw.count("\n", 0, offset) + 1, len(characters(raw[start:offset])) + 1
