"""Expressions made of names and values."""

import ast
from collections.abc import Iterable


def load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def attribute(base: str, name: str) -> ast.Attribute:
    return ast.Attribute(load(base), name, ast.Load())


def constant(value: object) -> ast.Constant:
    return ast.Constant(value)  # type: ignore[arg-type]


def call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(load(name), list(arguments), [])


def compare(left: ast.expr, op: ast.cmpop, right: ast.expr) -> ast.Compare:
    return ast.Compare(left, [op], [right])


def no(value: ast.expr) -> ast.UnaryOp:
    return ast.UnaryOp(ast.Not(), value)


def without(nodes: Iterable[ast.expr], node: ast.AST) -> list[ast.expr]:
    """Those that do not read as `node` does."""
    text = ast.dump(node)
    return [one for one in nodes if ast.dump(one) != text]
