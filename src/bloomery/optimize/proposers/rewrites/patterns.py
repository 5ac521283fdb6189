"""Patterns of Python written as Python: `for X_ in XS_: S_ += X_`.

A name of capitals that ends in `_` stands for any expression (or target, or attribute), the same one
wherever it comes again; as a statement of its own, `BODY_` stands for one or more statements.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

Bound = dict[str, ast.AST | list[ast.stmt] | str]
HOLE = re.compile(r"\b[A-Z][A-Z0-9]*_(?!\w)")
IGNORED = {"ctx", "type_comment", "kind", "type_params"}


@cache
def pattern(text: str) -> ast.expr | tuple[ast.stmt, ...]:
    """One expression, or a run of statements."""
    body = ast.parse(text).body
    if len(body) == 1 and isinstance(body[0], ast.Expr) and not text.endswith(";"):
        return body[0].value
    return tuple(body)


def same(one: ast.AST, other: ast.AST) -> bool:
    return ast.unparse(one) == ast.unparse(other)


class Binding(Bound):
    """What the holes stand for; `meant` says which names stand for an expression: `n` for `len(xs)`."""

    def __init__(self, meant: Mapping[str, ast.expr] | None = None) -> None:
        super().__init__()
        self.meant = meant or {}


def match(shape: ast.AST, node: ast.AST, meant: Mapping[str, ast.expr] | None = None) -> Bound | None:
    bound = Binding(meant)
    return bound if _node(shape, node, bound) else None


def match_run(
    shape: Sequence[ast.stmt], nodes: Sequence[ast.stmt], meant: Mapping[str, ast.expr] | None = None
) -> Bound | None:
    bound = Binding(meant)
    return bound if _sequence(shape, nodes, bound) else None


def subnodes(*roots: ast.AST) -> Iterator[ast.AST]:
    for root in roots:
        yield from ast.walk(root)


def _hole(shape: ast.AST) -> str | None:
    return shape.id if isinstance(shape, ast.Name) and HOLE.fullmatch(shape.id) else None


def _rest(shape: object) -> str | None:
    name = _hole(shape.value) if isinstance(shape, ast.Expr) else None
    return name if name and name.startswith("BODY") else None


def _node(shape: ast.AST, node: ast.AST, bound: Binding) -> bool:
    if name := _hole(shape):
        return isinstance(node, ast.expr) and _bind(name, node, bound)
    if isinstance(shape, ast.Call) and isinstance(node, ast.Name):
        node = bound.meant.get(node.id, node)
    if type(shape) is not type(node):
        return False
    return all(
        _value(getattr(shape, field, None), getattr(node, field, None), bound)
        for field in shape._fields
        if field not in IGNORED
    )


def _value(shape: object, value: object, bound: Binding) -> bool:
    if isinstance(shape, ast.AST):
        return isinstance(value, ast.AST) and _node(shape, value, bound)
    if isinstance(shape, list):
        return isinstance(value, list) and _sequence(shape, value, bound)
    if isinstance(shape, str) and HOLE.fullmatch(shape):
        return isinstance(value, str) and _bind(shape, ast.Name(value, ast.Load()), bound, as_text=True)
    return type(shape) is type(value) and shape == value


def _sequence(shapes: Sequence[object], values: Sequence, bound: Binding) -> bool:
    for at, shape in enumerate(shapes):
        if name := _rest(shape):
            tail = len(shapes) - at - 1
            body = values[at : len(values) - tail]
            if not body:
                return False
            bound[name] = list(body)
            return _all(shapes[:at], values[:at], bound) and _all(
                shapes[at + 1 :], values[len(values) - tail :], bound
            )
    return _all(shapes, values, bound)


def _all(shapes: Sequence[object], values: Sequence[object], bound: Binding) -> bool:
    return len(shapes) == len(values) and all(
        _value(shape, value, bound) for shape, value in zip(shapes, values, strict=True)
    )


def _bind(name: str, node: ast.expr, bound: Binding, *, as_text: bool = False) -> bool:
    known = bound.get(name)
    if known is None:
        bound[name] = node.id if as_text and isinstance(node, ast.Name) else node
        return True
    if isinstance(known, str):
        return isinstance(node, ast.Name) and node.id == known
    return known is node or (isinstance(known, ast.AST) and same(known, node))
