"""Places that are one too far or one too few."""

import ast
from collections.abc import Iterator

from bloomery.source.mutating.literals import literal, number
from bloomery.source.mutating.place import Place
from bloomery.source.mutating.replacing import Replacements, changed


def index(node: ast.AST, place: Place) -> Replacements:
    """One place too far, or one too few."""
    match node:
        case ast.Subscript(slice=ast.Tuple(elts=elements) as inside):
            for at, element in enumerate(elements):
                for shifted in _shifted(element, place):
                    moved = [*elements[:at], shifted, *elements[at + 1 :]]
                    yield changed(node, slice=changed(inside, elts=moved))
        case ast.Subscript(slice=inside):
            for shifted in _shifted(inside, place):
                yield changed(node, slice=shifted)
        case ast.Call(func=ast.Name(id="range" | "arange"), args=[stop]):
            yield changed(node, args=[_moved(stop, -1)])
        case ast.Call(func=ast.Name(id="range" | "arange"), args=[start, stop, *rest]):
            yield changed(node, args=[_moved(start, 1), stop, *rest])
            yield changed(node, args=[start, _moved(stop, -1), *rest])


def _shifted(node: ast.expr, place: Place) -> Iterator[ast.AST]:
    match node:
        case ast.Slice(lower=lower, upper=upper):
            if lower is not None:
                yield changed(node, lower=_moved(lower, 1))
            if upper is not None:
                yield changed(node, upper=_moved(upper, -1))
        case ast.Name(id=name) if name in place.indices:
            yield _moved(node, 1)
        case _ if isinstance(number(node), int):
            yield _moved(node, 1)


def _moved(node: ast.expr, by: int) -> ast.expr:
    """One further on in the direction that `node` counts in: -1 goes to -2."""
    value = number(node)
    if isinstance(value, int):
        return literal(value + by if value > 0 or (value == 0 and by > 0) else value - 1)
    return ast.BinOp(node, ast.Add() if by > 0 else ast.Sub(), ast.Constant(abs(by)))
