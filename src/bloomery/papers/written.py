"""Text as a context file holds it: one line with single spaces, or a block that keeps its lines."""

import re
from dataclasses import fields
from functools import cache
from typing import Any

BLOCK = {"block": True}
NUMBER = r"[A-Za-z0-9]+(?:[._][A-Za-z0-9]+)*['*]*"
PAPER = r"[a-z0-9]+(?:[._-][a-z0-9]+)*"
UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def one_line(text: str) -> str:
    """The text with its white space collapsed and without what no line can hold."""
    return " ".join(UNWRITABLE.sub(" ", text).split())


def lines_of(text: str) -> str:
    """The text as a fence holds it: no trailing space, no empty line at either end."""
    clean = UNWRITABLE.sub(" ", text.replace("\r\n", "\n").replace("\t", "    "))
    return re.sub(r"\A(?: *\n)+|\s+\Z", "", "\n".join(line.rstrip() for line in clean.split("\n")))


def number_key(number: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts numbers as people do: 2, 9a, 9b, 10, A.2."""
    parts = re.findall(r"\d+|[^\W\d_]+|[\W_]+", number)
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts)


@cache
def _texts(kind: type[Any]) -> tuple[tuple[str, bool], ...]:
    return tuple((entry.name, bool(entry.metadata.get("block"))) for entry in fields(kind))


class Written:
    """Gives each text of a frozen dataclass the form in which a file holds it."""

    def __post_init__(self) -> None:
        for name, block in _texts(type(self)):  # type: ignore[arg-type]  # a class can be hashed
            value = getattr(self, name)
            if isinstance(value, str):
                object.__setattr__(self, name, lines_of(value) if block else one_line(value))
            elif isinstance(value, tuple) and value and isinstance(value[0], str):
                texts = (one_line(text) for text in value)
                object.__setattr__(self, name, tuple(text for text in texts if text))
