"""The third class: something is put around or beside an expression."""

import ast
from collections.abc import Iterator
from typing import Any

from bloomery.optimize.proposers.repair.operators.replacing import is_value
from bloomery.optimize.proposers.repair.operators.tokens import Made
from bloomery.optimize.proposers.repair.scope import (
    NUMBERS,
    SEQUENCES,
    SIZED,
    Scope,
    call,
    compare,
    constant,
    load,
    no,
    without,
)
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


def _is_placed(site: Site) -> bool:
    """Where a wrapped value reads naturally."""
    return (
        is_value(site)
        and not site.within(ast.Attribute, ast.UnaryOp, ast.keyword)
        and site.field != "targets"
    )


def clamped(site: Site, scope: Scope) -> Iterator[Made]:
    node: Any = site.node
    if (
        not _is_placed(site)
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


def sliced(site: Site, scope: Scope) -> Iterator[Made]:
    node: Any = site.node
    if not _is_placed(site) or not isinstance(node, ast.Name | ast.Attribute | ast.Subscript | ast.Call):
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


def joined(site: Site, scope: Scope) -> Iterator[Made]:
    """Plus, minus or times something at hand; the square; a list or text beside."""
    node: Any = site.node
    if not _is_placed(site) or isinstance(node, ast.Compare | ast.BoolOp | ast.List | ast.Tuple):
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
    if not _is_placed(site) or not whole or not scope.is_number(node):
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
