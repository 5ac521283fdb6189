"""The fourth class: small expressions made anew of what is at hand."""

import ast
from collections.abc import Iterator
from typing import Any

from bloomery.optimize.proposers.repair.building import call, compare, constant, load
from bloomery.optimize.proposers.repair.operators.guarding import guards
from bloomery.optimize.proposers.repair.operators.replacing import is_value
from bloomery.optimize.proposers.repair.operators.tokens import Made
from bloomery.optimize.proposers.repair.scope import SIZED, Scope
from bloomery.optimize.proposers.repair.sites import Site


def computed(site: Site, scope: Scope) -> Iterator[Made]:
    """A number becomes the sum, difference, product, quotient or extreme of two things at hand."""
    node: Any = site.node
    if not is_value(site) or not scope.is_number(node) or isinstance(node, ast.Compare | ast.BoolOp):
        return
    if isinstance(node, ast.Constant) and type(node.value) is not int:
        return
    parts = _numbers(scope)
    base = 0.3 if scope.kinds(node) else 0.15
    for place, one in enumerate(parts):
        for other in parts[place:]:
            weighed = base * (0.5 if isinstance(other, ast.Constant) else 1.0)
            for op, prior in (
                (ast.Add(), 0.8),
                (ast.Sub(), 0.8),
                (ast.Mult(), 0.6),
                (ast.FloorDiv(), 0.3),
                (ast.Mod(), 0.4),
            ):
                yield site.replaced(ast.BinOp(one, op, other)), prior * weighed, 3
                if isinstance(op, ast.Sub | ast.FloorDiv | ast.Mod) and one is not other:
                    yield site.replaced(ast.BinOp(other, op, one)), prior * weighed, 3
            if one is not other:
                yield site.replaced(call("max", one, other)), 0.3 * weighed, 3
                yield site.replaced(call("min", one, other)), 0.3 * weighed, 3


def _numbers(scope: Scope) -> list[ast.expr]:
    parts = [atom for atom in scope.atoms if scope.is_number(atom)]
    parts += [call("len", atom) for atom in scope.atoms if scope.kinds(atom) & SIZED]
    parts += [
        one
        for one in scope.ingredients
        if isinstance(one, ast.Subscript | ast.Attribute) and scope.is_number(one)
    ][:6]
    return [*parts[:12], constant(1), constant(2)]


def looked_up(site: Site, scope: Scope) -> Iterator[Made]:
    """A value becomes an element of a list, text or mapping at hand."""
    node: Any = site.node
    if not is_value(site) or isinstance(node, ast.Compare | ast.BoolOp | ast.Constant):
        return
    wholes = [atom for atom in scope.atoms if scope.kinds(atom) & SIZED or not scope.kinds(atom)]
    places: list[ast.expr] = [load(name) for name in scope.variables]
    places += [constant(0), ast.UnaryOp(ast.USub(), constant(1))]
    places += [
        ast.BinOp(load(name), ast.Sub(), constant(1))
        for name in scope.variables
        if "int" in scope.kinds(load(name))
    ]
    for whole in wholes:
        for place in places:
            if place is not whole:
                new = ast.Subscript(whole, place, ast.Load())
                yield site.replaced(new), 0.2 * scope.likeness(new, node), 3


def chosen(site: Site, scope: Scope) -> Iterator[Made]:
    """`e` becomes `e if g else v`."""
    node: Any = site.node
    if not is_value(site) or not site.within(ast.Return, ast.Assign, ast.AugAssign):
        return
    others = [constant(0), constant(None), *scope.atoms, ast.List([], ast.Load())]
    for guard, likely in guards(scope, site):
        if likely >= 0.35:
            for other in others:
                fits = scope.likeness(other, node)
                yield site.replaced(ast.IfExp(guard, node, other)), 0.3 * likely * fits, 4


def compared(site: Site, scope: Scope) -> Iterator[Made]:
    """One side of a comparison becomes a sum or difference of two things at hand."""
    node: Any = site.node
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        parts = _numbers(scope)
        for one in parts:
            for other in parts:
                for op in (ast.Add(), ast.Sub(), ast.Mult(), ast.Mod()):
                    new = ast.BinOp(one, op, other)
                    yield site.replaced(compare(node.left, node.ops[0], new)), 0.2, 3
                    yield site.replaced(compare(new, node.ops[0], node.comparators[0])), 0.2, 3
