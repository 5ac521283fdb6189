"""The second class: parts change places, are grouped otherwise, or are left out."""

import ast
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from bloomery.optimize.proposers.repair.operators.tokens import Made
from bloomery.optimize.proposers.repair.scope import Scope
from bloomery.optimize.proposers.repair.sites import Site


def swapped(site: Site, scope: Scope) -> Iterator[Made]:
    """Two operands, arguments, elements, branches or subscripts change places."""
    node: Any = site.node
    if isinstance(node, ast.BinOp) and not isinstance(
        node.op, ast.Mult | ast.BitAnd | ast.BitOr | ast.BitXor
    ):
        yield site.replaced(ast.BinOp(node.right, node.op, node.left)), 0.6, 1
    elif isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.In | ast.NotIn):
        yield site.replaced(ast.Compare(node.comparators[0], node.ops, [node.left])), 0.4, 1
    elif isinstance(node, ast.BoolOp):
        yield site.replaced(ast.BoolOp(node.op, node.values[::-1])), 0.4, 1
    elif isinstance(node, ast.IfExp):
        yield site.replaced(ast.IfExp(node.test, node.orelse, node.body)), 0.7, 1
    elif isinstance(node, ast.Call):
        for new in _with_two_swapped(node.args):
            yield site.replaced(ast.Call(node.func, new, node.keywords)), 0.7, 1
    elif isinstance(node, ast.Tuple | ast.List) and len(node.elts) <= 5:
        for new in _with_two_swapped(node.elts):
            yield site.replaced(type(node)(new, node.ctx)), 0.7 if isinstance(node, ast.Tuple) else 0.3, 1
    elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Subscript):
        inner = node.value
        new_inner = ast.Subscript(inner.value, node.slice, inner.ctx)
        yield site.replaced(ast.Subscript(new_inner, inner.slice, node.ctx)), 0.7, 1
    elif isinstance(node, ast.Dict) and len(node.keys) == 1 and node.keys[0] is not None:
        yield site.replaced(ast.Dict(list(node.values), [node.keys[0]])), 0.3, 1
    elif isinstance(node, ast.DictComp):
        yield site.replaced(ast.DictComp(node.value, node.key, node.generators)), 0.3, 1


def _with_two_swapped(nodes: list[ast.expr]) -> Iterator[list[ast.expr]]:
    for one, other in combinations(range(len(nodes)), 2):
        if ast.dump(nodes[one]) != ast.dump(nodes[other]):
            new = list(nodes)
            new[one], new[other] = new[other], new[one]
            yield new


def regrouped(site: Site, scope: Scope) -> Iterator[Made]:
    """Parentheses elsewhere: `a * b + c` and `a * (b + c)`."""
    node: Any = site.node
    if isinstance(node, ast.BinOp):
        if isinstance(node.left, ast.BinOp):
            inner = node.left
            right = ast.BinOp(inner.right, node.op, node.right)
            yield site.replaced(ast.BinOp(inner.left, inner.op, right)), 0.5, 1
        if isinstance(node.right, ast.BinOp):
            inner = node.right
            left = ast.BinOp(node.left, node.op, inner.left)
            yield site.replaced(ast.BinOp(left, inner.op, inner.right)), 0.5, 1
    elif isinstance(node, ast.BoolOp):
        for place, one in enumerate(node.values):
            if isinstance(one, ast.BoolOp) and place + 1 < len(node.values):
                joined = ast.BoolOp(node.op, [one.values[-1], *node.values[place + 1 :]])
                new = ast.BoolOp(one.op, [*one.values[:-1], joined])
                yield site.replaced(new), 0.4, 1


def dropped(site: Site, scope: Scope) -> Iterator[Made]:
    """An operand, a call around its argument, an argument, a bound, a subscript or a filter is left out."""
    node: Any = site.node
    if isinstance(node, ast.BinOp):
        likely = 0.6 if scope.likeness(node.left, node) >= 0.5 else 0.3
        yield site.replaced(node.left), likely, 2
        yield site.replaced(node.right), likely, 2
    elif isinstance(node, ast.BoolOp):
        for place in range(len(node.values)):
            kept = [*node.values[:place], *node.values[place + 1 :]]
            yield site.replaced(kept[0] if len(kept) == 1 else ast.BoolOp(node.op, kept)), 0.6, 2
    elif isinstance(node, ast.Compare) and len(node.ops) > 1:
        yield site.replaced(ast.Compare(node.left, node.ops[:-1], node.comparators[:-1])), 0.4, 2
        yield site.replaced(ast.Compare(node.comparators[0], node.ops[1:], node.comparators[1:])), 0.4, 2
    elif isinstance(node, ast.IfExp):
        yield site.replaced(node.body), 0.4, 2
        yield site.replaced(node.orelse), 0.4, 2
    elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        yield site.replaced(node.value), 0.3 if isinstance(node.slice, ast.Slice) else 0.2, 2
    elif isinstance(node, ast.Slice):
        for name in ("lower", "upper", "step"):
            if getattr(node, name) is not None:
                parts: Any = {"lower": node.lower, "upper": node.upper, "step": node.step, name: None}
                yield site.replaced(ast.Slice(**parts)), 0.5, 1
    elif isinstance(node, ast.Starred) and isinstance(node.ctx, ast.Load):
        yield site.replaced(node.value), 0.4, 1
    elif isinstance(node, ast.AugAssign):
        yield site.replaced(ast.Assign([node.target], node.value)), 0.5, 1
    elif isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp):
        yield from _filters_dropped(site, node)
    elif isinstance(node, ast.Call):
        yield from _call_unwrapped(site, node)


def _filters_dropped(site: Site, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Iterator[Made]:
    for place, one in enumerate(node.generators):
        if one.ifs:
            plain = ast.comprehension(one.target, one.iter, one.ifs[:-1], one.is_async)
            generators = [*node.generators[:place], plain, *node.generators[place + 1 :]]
            yield site.replaced(type(node)(node.elt, generators)), 0.4, 2


def _call_unwrapped(site: Site, node: ast.Call) -> Iterator[Made]:
    if not site.within(ast.Expr):
        for argument in node.args:
            if not isinstance(argument, ast.Starred | ast.GeneratorExp):
                yield site.replaced(argument), 0.4, 2
    if isinstance(node.func, ast.Attribute) and not site.within(ast.Expr):
        yield site.replaced(node.func.value), 0.3, 2
    for place in range(len(node.args)):
        kept = [*node.args[:place], *node.args[place + 1 :]]
        yield site.replaced(ast.Call(node.func, kept, node.keywords)), 0.3, 2
    for place in range(len(node.keywords)):
        kept_words = [*node.keywords[:place], *node.keywords[place + 1 :]]
        yield site.replaced(ast.Call(node.func, node.args, kept_words)), 0.4, 2


def accumulated(site: Site, scope: Scope) -> Iterator[Made]:
    """`x = e` becomes `x += e` and the like."""
    node: Any = site.node
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
        if isinstance(target, ast.Name | ast.Attribute | ast.Subscript):
            for op, prior in ((ast.Add(), 0.6), (ast.Sub(), 0.3), (ast.Mult(), 0.2), (ast.BitOr(), 0.1)):
                yield site.replaced(ast.AugAssign(target, op, node.value)), prior, 1
