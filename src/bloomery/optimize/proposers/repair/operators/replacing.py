"""The second class: something at hand stands in the place of something else, or is left out, or one off."""

import ast
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from bloomery.optimize.proposers.repair.operators.tokens import Made
from bloomery.optimize.proposers.repair.scope import Scope, attribute, constant, load, without
from bloomery.optimize.proposers.repair.sites import Site

COMMON_METHODS = {
    "list": "append extend insert pop remove sort reverse copy index count clear",
    "str": "strip lower upper split join replace find count isdigit isalpha isupper islower rstrip lstrip",
    "dict": "get items keys values pop setdefault update copy",
    "set": "add discard remove union intersection difference update pop copy",
    "deque": "append appendleft pop popleft extend rotate",
}


def is_value(site: Site) -> bool:
    """An expression that is read: no target, no callee, no part of a format."""
    node: Any = site.node
    if not isinstance(node, ast.expr) or isinstance(
        node, ast.Slice | ast.Starred | ast.JoinedStr | ast.FormattedValue
    ):
        return False
    read = isinstance(getattr(node, "ctx", None) or ast.Load(), ast.Load)
    return read and not (site.field == "func" and site.within(ast.Call)) and not site.within(ast.Expr)


def one_off(site: Site, scope: Scope) -> Iterator[Made]:
    node: Any = site.node
    if not is_value(site) or not isinstance(
        node, ast.Name | ast.Call | ast.Subscript | ast.BinOp | ast.Attribute
    ):
        return
    if not scope.is_number(node) or site.within(ast.Attribute, ast.UnaryOp):
        return
    if isinstance(node, ast.BinOp) and isinstance(node.right, ast.Constant):
        return  # its constant is changed by another operator
    prior = _place_prior(site) * (1.0 if scope.kinds(node) else 0.6)
    if isinstance(site.parent, ast.Subscript) and site.field == "value":
        return
    yield site.replaced(ast.BinOp(node, ast.Add(), constant(1))), prior, 2
    yield site.replaced(ast.BinOp(node, ast.Sub(), constant(1))), prior, 2


def _place_prior(site: Site) -> float:
    parent = site.parent
    if isinstance(parent, ast.Slice | ast.Subscript):
        return 1.0
    if isinstance(parent, ast.Call) and isinstance(parent.func, ast.Name) and parent.func.id == "range":
        return 1.0
    return 0.8 if isinstance(parent, ast.Compare | ast.Return) else 0.6


def range_from(site: Site, scope: Scope) -> Iterator[Made]:
    """`range(n)` from 1 or to n + 1, `enumerate` from 1, slices that begin or end one further."""
    node: Any = site.node
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id == "range" and len(node.args) == 1:
            for start in (constant(1), *map(load, scope.variables[:6])):
                yield site.replaced(ast.Call(node.func, [start, *node.args], [])), 0.5, 2
        elif node.func.id == "range" and len(node.args) == 2:
            down = [*node.args, ast.UnaryOp(ast.USub(), constant(1))]
            yield site.replaced(ast.Call(node.func, down, [])), 0.3, 2
            yield site.replaced(ast.Call(node.func, [*node.args, constant(2)], [])), 0.2, 2
        elif node.func.id == "enumerate" and len(node.args) == 1 and not node.keywords:
            yield site.replaced(ast.Call(node.func, [*node.args, constant(1)], [])), 0.4, 2
    elif isinstance(node, ast.Slice):
        for name in ("lower", "upper"):
            if getattr(node, name) is None:
                for bound in (constant(1), ast.UnaryOp(ast.USub(), constant(1)), *map(load, scope.variables)):
                    parts: Any = {"lower": node.lower, "upper": node.upper, "step": node.step, name: bound}
                    likely = scope.likeness(bound, constant(0))
                    yield site.replaced(ast.Slice(**parts)), 0.4 * likely, 2


def variable(site: Site, scope: Scope) -> Iterator[Made]:
    """Another variable, attribute or constant of the module, in the place of a name, attribute or call."""
    node: Any = site.node
    if not is_value(site) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        return
    simple = isinstance(node, ast.Name | ast.Attribute)
    if not simple and not isinstance(node, ast.Call | ast.Subscript | ast.Constant):
        return
    if isinstance(node, ast.Name) and site.within(ast.Call) and node.id in scope.callables:
        return
    base = 0.7 if simple else 0.35
    for atom in without(scope.atoms, node):
        name = atom.id if isinstance(atom, ast.Name) else ""
        known = scope.known_at(name, site.line, in_loop=site.in_loop) if name else 1.0
        yield site.replaced(atom), base * known * scope.likeness(atom, node), 1 if simple else 2


def attribute_name(site: Site, scope: Scope) -> Iterator[Made]:
    node: Any = site.node
    if not isinstance(node, ast.Attribute) or (site.field == "func" and site.within(ast.Call)):
        return
    own = isinstance(node.value, ast.Name) and node.value.id == "self"
    for name in scope.own_attributes if own else scope.attributes:
        if name != node.attr:
            likely = scope.likeness(attribute("self", name), node) if own else 0.7
            yield site.replaced(ast.Attribute(node.value, name, node.ctx)), 0.8 * likely, 1


def index_of_target(site: Site, scope: Scope) -> Iterator[Made]:
    """Another target of an assignment."""
    node: Any = site.node
    if (
        isinstance(node, ast.Name)
        and isinstance(node.ctx, ast.Store)
        and site.within(ast.Assign, ast.AugAssign, ast.Tuple)
    ):
        for name in scope.stored:
            if name != node.id:
                likely = scope.likeness(load(name), load(node.id))
                yield site.replaced(ast.Name(name, ast.Store())), 0.5 * likely, 1
        for name in scope.own_attributes:
            new = ast.Attribute(load("self"), name, ast.Store())
            yield site.replaced(new), 0.2 * scope.likeness(attribute("self", name), load(node.id)), 2


def callee(site: Site, scope: Scope) -> Iterator[Made]:
    """Another function of the module, method of the file, or common method of the receiver's type."""
    node: Any = site.node
    if not isinstance(node, ast.Call):
        return
    count = len(node.args)
    if isinstance(node.func, ast.Name):
        for name, needed in scope.callables.items():
            if name != node.func.id:
                fits = 0.5 if needed == count else 0.05
                yield site.replaced(ast.Call(load(name), node.args, node.keywords)), fits, 1
        for name in ("len", "sum", "max", "min", "sorted", "abs", "set", "list", "int", "str"):
            if name != node.func.id and node.func.id not in scope.callables:
                yield site.replaced(ast.Call(load(name), node.args, node.keywords)), 0.15, 1
    elif isinstance(node.func, ast.Attribute):
        base, old = node.func.value, node.func.attr
        known = dict.fromkeys(scope.called_methods, 0.4)
        if isinstance(base, ast.Name) and base.id == "self":
            known |= {name: 0.6 if needed == count else 0.1 for name, needed in scope.methods.items()}
        for kind in scope.kinds(base):
            known |= {name: 0.3 for name in COMMON_METHODS.get(kind, "").split() if name not in known}
        for name, prior in known.items():
            if name != old:
                new = ast.Attribute(base, name, ast.Load())
                yield site.replaced(ast.Call(new, node.args, node.keywords)), prior, 1


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
