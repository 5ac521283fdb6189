"""The third class: numbers held within bounds, added to, or taken modulo."""

import ast
from collections.abc import Iterator
from typing import Any

from bloomery.optimize.proposers.repair.building import call, constant, load, without
from bloomery.optimize.proposers.repair.operators.replacing import is_value
from bloomery.optimize.proposers.repair.operators.tokens import Made
from bloomery.optimize.proposers.repair.scope import SIZED, Scope
from bloomery.optimize.proposers.repair.sites import Site


def is_placed(site: Site) -> bool:
    """Where a wrapped value reads naturally."""
    return (
        is_value(site)
        and not site.within(ast.Attribute, ast.UnaryOp, ast.keyword)
        and site.field != "targets"
    )


def clamped(site: Site, scope: Scope) -> Iterator[Made]:
    node: Any = site.node
    if (
        not is_placed(site)
        or isinstance(node, ast.Constant | ast.Compare | ast.BoolOp)
        or not scope.is_number(node)
    ):
        return
    base = 0.6 if site.within(ast.Assign, ast.Return, ast.Subscript, ast.AugAssign, ast.Slice) else 0.3
    bounds: list[tuple[ast.expr, float]] = [(constant(0), 0.7), (constant(1), 0.4)]
    bounds += [
        (atom, scope.likeness(atom, node)) for atom in without(scope.atoms, node) if scope.is_number(atom)
    ]
    bounds += [
        (one, 0.6 * scope.likeness(one, node))
        for one in without(scope.ingredients, node)
        if scope.is_number(one)
    ]
    for atom in scope.atoms:
        kinds = scope.kinds(atom)
        if kinds & SIZED:
            bounds += [(call("len", atom), 0.4), (ast.BinOp(call("len", atom), ast.Sub(), constant(1)), 0.4)]
        elif kinds & {"int"}:
            bounds += [(ast.BinOp(atom, ast.Sub(), constant(1)), 0.35)]
    if isinstance(site.parent, ast.Assign) and not isinstance(site.parent.targets[0], ast.Tuple | ast.Name):
        bounds.insert(0, (_read(site.parent.targets[0]), 1.0))
    for bound, likely in bounds:
        yield site.replaced(call("max", bound, node)), base * likely, 3
        yield site.replaced(call("min", bound, node)), base * likely, 3


def _read(target: ast.expr) -> ast.expr:
    if isinstance(target, ast.Subscript):
        return ast.Subscript(target.value, target.slice, ast.Load())
    if isinstance(target, ast.Attribute):
        return ast.Attribute(target.value, target.attr, ast.Load())
    return target


def joined(site: Site, scope: Scope) -> Iterator[Made]:
    """Plus, minus or times something at hand; the square; a list or text beside."""
    node: Any = site.node
    if not is_placed(site) or isinstance(node, ast.Compare | ast.BoolOp | ast.List | ast.Tuple):
        return
    kinds = scope.kinds(node)
    if scope.is_number(node) and not (isinstance(node, ast.Constant) and isinstance(node.value, bool)):
        base = 0.5 if kinds else 0.25
        yield site.replaced(ast.BinOp(node, ast.Pow(), constant(2))), 0.6 * base, 2
        yield site.replaced(ast.BinOp(node, ast.Mult(), constant(2))), 0.3 * base, 2
        yield site.replaced(ast.BinOp(node, ast.FloorDiv(), constant(2))), 0.3 * base, 2
        for part in [*scope.atoms, *scope.ingredients]:
            if not scope.is_number(part) or isinstance(part, ast.Compare):
                continue
            likely = (
                base
                * scope.likeness(part, node)
                * (1.0 if isinstance(part, ast.Name | ast.Attribute) else 0.6)
            )
            for op, prior in (
                (ast.Add(), 0.9),
                (ast.Sub(), 0.9),
                (ast.Mult(), 0.7),
                (ast.FloorDiv(), 0.3),
                (ast.Div(), 0.2),
            ):
                yield site.replaced(ast.BinOp(node, op, part)), prior * likely, 2
            yield site.replaced(ast.BinOp(part, ast.Sub(), node)), 0.4 * likely, 2
    if not kinds or kinds & {"list", "str"}:
        for part in scope.atoms:
            likely = 0.4 if kinds else 0.2
            if "list" in kinds or not kinds:
                yield site.replaced(ast.BinOp(node, ast.Add(), ast.List([part], ast.Load()))), likely, 3
                yield site.replaced(ast.BinOp(ast.List([part], ast.Load()), ast.Add(), node)), likely, 3
            if scope.kinds(part) & kinds:
                yield site.replaced(ast.BinOp(node, ast.Add(), part)), likely, 2
                yield site.replaced(ast.BinOp(part, ast.Add(), node)), likely, 2


def modulus(site: Site, scope: Scope) -> Iterator[Made]:
    node: Any = site.node
    whole = isinstance(node, ast.BinOp | ast.Name | ast.Call | ast.Subscript | ast.Attribute)
    if not is_placed(site) or not whole or not scope.is_number(node):
        return
    bounds: list[ast.expr] = [constant(value) for value in scope.numbers if value > 1]
    bounds += [atom for atom in scope.atoms if scope.is_number(atom)]
    bounds += [
        call("len", atom) for atom in scope.atoms if scope.kinds(atom) & SIZED or not scope.kinds(atom)
    ]
    bounds += [call("len", load(name)) for name in scope.constants]
    prior = 0.6 if isinstance(node, ast.BinOp) else 0.3
    bounds += [constant(value) for value in (2, 10, 26, 10**9 + 7) if value not in scope.numbers]
    for bound in without(bounds, node):
        yield site.replaced(ast.BinOp(node, ast.Mod(), bound)), prior, 2
