"""A change of a syntax tree that can be undone: the tree is changed in place, compiled, and put back."""

import ast
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Change:
    """One field of one node gets another value; of a list, the part from `start` to `stop`."""

    parent: ast.AST
    field: str
    new: tuple[ast.AST, ...]
    start: int | None = None
    stop: int | None = None

    @property
    def slot(self) -> tuple[int, str, int | None]:
        return id(self.parent), self.field, self.start

    @property
    def old(self) -> tuple[ast.AST, ...]:
        value = getattr(self.parent, self.field)
        return (value,) if self.start is None else tuple(value[self.start : self.stop])


@dataclass(frozen=True)
class Edit:
    """A candidate repair of one unit. `cost`: its class in the ladder; `size`: nodes that it adds or takes.

    `score` orders the candidates of one class: suspiciousness times the operator's prior, by size. `lead`:
    which of the tests, by its place, most likely turns it down.
    """

    operator: str
    cost: int
    score: float
    size: float
    changes: tuple[Change, ...]
    line: int
    unit: str = ""
    defaults: bool = False
    removes: int = 0
    parts: tuple["Edit", ...] = field(default=(), compare=False)
    lead: int = 0


@contextmanager
def applied(changes: Sequence[Change]) -> Iterator[None]:
    """Within, the tree has the changes; of two in one list the later place is changed first."""
    kept: list[tuple[ast.AST, str, object]] = []
    for change in sorted(changes, key=lambda one: -(one.start or 0)):
        value = getattr(change.parent, change.field)
        kept.append((change.parent, change.field, value))
        if change.start is None:
            new: object = change.new[0]
        else:
            new = [*value[: change.start], *change.new, *value[change.stop :]]
        setattr(change.parent, change.field, new)
    try:
        yield
    finally:
        for parent, name, value in reversed(kept):
            setattr(parent, name, value)


def weight(nodes: Sequence[ast.AST]) -> int:
    """How many nodes that mean something are in these trees."""
    idle = (ast.expr_context, ast.Load, ast.Store)
    return sum(1 for node in nodes for inner in ast.walk(node) if not isinstance(inner, idle))
