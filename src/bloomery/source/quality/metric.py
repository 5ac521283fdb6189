"""A measured quality of some sources."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bloomery.source.languages.parsing import Source


@dataclass(frozen=True)
class Finding:
    """One place that the metric objects to; `line` counts from 1."""

    path: str
    line: int
    what: str


@dataclass(frozen=True)
class Metric:
    """`value` is None where there was nothing to measure, and `why_none` says so; `counts` is what it is made
    of, `better` the way that is the better one.
    """

    name: str
    definition: str
    unit: str
    better: Literal["lower", "higher"]
    value: float | None
    counts: Mapping[str, float] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    why_none: str = ""


Measure = Callable[[Sequence[Source]], Metric]


def code_lines(source: Source) -> frozenset[int]:
    """Lines that hold something other than blanks and comments."""
    return frozenset(line for token in tokens(source) for line in token.lines)


@dataclass(frozen=True)
class Token:
    text: str
    first_line: int
    last_line: int

    @property
    def lines(self) -> range:
        return range(self.first_line, self.last_line + 1)


def tokens(source: Source) -> list[Token]:
    """The leaves of the tree in order, without comments."""
    found = []
    waiting = [source.root]
    while waiting:
        node = waiting.pop()
        if node.type in source.language.comments:
            continue
        if node.child_count:
            waiting += reversed(node.children)
        elif text := source.text_of(node).strip():
            first = node.start_point.row + 1
            found.append(Token(text, first, max(first, node.end_point.row + (node.end_point.column > 0))))
    return found
