"""What can be wrong with one node of a function: an operator gives nodes that could stand in its place."""

import ast
from collections.abc import Callable

from bloomery.source.mutating.indexing import index
from bloomery.source.mutating.literals import another, literal, number
from bloomery.source.mutating.place import Place
from bloomery.source.mutating.replacing import Replacements, changed
from bloomery.source.python import called_name

Operator = Callable[[ast.AST, Place], Replacements]
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
}
_COMPARISON: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_BOUNDARY: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
_PLACES = (ast.Call, ast.keyword, ast.Subscript, ast.Slice, ast.Tuple)  # there -1 is the last, no sign
_COUNTING = {"range", "arange"}
_ORDERED = (ast.Sub, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.MatMult)
_PRODUCTS = (ast.Mult, ast.Div, ast.MatMult)
_PAIRS = [
    ("sum", "mean"),
    ("max", "min"),
    ("amax", "amin"),
    ("argmax", "argmin"),
    ("any", "all"),
    ("std", "var"),
]
_REDUCTION = dict([*_PAIRS, *((b, a) for a, b in _PAIRS), ("prod", "sum"), ("cumprod", "cumsum")])
_BUILTIN_REDUCTION = {"max": "min", "min": "max", "any": "all", "all": "any"}
_SYMMETRIC = {
    "max",
    "min",
    "maximum",
    "minimum",
    "add",
    "mul",
    "multiply",
    "allclose",
    "isclose",
    "equal",
    "gcd",
}
_NAMED_ARGUMENTS = {"isinstance", "issubclass", "getattr", "setattr", "hasattr", "super", "cast"}


def arithmetic(node: ast.AST, place: Place) -> Replacements:
    if not isinstance(node, ast.BinOp | ast.AugAssign) or type(node.op) not in _ARITHMETIC:
        return
    operands = [node.left, node.right] if isinstance(node, ast.BinOp) else [node.value]
    if any(_is_sequence(operand) for operand in operands) or _is_neutral(node.op, operands[-1]):
        return
    yield changed(node, op=_ARITHMETIC[type(node.op)]())


def sign(node: ast.AST, place: Place) -> Replacements:
    """A minus that is lost, one before a product, or plus and minus exchanged where no place is counted."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        if not (isinstance(number(node), int) and isinstance(place.parents.get(node), _PLACES)):
            yield node.operand
    elif isinstance(node, ast.BinOp) and isinstance(node.op, _PRODUCTS) and not _is_sequence(node.left):
        outer = place.parents.get(node)
        inside = isinstance(outer, ast.BinOp) and isinstance(outer.op, (*_PRODUCTS, ast.Pow))
        if not inside and not isinstance(outer, ast.UnaryOp | ast.Subscript | ast.Slice):
            yield ast.UnaryOp(ast.USub(), node)
    elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Add | ast.Sub):
        right = node.right if isinstance(node, ast.BinOp) else node.value
        if not (_has_sign(right) or _counts(node, place)):
            yield from arithmetic(node, place)


def _has_sign(node: ast.expr) -> bool:
    """Whether `sign` changes it by itself: the same as what stands before it."""
    minus = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
    return minus or (isinstance(node, ast.BinOp) and isinstance(node.op, _PRODUCTS))


def _counts(node: ast.AST, place: Place) -> bool:
    """Whether a node says a place: within a subscript's, or what `range` counts to."""
    inner, outer = node, place.parents.get(node)
    while outer is not None:
        if isinstance(outer, ast.Subscript) and inner is outer.slice:
            return True
        if isinstance(outer, ast.Call) and called_name(outer) in _COUNTING and inner is not outer.func:
            return True
        inner, outer = outer, place.parents.get(outer)
    return False


def decay(node: ast.AST, place: Place) -> Replacements:
    """What is forgotten taken for what is kept: `1 - a` becomes `a`."""
    match node:
        case ast.BinOp(left=ast.Constant(value=1 | 1.0), op=ast.Sub(), right=right):
            yield right


def constant(node: ast.AST, place: Place) -> Replacements:
    outer = place.parents.get(node)
    if isinstance(outer, ast.UnaryOp) or (isinstance(outer, ast.keyword) and outer.arg == "strict"):
        return
    value = number(node)
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(value, int):
        yield literal(value + (1 if value >= 0 else -1))
    elif isinstance(value, float):
        yield literal(another(value))


def comparison(node: ast.AST, place: Place) -> Replacements:
    yield from _compared(node, _COMPARISON)


def boundary(node: ast.AST, place: Place) -> Replacements:
    yield from _compared(node, _BOUNDARY)


def boolean(node: ast.AST, place: Place) -> Replacements:
    if isinstance(node, ast.BoolOp):
        yield changed(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())


def negation(node: ast.AST, place: Place) -> Replacements:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand


def reduction(node: ast.AST, place: Place) -> Replacements:
    match node:
        case ast.Call(func=ast.Attribute(attr=name) as func) if name in _REDUCTION:
            yield changed(node, func=changed(func, attr=_REDUCTION[name]))
        case ast.Call(func=ast.Name(id=name)) if name in _BUILTIN_REDUCTION:
            yield changed(node, func=ast.Name(_BUILTIN_REDUCTION[name], ast.Load()))


def order(node: ast.AST, place: Place) -> Replacements:
    """Two operands or two neighbouring arguments exchanged."""
    match node:
        case ast.BinOp(left=left, op=op, right=right) if isinstance(op, _ORDERED):
            yield changed(node, left=right, right=left)
        case ast.Call(func=func, args=args):
            name = getattr(func, "attr", getattr(func, "id", ""))
            if name in _SYMMETRIC | _NAMED_ARGUMENTS or any(isinstance(one, ast.Starred) for one in args):
                return
            for at in range(len(args) - 1):
                yield changed(node, args=[*args[:at], args[at + 1], args[at], *args[at + 2 :]])


def statement(node: ast.AST, place: Place) -> Replacements:
    """A statement that is left out, where the rest can still run without it."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)]) if not place.bound_before(name, node.lineno):
            return
        case ast.Assign(targets=[ast.Tuple() | ast.List()]):
            return
        case ast.Expr(value=ast.Constant() | ast.Yield() | ast.YieldFrom()):
            return
        case ast.Expr() | ast.AugAssign() | ast.Assign() | ast.Delete():
            yield ast.Pass()
        case ast.If(orelse=[], body=[*_, ast.Return() | ast.Continue() | ast.Break()]):
            yield ast.Pass()


OPERATORS: dict[str, Operator] = {
    operator.__name__: operator
    for operator in (
        sign,
        decay,
        index,
        arithmetic,
        constant,
        reduction,
        order,
        statement,
        comparison,
        boundary,
        boolean,
        negation,
    )
}


def _compared(node: ast.AST, table: dict[type[ast.cmpop], type[ast.cmpop]]) -> Replacements:
    if isinstance(node, ast.Compare):
        for at, op in enumerate(node.ops):
            if type(op) in table:
                yield changed(node, ops=[*node.ops[:at], table[type(op)](), *node.ops[at + 1 :]])


def _is_sequence(node: ast.AST) -> bool:
    return isinstance(node, ast.List | ast.Tuple | ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
    )


def _is_neutral(op: ast.operator, right: ast.expr) -> bool:
    """Whether the exchanged operator would compute the same: times and over 1, plus and minus 0."""
    value = number(right)
    if isinstance(op, ast.Mult | ast.Div):
        return value is not None and abs(value) == 1
    return isinstance(op, ast.Add | ast.Sub) and value == 0
