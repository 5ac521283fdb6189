"""The second class: something at hand stands in the place of something else, or it is one off."""

import ast
from collections.abc import Iterator
from typing import Any

from bloomery.optimize.proposers.repair.building import attribute, constant, load, without
from bloomery.optimize.proposers.repair.operators.tokens import Made
from bloomery.optimize.proposers.repair.scope import Scope
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
