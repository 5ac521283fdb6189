"""The shape of a symbol, in all the forms in which papers and people declare one."""

import re
from dataclasses import dataclass
from typing import Literal

from bloomery.papers.written import one_line

SPACE = re.compile(
    r"(?:\\in\s*|∈\s*)?(?:\\mathbb\s*\{?\s*[RCZN]\s*\}?|[ℝℂℤℕ]|R)\s*\^\s*(?:\{(?P<in>.*)\}|(?P<one>\S+))"
)
TIMES = re.compile(r"\s*(?:\\times|×|\bx\b)\s*")
BRACKETED = re.compile(r"(?:\[(?P<square>[^\[\]]*)\]|\((?P<round>[^()]*)\))(?P<rest>.*)")
NOTHING = {"", "-", "–", "—", "n/a", "na", "none", "function"}
DIMENSION = re.compile(r"(?:\.\.\.|…|\*|[\w\\{}/+*\-^' ]+)")


@dataclass(frozen=True)
class Shape:
    """What was declared: dimensions (none: a scalar), another symbol's shape, one of several, or nothing."""

    kind: Literal["dimensions", "same", "either", "none", "unreadable"]
    dimensions: tuple[str, ...] = ()
    same_as: str = ""
    either: tuple["Shape", ...] = ()
    text: str = ""  # what could not be read

    def __str__(self) -> str:
        match self.kind:
            case "dimensions":
                return f"[{', '.join(self.dimensions)}]"
            case "same":
                return f"same as {self.same_as}"
            case "either":
                return " or ".join(map(str, self.either))
            case "none":
                return "-"
            case "unreadable":
                return self.text


def parse(text: str) -> Shape:
    """`[B, S, D]`, `(d,)`, `B x D`, `ℝ^{d × k}`, `scalar or (d,)`, `same as M`, `-`; never raises."""
    text = one_line(text).strip("`$ ")
    if text.lower() in NOTHING:
        return Shape("none")
    options = re.split(r"\s+or\s+|\s*\|\s*", text)
    if len(options) > 1:
        either = tuple(parse(option) for option in options)
        readable = all(shape.kind in ("dimensions", "same") for shape in either)
        return Shape("either", either=either) if readable else Shape("unreadable", text=text)
    if same := re.fullmatch(r"(?:the )?same (?:shape )?(?:as|like) (.+)|like (.+)", text, re.I):
        return Shape("same", same_as=(same[1] or same[2]).strip("`$ "))
    if re.fullmatch(r"(?:a )?scalars?\b.*|0-?d|float|int|real", text, re.I):
        return Shape("dimensions")
    return _dimensions(text) or Shape("unreadable", text=text)


def _dimensions(text: str) -> Shape | None:
    if space := SPACE.fullmatch(text):
        return _listed(TIMES.split(space["in"] or space["one"]))
    if bracketed := BRACKETED.fullmatch(text):
        inside = bracketed["square"] if bracketed["square"] is not None else bracketed["round"]
        if re.match(r"\s*[,\w]", bracketed["rest"]):
            return None
        return _listed(re.split(r"\s*,\s*", inside) if "," in inside else TIMES.split(inside))
    parts = TIMES.split(text)
    if len(parts) > 1 or re.fullmatch(r"\d+|[A-Za-z](?:_\{?\w+\}?)?", text):
        return _listed(parts)
    return None


def _listed(parts: list[str]) -> Shape | None:
    named = [part.strip() for part in parts]
    if named and not named[-1]:
        named.pop()  # the comma of (d,)
    if any(not DIMENSION.fullmatch(part) for part in named):
        return None
    return Shape("dimensions", tuple("..." if part in ("…", "*") else part for part in named))
