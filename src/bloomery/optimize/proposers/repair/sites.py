"""Where a function can be changed: each expression and statement of it, with how suspicious it is."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bloomery.optimize.proposers.repair.edits import Change
from bloomery.source.python import FUNCTION, Function

_LOOPS = (ast.For, ast.AsyncFor, ast.While)
SKIPPED_FIELDS = {
    "annotation",
    "returns",
    "decorator_list",
    "type_params",
    "type_comment",
    "ctx",
    "bases",
    "keywords=",
}


@dataclass(frozen=True)
class Site:
    """A node with its place in its parent; `index` is None where the field is no list."""

    node: ast.AST
    parent: ast.AST
    field: str
    index: int | None
    line: int
    suspicion: float
    in_loop: bool
    default: bool = False
    above: "Site | None" = None

    def replaced(self, *new: ast.AST) -> Change:
        if self.index is None:
            return Change(self.parent, self.field, new)
        return Change(self.parent, self.field, new, self.index, self.index + 1)

    @property
    def is_condition(self) -> bool:
        return (self.field == "test") or (self.field == "ifs")

    def within(self, *kinds: type[ast.AST]) -> bool:
        return isinstance(self.parent, kinds)


@dataclass(frozen=True)
class Unit:
    """What is compiled and exchanged as one: a function with those in it, or a module-level assignment."""

    name: str
    node: Function | ast.Assign | ast.AnnAssign
    classes: tuple[str, ...] = ()

    @property
    def is_function(self) -> bool:
        return isinstance(self.node, FUNCTION)


def units(tree: ast.Module) -> Iterator[Unit]:
    """The outermost functions, methods and assignments of a module."""
    yield from _units(tree.body, ())


def _units(body: Sequence[ast.stmt], classes: tuple[str, ...]) -> Iterator[Unit]:
    for node in body:
        if isinstance(node, FUNCTION):
            yield Unit(".".join((*classes, node.name)), node, classes)
        elif isinstance(node, ast.ClassDef):
            yield from _units(node.body, (*classes, node.name))
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and not classes:
            yield Unit(f"line {node.lineno}", node)
        elif isinstance(node, ast.If | ast.Try):
            yield from _units([*node.body, *node.orelse], classes)


def sites(unit: Unit, suspicions: Mapping[int, float], whole: float = 0.0) -> Iterator[Site]:
    """The sites of a unit that failing tests reach, in the order of its text.

    `whole` is the suspicion of all of a unit's lines where no line of it is counted by itself.
    """
    node = unit.node
    if isinstance(node, ast.Assign | ast.AnnAssign):
        if node.value is not None:
            yield from _below(node.value, node, "value", None, _Around(suspicions, node.lineno, whole))
        return
    for field in ("defaults", "kw_defaults"):
        for index, given in enumerate(getattr(node.args, field)):
            if given is not None:
                at = max((suspicions.get(line, 0.0) for line in _lines(node)), default=0.0)
                yield from _below(given, node.args, field, index, _Around({}, node.lineno, at, default=True))
    around = _Around(suspicions, node.lineno, whole)
    for index, statement in enumerate(node.body):
        if not (index == 0 and _is_text(statement)):
            yield from _below(statement, node, "body", index, around)


def _lines(node: ast.AST) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class _Around:
    suspicions: Mapping[int, float]
    line: int
    whole: float
    in_loop: bool = False
    default: bool = False
    above: Site | None = None


def _below(node: ast.AST, parent: ast.AST, field: str, index: int | None, around: _Around) -> Iterator[Site]:
    if isinstance(
        node, ast.Raise | ast.Import | ast.ImportFrom | ast.Global | ast.Nonlocal | ast.Pass | ast.ClassDef
    ):
        return
    line = getattr(node, "lineno", around.line)
    suspicion = around.whole or _suspicion(node, around)
    if suspicion <= 0 and not isinstance(node, ast.stmt):
        return
    site = Site(
        node, parent, field, index, line, suspicion, around.in_loop, around.default, above=around.above
    )
    if isinstance(node, ast.expr | ast.stmt):
        yield site
    inner = _Around(
        around.suspicions,
        line,
        around.whole,
        around.in_loop or isinstance(node, _LOOPS),
        around.default,
        above=site,
    )
    for name, value in ast.iter_fields(node):
        if name in SKIPPED_FIELDS or (isinstance(node, ast.Expr) and _is_text(node)):
            continue
        if isinstance(value, list):
            for place, one in enumerate(value):
                if isinstance(one, ast.AST):
                    yield from _below(one, node, name, place, inner)
        elif isinstance(value, ast.AST):
            yield from _below(value, node, name, None, inner)


def _suspicion(node: ast.AST, around: _Around) -> float:
    """That of the node's lines; of a compound statement those of its head, or of what it holds."""
    if not hasattr(node, "lineno"):
        return max(around.suspicions.get(around.line, 0.0), 1e-9)
    own = max(around.suspicions.get(line, 0.0) for line in _lines(node))
    if own == 0.0 and not isinstance(node, ast.stmt) and around.above is not None:
        return around.above.suspicion  # of a long statement, coverage may count the first line alone
    return own


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
