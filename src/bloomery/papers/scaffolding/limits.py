"""Limiting cases that a context states in words: `w = 0 gives one half`."""

import re
from dataclasses import dataclass

from bloomery.papers.scaffolding.interpreting import Interpreted
from bloomery.papers.scaffolding.signature import letters_of

GIVES = re.compile(r"\s+(?:gives?|recovers?|returns?|yields?|leaves?|means?)\s+", re.I)
ASSIGNED = re.compile(r"(.+?)\s*=\s*([-+]?\d+(?:\.\d+)?)")
VALUES = {
    "zero": 0.0,
    "zeros": 0.0,
    "nothing": 0.0,
    "one": 1.0,
    "ones": 1.0,
    "one half": 0.5,
    "a half": 0.5,
    "half": 0.5,
    "1/2": 0.5,
}


@dataclass(frozen=True)
class Limit:
    """With these arguments fixed, the result is a number, or one of the arguments."""

    text: str
    fixed: tuple[tuple[str, float], ...]
    value: float = 0.0
    argument: str = ""


def limit(criterion: str, found: Interpreted) -> Limit | None:
    """None for what is said in other words."""
    parts = GIVES.split(criterion.strip().rstrip("."))
    if len(parts) != 2:
        return None
    fixed = []
    for assigned in re.split(r"\s+and\s+|\s*,\s*", parts[0]):
        match = ASSIGNED.fullmatch(assigned.strip())
        name = _argument(match[1], found) if match else ""
        if not match or not name:
            return None
        fixed.append((name, float(match[2])))
    said = parts[1].strip().lower()
    said = re.sub(r"^(?:a|an|the)\s+(?=(?:zero|one)\b)", "", said)
    number = VALUES.get(said)
    if number is None and re.fullmatch(r"zero \w+", said):
        number = 0.0
    if number is None and re.fullmatch(r"[-+]?\d+(?:\.\d+)?", said):
        number = float(said)
    if number is not None:
        return Limit(criterion, tuple(fixed), number)
    argument = _argument(re.sub(r"^the\s+", "", parts[1].strip()), found)
    same = [one for one in found.inputs if one.name == argument and one.dimensions == found.output]
    return Limit(criterion, tuple(fixed), argument=argument) if same else None


def _argument(text: str, found: Interpreted) -> str:
    """The argument that a text names: by its letter, with or without indices, or by its word."""
    text = text.strip("`$ ")
    word = text.lower()
    named = [one for one in found.inputs if one.about.lower() == word or one.name == text]
    letters = letters_of(text) or letters_of(f"\\{text}")
    if not named and len(letters) == 1:
        named = [one for one in found.inputs if one.letter.plain == letters[0].plain]
    if not named and text.isalpha():
        greek = letters_of(f"\\{text}")
        named = [one for one in found.inputs if greek and one.letter.plain == greek[0].plain]
    return named[0].name if len(named) == 1 else ""
