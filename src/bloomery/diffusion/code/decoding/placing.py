"""Where the lexemes of a file stand, and which of them stand beside a hole."""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

from bloomery.core.errors import UserError
from bloomery.diffusion.code.lexemes.lexicons import Lexicon
from bloomery.diffusion.code.lexemes.lexing import lexed

from .holes import Hole

CUT = "the hole begins or ends inside of a word, a string or a remark: move its edges"
RUNS_IN = "what fills the hole runs into what stands beside it"
_STAND_IN = "hole_%d_"
_WORDY = re.compile(r"[\w$\x80-\xff]", re.ASCII)


class Placed(NamedTuple):
    """A lexeme's shape, and its bytes from `start` to, without, `stop`."""

    shape: str
    start: int
    stop: int

    def moved(self, by: int) -> Placed:
        return Placed(self.shape, self.start + by, self.stop + by)


def unmarked(data: bytes) -> str:
    """The bytes as Latin-1, without the mark that a file of UTF-8 may begin with, which is no lexeme."""
    return data.removeprefix(codecs.BOM_UTF8).decode("latin-1")


def unmarked_hole(data: bytes, hole: Hole) -> Hole:
    """Its place in `unmarked`. Raises: UserError for a hole that begins before the file's mark ends."""
    size = len(data) - len(unmarked(data))
    if hole.start < size:
        raise UserError("the hole begins before the byte order mark of the file ends: move its edge")
    return Hole(hole.start - size, hole.stop - size, hole.lead)


def placed(text: str, known: Lexicon) -> list[Placed]:
    found, at = list[Placed](), 0
    for shape, lexeme, gap in lexed(text, known)[0]:
        found.append(Placed(shape, at + len(gap), at + len(gap) + len(lexeme)))
        at = found[-1].stop
    return found


def cuts(text: str, hole: Hole, known: Lexicon) -> bool:
    """Whether an edge of the hole is inside of a lexeme."""
    return any(one.start < at < one.stop for one in placed(text, known) for at in (hole.start, hole.stop))


def stand_in(text: str, hole: Hole) -> tuple[str, str]:
    """A name that the text does not have, and the text with it in the hole's place, running into nothing."""
    name = next(name for at in range(len(text) + 2) if (name := _STAND_IN % at) not in text)
    before, after = text[: hole.start] + hole.lead.decode("latin-1"), text[hole.stop :]
    gaps = [" " if _WORDY.match(side) else "" for side in (before[-1:], after[:1])]
    return name, f"{before}{gaps[0]}{name}{gaps[1]}{after}"


def beside(data: bytes, hole: Hole, known: Lexicon) -> tuple[list[Placed], list[Placed]]:
    """The lexemes to either side of a hole; those after it by their places before the end of the file.

    Raises: UserError for a hole with an edge inside of a lexeme.
    """
    text, hole = unmarked(data), unmarked_hole(data, hole)
    name, whole = stand_in(text, hole)
    found = placed(whole, known)
    at = next((at for at, one in enumerate(found) if whole[one.start : one.stop] == name), None)
    if at is None or cuts(text, hole, known):
        raise UserError(CUT)
    return found[:at], [one.moved(-len(whole)) for one in found[at + 1 :]]


def keeps(filled: bytes, sides: tuple[list[Placed], list[Placed]], known: Lexicon) -> bool:
    """Whether a file with its hole filled is read as before on both `sides` of the hole (see `beside`)."""
    (left, right), text = sides, unmarked(filled)
    found = placed(text, known)
    after = [one.moved(len(text)) for one in right]
    inside = len(found) - len(left) - len(right)
    return inside >= 0 and found[: len(left)] == left and found[len(left) + inside :] == after
