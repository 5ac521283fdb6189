"""Steps: a call put at the start of each loop's and function's body, so that running on and on is counted.

A candidate that loops for ever is ended by its count of steps and not by the clock, so that the same
candidates pass on a fast machine and on a loaded one.
"""

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

Node = TypeVar("Node", bound=ast.AST)
STEP = "__bloomery_step__"
_BODIES = (ast.For, ast.AsyncFor, ast.While, ast.FunctionDef, ast.AsyncFunctionDef)


@contextmanager
def counted(root: ast.AST) -> Iterator[None]:
    """Within, the tree counts its steps; new nodes without a place get the one around them."""
    kept: list[tuple[ast.AST, str, object]] = []
    try:
        _count(root, 1, kept)
        yield
    finally:
        for node, name, value in reversed(kept):
            setattr(node, name, value)


def _count(node: ast.AST, line: int, kept: list[tuple[ast.AST, str, object]]) -> None:
    if isinstance(
        node, ast.expr | ast.stmt | ast.excepthandler | ast.arg | ast.keyword | ast.pattern | ast.alias
    ):
        line = getattr(node, "lineno", line)
        if getattr(node, "end_lineno", None) is None:
            node.lineno = node.end_lineno = line
            node.col_offset = node.end_col_offset = 0
    for inner in ast.iter_child_nodes(node):
        _count(inner, line, kept)
    if isinstance(node, _BODIES):
        _put(node, "body", [_placed(ast.Expr(_call(line)), line), *node.body], kept)
    elif isinstance(node, ast.Lambda):
        both = ast.BoolOp(ast.And(), [_call(line), node.body])
        _put(node, "body", _placed(both, line), kept)
    elif isinstance(node, ast.comprehension):
        _put(node, "ifs", [_call(line), *node.ifs], kept)


def _put(node: ast.AST, name: str, value: object, kept: list[tuple[ast.AST, str, object]]) -> None:
    kept.append((node, name, getattr(node, name)))
    setattr(node, name, value)


def _call(line: int) -> ast.expr:
    return _placed(ast.Call(_placed(ast.Name(STEP, ast.Load()), line), [], []), line)


def _placed(node: Node, line: int) -> Node:
    node.lineno = node.end_lineno = line  # type: ignore[attr-defined]
    node.col_offset = node.end_col_offset = 0  # type: ignore[attr-defined]
    return node
