"""A section cut at its sub-headings and bold lines."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from bloomery.papers.markdown.pieces import Piece


@dataclass
class Group:
    """A sub-heading (or a label, with its value) and what follows it; the first group has no title."""

    title: str
    line: int
    value: str = ""
    level: int = 0  # of a heading; 9 for labels and bold lines
    pieces: list[Piece] = field(default_factory=list)


def groups_of(pieces: Iterable[Piece]) -> list[Group]:
    """The groups of a section, in the file's order."""
    found = [Group("", 0)]
    for piece in pieces:
        if piece.kind in ("heading", "bold"):
            found.append(Group(piece.text, piece.line, level=piece.level or 9))
        elif piece.kind == "label":
            found.append(Group(piece.name, piece.line, piece.text, 9))
        else:
            found[-1].pieces.append(piece)
    return found
