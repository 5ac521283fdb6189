"""Text as a context file holds it: one line with single spaces, or a block that keeps its lines."""

import re
from dataclasses import fields
from functools import cache
from typing import Any

BLOCK = {"form": "block"}  # keeps its lines
BARE = {"form": "bare"}  # names a row: never empty, without the marks of bold, code and mathematics around it
NUMBER = r"(?:(?=[A-Za-z._]*\d)[A-Za-z0-9]+(?:[._][A-Za-z0-9]+)*|[A-Z]{1,3})['*]*"  # 13, 9a, A.2, 4', B
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


def bare(text: str) -> str:
    """A name without the marks around it: `**x**`, `` `x` `` and `$x$` are all x."""
    text = one_line(text)
    for mark in ("**", "`", "$"):
        if len(text) >= 2 * len(mark) and text.startswith(mark) and text.endswith(mark):
            return bare(text[len(mark) : -len(mark)])
    return text


@cache
def _forms(kind: type[Any]) -> tuple[tuple[str, str], ...]:
    return tuple((entry.name, entry.metadata.get("form", "line")) for entry in fields(kind))


FORMS = {"line": one_line, "block": lines_of, "bare": bare}


class Written:
    """Gives each text of a frozen dataclass the form in which a file holds it."""

    def __post_init__(self) -> None:
        for name, form in _forms(type(self)):  # type: ignore[arg-type]  # a class can be hashed
            value = getattr(self, name)
            if isinstance(value, str):
                object.__setattr__(self, name, FORMS[form](value))
                if form == "bare" and not getattr(self, name):
                    raise ValueError(f"a {type(self).__name__} needs its {name}; it is empty")
            elif isinstance(value, tuple) and value and isinstance(value[0], str):
                texts = (one_line(text) for text in value)
                object.__setattr__(self, name, tuple(text for text in texts if text))
