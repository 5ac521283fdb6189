"""The third class: conditions over what is at hand, beside one or in its place."""

import ast
from collections.abc import Iterator
from typing import Any

from bloomery.optimize.proposers.repair.building import compare, constant, no
from bloomery.optimize.proposers.repair.operators.tokens import Made
from bloomery.optimize.proposers.repair.scope import NUMBERS, SIZED, Scope
from bloomery.optimize.proposers.repair.sites import Site


def guards(scope: Scope, site: Site) -> Iterator[tuple[ast.expr, float]]:
    """Conditions over what is at hand, the likely first."""
    atoms = [atom for atom in scope.atoms if _is_known(scope, atom, site)]
    for condition in scope.conditions:
        yield condition, 0.5
        yield no(condition), 0.4
    for atom in atoms:
        kinds = scope.kinds(atom)
        likely = 0.8 if not kinds or kinds & (SIZED | {"bool", "NoneType"}) else 0.4
        yield atom, likely
        yield no(atom), likely
        if not kinds or "NoneType" in kinds or len(kinds) > 1:
            yield compare(atom, ast.IsNot(), constant(None)), 0.5
            yield compare(atom, ast.Is(), constant(None)), 0.5
        if not kinds or kinds & NUMBERS:
            for op in (ast.Gt(), ast.GtE(), ast.Eq(), ast.NotEq(), ast.Lt(), ast.LtE()):
                yield compare(atom, op, constant(0)), 0.35
                yield compare(atom, op, constant(1)), 0.15
    parts = [*atoms, *(one for one in scope.ingredients if not isinstance(one, ast.Compare | ast.BoolOp))][
        :18
    ]
    for place, one in enumerate(parts):
        for other in parts[place + 1 :]:
            likely = scope.likeness(one, other)
            if likely >= 0.5 and scope.is_number(one) and scope.is_number(other):
                for op in (ast.Lt(), ast.LtE(), ast.Eq(), ast.NotEq(), ast.Gt(), ast.GtE()):
                    yield compare(one, op, other), 0.12 * likely
            elif likely == 1.0:
                yield compare(one, ast.Eq(), other), 0.15
                yield compare(one, ast.NotEq(), other), 0.15
            for item, whole in ((one, other), (other, one)):
                if scope.kinds(whole) & (SIZED - {"bytes"}) and not scope.kinds(item) & {
                    "list",
                    "dict",
                    "set",
                }:
                    yield compare(item, ast.In(), whole), 0.2
                    yield compare(item, ast.NotIn(), whole), 0.2


def _is_known(scope: Scope, atom: ast.expr, site: Site) -> bool:
    return not isinstance(atom, ast.Name) or scope.known_at(atom.id, site.line, in_loop=site.in_loop) > 0.1


def guarded(site: Site, scope: Scope) -> Iterator[Made]:
    """`c` becomes `g and c`, `c and g`, `g or c`, `c or g`; a filter is put on a comprehension."""
    node: Any = site.node
    if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp):
        yield from _filtered(site, node, scope)
        return
    truth = isinstance(node, ast.Compare | ast.BoolOp | ast.Call | ast.UnaryOp) and site.within(ast.Return)
    if not isinstance(node, ast.expr) or not (site.is_condition or truth):
        return
    if truth and scope.kinds(node) not in (frozenset(), frozenset({"bool"})):
        return
    for guard, likely in guards(scope, site):
        if ast.dump(guard) != ast.dump(node):
            for op, prior in ((ast.And(), 0.6), (ast.Or(), 0.5)):
                yield site.replaced(ast.BoolOp(op, [guard, node])), prior * likely, 3
                yield site.replaced(ast.BoolOp(op, [node, guard])), prior * likely, 3


def _filtered(
    site: Site, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, scope: Scope
) -> Iterator[Made]:
    last = node.generators[-1]
    for guard, likely in guards(scope, site):
        new = ast.comprehension(last.target, last.iter, [*last.ifs, guard], last.is_async)
        yield site.replaced(type(node)(node.elt, [*node.generators[:-1], new])), 0.4 * likely, 3


def condition(site: Site, scope: Scope) -> Iterator[Made]:
    """Another condition in the place of this one."""
    node: Any = site.node
    if isinstance(node, ast.expr) and (site.is_condition or site.within(ast.BoolOp)):
        for guard, likely in guards(scope, site):
            if ast.dump(guard) != ast.dump(node):
                yield site.replaced(guard), 0.4 * likely, 3
