"""How large each dimension of a test is: all different, so that no two can be mistaken for each other."""

import re
from collections.abc import Iterable, Mapping
from itertools import count

from bloomery.papers.scaffolding.formula.matrices import BATCH

BATCH_SIZE = 2
PLAIN = r"[A-Za-z][\w]*"
FIRST = 3
MULTIPLE = 12  # of what is divided: by 2, 3 or 4
PARTS = (3, 2, 4, 6)


def plain(dimension: str) -> str:
    """`d_{in}` and `d_in` are one."""
    return re.sub(r"[{}\\\s]", "", dimension)


def sizes(dimensions: Iterable[str]) -> dict[str, int]:
    """By dimension, in the order in which they come."""
    names = list(dict.fromkeys(dimensions))
    bases = list(dict.fromkeys(base for name in names for base in re.findall(PLAIN, name)))
    divided = {base for name in names if "/" in name for base in re.findall(PLAIN, name.partition("/")[0])}
    dividing = {base for name in names if "/" in name for base in re.findall(PLAIN, name.partition("/")[2])}
    known: dict[str, int] = {}
    for base in sorted(bases, key=lambda one: (one not in BATCH, one not in divided, one not in dividing)):
        choices: tuple[int, ...] = (BATCH_SIZE,) if base in BATCH else (MULTIPLE,) if base in divided else ()
        choices = choices or (PARTS if base in dividing else ())
        free = (one for one in count(FIRST) if one not in known.values())
        known[base] = next((one for one in choices if one not in known.values()), None) or next(free)
    return {name: _size(name, known) for name in names}


def smallest(dimensions: Iterable[str]) -> dict[str, int]:
    """All of size one, and what is made of them."""
    names = list(dict.fromkeys(dimensions))
    return {name: _size(name, dict.fromkeys(re.findall(PLAIN, " ".join(names)), 1)) for name in names}


def _size(name: str, known: Mapping[str, int]) -> int:
    """The value of `2D`, `D/H`, `S+1`; a dimension that says something else gets a size of its own."""
    terms = re.split(r"(?=[+-])", name)
    total = 0
    for term in terms:
        value = _term(term.lstrip("+-"), known)
        if value is None:
            return len(name) + FIRST
        total += -value if term.startswith("-") else value
    return max(total, 1)


def _term(term: str, known: Mapping[str, int]) -> int | None:
    value = 1
    for at, part in enumerate(term.split("/")):
        here = 1
        pieces = re.findall(rf"\d+|{PLAIN}", part)
        if not pieces or re.sub(rf"\d+|{PLAIN}|\*", "", part):
            return None
        for piece in pieces:
            here *= int(piece) if piece.isdigit() else known[piece]
        if at and value % here:
            return None
        value = value // here if at else here
    return value
