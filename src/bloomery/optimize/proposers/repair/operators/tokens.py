"""The first class: one operator, constant or well-known name becomes another of its kind."""

import ast
from collections.abc import Iterator
from typing import Any

from bloomery.optimize.proposers.repair.building import constant, load, no
from bloomery.optimize.proposers.repair.edits import Change
from bloomery.optimize.proposers.repair.scope import Scope
from bloomery.optimize.proposers.repair.sites import Site

Made = tuple[Change, float, float]  # the change, the operator's prior, the edit's size

ORDERS: dict[type[ast.cmpop], dict[type[ast.cmpop], float]] = {
    ast.Lt: {ast.LtE: 1.0, ast.Gt: 0.6, ast.GtE: 0.5, ast.NotEq: 0.3, ast.Eq: 0.2},
    ast.LtE: {ast.Lt: 1.0, ast.GtE: 0.6, ast.Gt: 0.5, ast.Eq: 0.3, ast.NotEq: 0.2},
    ast.Gt: {ast.GtE: 1.0, ast.Lt: 0.6, ast.LtE: 0.5, ast.NotEq: 0.3, ast.Eq: 0.2},
    ast.GtE: {ast.Gt: 1.0, ast.LtE: 0.6, ast.Lt: 0.5, ast.Eq: 0.3, ast.NotEq: 0.2},
    ast.Eq: {ast.NotEq: 0.8, ast.LtE: 0.4, ast.GtE: 0.4, ast.Lt: 0.2, ast.Gt: 0.2, ast.In: 0.2},
    ast.NotEq: {ast.Eq: 0.8, ast.Lt: 0.4, ast.Gt: 0.4, ast.LtE: 0.2, ast.GtE: 0.2, ast.NotIn: 0.2},
    ast.In: {ast.NotIn: 0.8, ast.Eq: 0.2},
    ast.NotIn: {ast.In: 0.8, ast.NotEq: 0.2},
    ast.Is: {ast.IsNot: 0.8, ast.Eq: 0.3},
    ast.IsNot: {ast.Is: 0.8, ast.NotEq: 0.3},
}
SUMS: dict[type[ast.operator], dict[type[ast.operator], float]] = {
    ast.Add: {ast.Sub: 1.0, ast.Mult: 0.5, ast.Mod: 0.1, ast.BitOr: 0.1, ast.BitXor: 0.1},
    ast.Sub: {ast.Add: 1.0, ast.Mod: 0.4, ast.FloorDiv: 0.3, ast.Mult: 0.3, ast.Div: 0.2},
    ast.Mult: {ast.Add: 0.6, ast.Div: 0.5, ast.Pow: 0.5, ast.FloorDiv: 0.5, ast.Sub: 0.2},
    ast.Div: {ast.FloorDiv: 1.0, ast.Mult: 0.6, ast.Mod: 0.3, ast.Sub: 0.2},
    ast.FloorDiv: {ast.Div: 0.8, ast.Mod: 0.7, ast.Mult: 0.4, ast.Sub: 0.2},
    ast.Mod: {ast.FloorDiv: 0.8, ast.Div: 0.3, ast.Sub: 0.2, ast.Mult: 0.2},
    ast.Pow: {ast.Mult: 0.7, ast.Add: 0.1, ast.LShift: 0.1},
    ast.BitAnd: {ast.BitOr: 0.9, ast.BitXor: 0.7, ast.Sub: 0.3, ast.RShift: 0.2},
    ast.BitOr: {ast.BitAnd: 0.9, ast.BitXor: 0.8, ast.Sub: 0.2, ast.Add: 0.2},
    ast.BitXor: {ast.BitAnd: 0.8, ast.BitOr: 0.8, ast.Add: 0.2, ast.Pow: 0.3},
    ast.LShift: {ast.RShift: 1.0, ast.Mult: 0.2},
    ast.RShift: {ast.LShift: 1.0, ast.FloorDiv: 0.2},
    ast.MatMult: {ast.Mult: 0.5},
}
TWINS = [
    "any all",
    "min max",
    "floor ceil round int trunc",
    "append extend appendleft extendleft insert",
    "append add insert",
    "pop popleft",
    "bisect_left bisect_right bisect insort insort_left insort_right",
    "startswith endswith",
    "strip lstrip rstrip",
    "find rfind index rindex",
    "split rsplit splitlines",
    "partition rpartition",
    "lower upper title capitalize casefold swapcase",
    "islower isupper",
    "isdigit isalpha isalnum isdecimal isnumeric isspace",
    "ljust rjust center zfill",
    "keys values items",
    "union intersection difference symmetric_difference",
    "update intersection_update difference_update",
    "add remove discard",
    "remove pop",
    "get pop setdefault",
    "issubset issuperset isdisjoint",
    "permutations combinations combinations_with_replacement product",
    "sorted reversed list",
    "sorted set",
    "sum len max",
    "heappush heappop heappushpop heapreplace",
    "nlargest nsmallest",
    "most_common elements",
    "left right",
    "left top",
    "right bottom",
    "next prev previous",
    "first last",
    "zip zip_longest",
    "sin cos tan",
    "log log2 log10",
    "range reversed",
    "isinf isnan",
    "takewhile dropwhile filter filterfalse",
    "sqrt isqrt",
    "chain product",
]
NEIGHBOURS: dict[str, list[str]] = {}
for _group in TWINS:
    for _name in _group.split():
        NEIGHBOURS.setdefault(_name, []).extend(other for other in _group.split() if other != _name)


def comparison(site: Site, scope: Scope) -> Iterator[Made]:
    node: Any = site.node
    if not isinstance(node, ast.Compare):
        return
    for place, op in enumerate(node.ops):
        for other, prior in ORDERS[type(op)].items():
            ops = [*node.ops[:place], other(), *node.ops[place + 1 :]]
            yield site.replaced(ast.Compare(node.left, ops, node.comparators)), prior, 1


def arithmetic(site: Site, scope: Scope) -> Iterator[Made]:
    node: Any = site.node
    if isinstance(node, ast.BinOp):
        for other, prior in SUMS[type(node.op)].items():
            yield site.replaced(ast.BinOp(node.left, other(), node.right)), prior, 1
    elif isinstance(node, ast.AugAssign):
        for other, prior in SUMS[type(node.op)].items():
            yield site.replaced(ast.AugAssign(node.target, other(), node.value)), prior, 1


def and_or(site: Site, scope: Scope) -> Iterator[Made]:
    node: Any = site.node
    if isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield site.replaced(ast.BoolOp(other, node.values)), 1.0, 1
        if len(node.values) > 2:
            joined = ast.BoolOp(node.op, node.values[:-1])
            yield site.replaced(ast.BoolOp(other, [joined, node.values[-1]])), 0.5, 1
            joined = ast.BoolOp(other, node.values[-2:])
            yield site.replaced(ast.BoolOp(node.op, [*node.values[:-2], joined])), 0.5, 1


def number(site: Site, scope: Scope) -> Iterator[Made]:
    node: Any = site.node
    if not isinstance(node, ast.Constant) or type(node.value) not in (int, float):
        return
    value: Any = node.value
    found: dict[Any, float] = {value + 1: 1.0, value - 1: 1.0, 0: 0.6, 1: 0.6, 2: 0.3, -value: 0.5}
    found |= {other: 0.4 for other in scope.numbers if other not in found}
    for other, prior in found.items():
        if other != value:
            yield site.replaced(_signed(other)), prior, 1


def scaled(site: Site, scope: Scope) -> Iterator[Made]:
    node: Any = site.node
    if not isinstance(node, ast.Constant) or type(node.value) not in (int, float) or node.value == 0:
        return
    value: Any = node.value
    found: dict[Any, float] = {value * 10: 0.5, value * 2: 0.4, value + 2: 0.3, value - 2: 0.3}
    if isinstance(value, int):
        found |= {value // 2: 0.4, value // 10: 0.5, value * 100: 0.4, value // 100: 0.3, value * 1000: 0.3}
        found |= {value * 60: 0.2, value // 60: 0.1, value**2: 0.2, value // 1000: 0.2, value * 24: 0.1}
        found |= {value + 10: 0.1, value - 10: 0.1}
        if 0 < value <= 64:
            found |= {2**value: 0.2, 10**value if value < 19 else value: 0.1}
    else:
        found |= {value / 2: 0.4, value / 10: 0.5, 1 - value: 0.4, 1 / value: 0.3}
    for other, prior in found.items():
        if other != value:
            yield site.replaced(_signed(other)), prior, 1


def _signed(value: int | float) -> ast.expr:
    return ast.UnaryOp(ast.USub(), constant(-value)) if value < 0 else constant(value)


def truth(site: Site, scope: Scope) -> Iterator[Made]:
    node: Any = site.node
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield site.replaced(constant(not node.value)), 1.0, 1
        yield site.replaced(constant(None)), 0.2, 1
    elif isinstance(node, ast.Constant) and node.value is None:
        for value, prior in ((0, 0.4), (True, 0.3), (False, 0.5), (-1, 0.3), ("", 0.3)):
            yield site.replaced(constant(value)), prior, 1
        yield site.replaced(ast.List([], ast.Load())), 0.3, 1


def twin(site: Site, scope: Scope) -> Iterator[Made]:
    """Names that are often taken for one another: any and all, min and max, strip and lstrip."""
    node: Any = site.node
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        others = NEIGHBOURS.get(node.id, []) if node.id not in scope.first_stored else []
        for place, other in enumerate(dict.fromkeys(others)):
            yield site.replaced(load(other)), 0.9 if place == 0 else 0.5, 1
    elif isinstance(node, ast.Attribute):
        for place, other in enumerate(dict.fromkeys(NEIGHBOURS.get(node.attr, []))):
            yield site.replaced(ast.Attribute(node.value, other, node.ctx)), 0.9 if place == 0 else 0.6, 1


def negated(site: Site, scope: Scope) -> Iterator[Made]:
    node: Any = site.node
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub | ast.Invert):
        yield site.replaced(node.operand), 0.8, 1
        return
    if not isinstance(node, ast.expr) or isinstance(node, ast.Constant):
        return
    is_truth = site.is_condition or site.within(ast.BoolOp) or scope.kinds(node) == {"bool"}
    returned = site.within(ast.Return) and isinstance(node, ast.Call | ast.Compare | ast.BoolOp | ast.Name)
    if is_truth or returned:
        yield site.replaced(no(node)), 0.8 if is_truth else 0.3, 1


def signed(site: Site, scope: Scope) -> Iterator[Made]:
    node: Any = site.node
    plain = isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript) and _is_loaded(node)
    if plain and scope.kinds(node) & {"int", "float"} and not site.within(ast.UnaryOp, ast.Compare):
        yield site.replaced(ast.UnaryOp(ast.USub(), node)), 0.3, 1


def _is_loaded(node: ast.AST) -> bool:
    return isinstance(getattr(node, "ctx", ast.Load()), ast.Load)


def leaving(site: Site, scope: Scope) -> Iterator[Made]:
    """break and continue."""
    if isinstance(site.node, ast.Break):
        yield site.replaced(ast.Continue()), 0.8, 1
        yield site.replaced(ast.Pass()), 0.4, 1
    elif isinstance(site.node, ast.Continue):
        yield site.replaced(ast.Break()), 0.8, 1
        yield site.replaced(ast.Pass()), 0.4, 1
    elif isinstance(site.node, ast.Return) and site.in_loop and site.node.value is None:
        yield site.replaced(ast.Continue()), 0.5, 1
        yield site.replaced(ast.Break()), 0.5, 1
