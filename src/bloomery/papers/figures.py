"""The numbers that a reported result states."""

import re

FIGURE = re.compile(
    r"(?P<number>[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?)\s*(?P<unit>%?)(?:\s*(?:±|\+/-|\\pm)\s*[\d.]+\s*%?)?"
)
INSIDE = re.compile(rf"(?<![\w.])(?<!±\s){FIGURE.pattern}(?![\w])")


def figure(text: str) -> tuple[float, str] | None:
    """Number and unit of a text that is one number, perhaps with its spread; None for any other text."""
    found = FIGURE.fullmatch(text)
    return (float(found["number"]), found["unit"]) if found else None


def figures(text: str) -> tuple[float, ...]:
    """Every number of a text: `26.18 (LMM), 25.43 (MAC)` has two; a spread and a subscript are none."""
    return tuple(float(found["number"]) for found in INSIDE.finditer(text))
