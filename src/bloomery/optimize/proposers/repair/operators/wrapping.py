"""The third class: something is put around an expression, or another stands in its place."""

import ast
from collections.abc import Iterator
from typing import Any

from bloomery.optimize.proposers.repair.building import call, constant, load, without
from bloomery.optimize.proposers.repair.operators.bounding import is_placed
from bloomery.optimize.proposers.repair.operators.guarding import guards
from bloomery.optimize.proposers.repair.operators.replacing import is_value
from bloomery.optimize.proposers.repair.operators.tokens import Made
from bloomery.optimize.proposers.repair.scope import NUMBERS, SEQUENCES, SIZED, Scope
from bloomery.optimize.proposers.repair.sites import Site

TEXTS = ("", " ", ",", ", ", "\n", ".", "-", "0", "_", ":", "\t")
WRAPS = {  # what a call may be put around, by the argument's type
    "len": SIZED,
    "sorted": SIZED,
    "set": SIZED,
    "list": SIZED | {"map", "filter", "zip", "dict_keys", "dict_values", "dict_items", "range", "generator"},
    "tuple": SIZED,
    "reversed": SEQUENCES,
    "sum": SIZED,
    "max": SIZED,
    "min": SIZED,
    "abs": NUMBERS,
    "int": NUMBERS | {"str"},
    "str": NUMBERS | {"str"},
    "round": NUMBERS,
    "bool": NUMBERS | SIZED,
    "float": NUMBERS | {"str"},
    "enumerate": SIZED,
    "range": NUMBERS,
}
METHODS = {
    "list": ("copy",),
    "dict": ("items", "values", "keys", "copy"),
    "str": ("strip", "lower", "upper", "split"),
    "set": ("copy",),
}


def sliced(site: Site, scope: Scope) -> Iterator[Made]:
    node: Any = site.node
    if not is_placed(site) or not isinstance(node, ast.Name | ast.Attribute | ast.Subscript | ast.Call):
        return
    if not scope.is_sequence(node) or isinstance(getattr(node, "slice", None), ast.Slice):
        return
    base = 0.5 if scope.kinds(node) else 0.25
    one, minus = constant(1), ast.UnaryOp(ast.USub(), constant(1))
    cuts: list[tuple[ast.Slice, float]] = [(ast.Slice(one, None), 1.0), (ast.Slice(None, minus), 1.0)]
    cuts += [(ast.Slice(None, None, minus), 1.0), (ast.Slice(None, None), 0.5), (ast.Slice(None, one), 0.3)]
    for name in scope.variables:
        if scope.kinds(load(name)) and not scope.kinds(load(name)) & {"int"}:
            continue
        after = ast.BinOp(load(name), ast.Add(), constant(1))
        cuts += [(ast.Slice(load(name), None), 0.6), (ast.Slice(None, load(name)), 0.6)]
        cuts += [(ast.Slice(after, None), 0.6), (ast.Slice(None, after), 0.4)]
    for cut, likely in cuts:
        yield site.replaced(ast.Subscript(node, cut, ast.Load())), base * likely, 2


def wrapped(site: Site, scope: Scope) -> Iterator[Made]:
    """A builtin, a function of the module or a method around a value; `*` before an argument."""
    node: Any = site.node
    if not is_value(site) or isinstance(node, ast.Compare | ast.BoolOp) or site.within(ast.Attribute):
        return
    kinds = scope.kinds(node)
    for name, taken in WRAPS.items():
        if not kinds or kinds & taken:
            yield site.replaced(call(name, node)), 0.45 if kinds else 0.2, 2
    for name, needed in scope.callables.items():
        if needed == 1:
            yield site.replaced(call(name, node)), 0.3, 2
    for name, needed in scope.methods.items():
        if needed == 1:
            own = ast.Attribute(load("self"), name, ast.Load())
            yield site.replaced(ast.Call(own, [node], [])), 0.3, 2
    for kind, names in METHODS.items():
        if not kinds or kind in kinds:
            for name in names:
                new = ast.Call(ast.Attribute(node, name, ast.Load()), [], [])
                yield site.replaced(new), 0.35 if kinds else 0.15, 2
    if site.within(ast.Call) and site.field == "args" and (not kinds or kinds & SIZED):
        yield site.replaced(ast.Starred(node, ast.Load())), 0.3, 1


def nested(site: Site, scope: Scope) -> Iterator[Made]:
    """`[]` becomes `[[]]` or `[v]`; an element more or fewer; a value becomes a list of it, or back."""
    node: Any = site.node
    if not is_value(site):
        return
    if isinstance(node, ast.List | ast.Tuple | ast.Set):

        def make(parts: list[Any]) -> ast.expr:
            return ast.Set(parts) if isinstance(node, ast.Set) else type(node)(parts, ast.Load())

        if isinstance(node, ast.List):
            yield site.replaced(ast.List([node], ast.Load())), 0.6, 1
        for atom in [*scope.atoms, constant(0), constant(1)]:
            yield site.replaced(make([*node.elts, atom])), 0.4, 1
            if node.elts:
                yield site.replaced(make([atom, *node.elts])), 0.3, 1
        for place in range(len(node.elts)):
            yield site.replaced(make([*node.elts[:place], *node.elts[place + 1 :]])), 0.3, 1
        if len(node.elts) == 1:
            yield site.replaced(node.elts[0]), 0.4, 1
    elif not isinstance(node, ast.Constant | ast.Compare | ast.BoolOp) and site.within(
        ast.Return, ast.Call, ast.BinOp, ast.Assign, ast.AugAssign
    ):
        yield site.replaced(ast.List([node], ast.Load())), 0.3, 1
        yield site.replaced(ast.Tuple([node], ast.Load())), 0.1, 1


def decided(site: Site, scope: Scope) -> Iterator[Made]:
    """A constant becomes a condition on what is at hand: `True` becomes `not v`, `v == 0`."""
    node: Any = site.node
    if not isinstance(node, ast.Constant) or not is_value(site):
        return
    if isinstance(node.value, bool) or (node.value is None and site.within(ast.Return)):
        for guard, likely in guards(scope, site):
            yield site.replaced(guard), 0.6 * likely, 2
    if node.value in (None, 0, 1, "") and site.within(ast.Return, ast.Assign, ast.IfExp):
        for one in scope.ingredients:
            yield site.replaced(one), 0.3 * scope.likeness(one, node), 2


def worded(site: Site, scope: Scope) -> Iterator[Made]:
    """Another text, or this one with a character more, less or in other case."""
    node: Any = site.node
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or len(node.value) > 60:
        return
    text = node.value
    found = dict.fromkeys((*scope.texts, *TEXTS), 0.35)
    found |= {text.strip(): 0.5, f"{text} ": 0.4, f" {text}": 0.4, f"{text}\n": 0.2, text.rstrip("\n"): 0.3}
    found |= {
        text.lower(): 0.4,
        text.upper(): 0.4,
        text.title(): 0.3,
        text.capitalize(): 0.3,
        text[::-1]: 0.2,
    }
    for place in range(len(text)):
        found.setdefault(text[:place] + text[place + 1 :], 0.3)
        found.setdefault(text[:place] + text[place].swapcase() + text[place + 1 :], 0.2)
        found.setdefault(text[: place + 1] + text[place:], 0.15)
        if place:
            found.setdefault(text[: place - 1] + text[place] + text[place - 1] + text[place + 1 :], 0.2)
    letters = {letter for other in scope.texts for letter in other if len(other) < 12} | set("aeiouyz09.,-_ ")
    for letter in sorted(letters - set(text)):
        found.setdefault(text + letter, 0.15)
        if len(text) <= 8:
            for place in range(len(text)):
                found.setdefault(text[:place] + letter + text[place + 1 :], 0.1)
                found.setdefault(text[:place] + letter + text[place:], 0.1)
    for other, prior in found.items():
        if other != text:
            yield site.replaced(constant(other)), prior, 1


def ingredient(site: Site, scope: Scope) -> Iterator[Made]:
    """Another expression of the same function."""
    node: Any = site.node
    if not is_value(site) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        return
    for one in without(scope.ingredients, node):
        if ast.dump(node) not in ast.dump(one) or isinstance(node, ast.Name):
            yield site.replaced(one), 0.35 * scope.likeness(one, node), 2
