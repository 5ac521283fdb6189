"""Expressions that come out the same whatever the code under test does."""

import ast
import re
from collections.abc import Collection, Mapping

from bloomery.source.python import called_name

Truth = tuple[bool, str]

_SAME = (ast.Eq, ast.Is, ast.LtE, ast.GtE)
_OTHER = (ast.NotEq, ast.IsNot, ast.Lt, ast.Gt)
_COMPARING = {"equal", "array_equal", "allclose", "isclose", "array_equiv"}
_PURE = (
    ast.Name,
    ast.Attribute,
    ast.Constant,
    ast.Subscript,
    ast.Slice,
    ast.UnaryOp,
    ast.BinOp,
    ast.Tuple,
    ast.List,
    ast.expr_context,
    ast.operator,
    ast.unaryop,
)
_MEANT_TWICE = re.compile(
    r"determin|repeat|reprod|same|twice|again|seed|cach|memo|pure|idempot|equal|stable|identical|hash|once"
    r"|every|depend|random|unchanged|alike|always|remember|agree|order|resum|state|two_|both"
)


class Known:
    """Functions of the test's file, and what a name of the test was assigned, if only once."""

    def __init__(self, test: ast.AST, functions: Collection[str]) -> None:
        stored = [
            node.id
            for node in ast.walk(test)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        ]
        given = {node.arg for node in ast.walk(test) if isinstance(node, ast.arg)}
        self.test = getattr(test, "name", "")
        self.functions = set(functions) - set(stored) - given
        self.once: dict[str, ast.expr] = {}
        self.after: dict[str, ast.stmt] = {}  # by name, the statement that stands right before its assignment
        for body in _bodies(test):
            for before, statement in zip([None, *body], body, strict=False):
                match statement:
                    case ast.Assign(targets=[ast.Name(id=name)], value=value) if stored.count(name) == 1:
                        self.once[name] = value
                        if before is not None:
                            self.after[name] = before


def always(node: ast.expr, known: Known) -> Truth | None:
    """Whether an expression is always true, or always false, and why; None where that is open."""
    match node:
        case ast.Constant(value=value):
            return bool(value), f"{value!r} is a constant"
        case ast.Tuple(elts=[_, *_]):
            return True, "a tuple with elements is true: the parentheses enclose the message, too"
        case ast.List(elts=[_, *_]) | ast.Set() | ast.Dict(keys=[_, *_]):
            starred = any(isinstance(inner, ast.Starred) or inner is None for inner in _elements(node))
            return None if starred else (True, "a literal with elements is true")
        case ast.GeneratorExp():
            return True, "a generator is true whatever it yields: all(...) is missing"
        case ast.Lambda():
            return True, "a function is true: it is not called"
        case ast.Name(id=name) if name in known.functions:
            return True, f"the function {name} is true: it is not called"
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = always(operand, known)
            return (not inner[0], inner[1]) if inner else None
        case ast.BoolOp(op=op, values=values):
            return _joined(op, [always(value, known) for value in values])
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _compared(left, op, right, known)
        case ast.Call():
            return _called(node, known)
    return None


def compares_with_itself(left: ast.expr, right: ast.expr, known: Known) -> str:
    """Why two operands are one thing; empty where they need not be."""
    if ast.dump(left) == ast.dump(right):
        if is_pure(left):
            return f"{ast.unparse(left)} is compared with itself"
        return _called_twice(left, known)
    match left, right:
        case ast.Name(id=first), ast.Name(id=second) if first in known.once and second in known.once:
            values = known.once[first], known.once[second]
            adjacent = _assigns(known.after.get(second), first) or _assigns(known.after.get(first), second)
            if adjacent and ast.dump(values[0]) == ast.dump(values[1]):
                return _called_twice(values[0], known)
    return ""


def is_pure(node: ast.expr) -> bool:
    return all(isinstance(inner, _PURE) for inner in ast.walk(node))


def _called_twice(node: ast.expr, known: Known) -> str:
    """One call on both sides: a check of determinism where the test's name says so, else of nothing."""
    calls = [inner for inner in ast.walk(node) if isinstance(inner, ast.Call)]
    makes = any(called_name(call)[:1].isupper() for call in calls)  # two objects made alike: their equality
    if not calls or makes or _MEANT_TWICE.search(known.test.lower()):
        return ""
    return f"{ast.unparse(node)} is compared with itself, which fails only where two calls differ"


def _assigns(statement: ast.stmt | None, name: str) -> bool:
    match statement:
        case ast.Assign(targets=[ast.Name(id=assigned)]):
            return assigned == name
    return False


def _bodies(node: ast.AST) -> list[list[ast.stmt]]:
    found = [
        getattr(inner, name, None) for inner in ast.walk(node) for name in ("body", "orelse", "finalbody")
    ]
    return [body for body in found if isinstance(body, list)]


def _elements(node: ast.expr) -> list[ast.expr | None]:
    return list(node.keys) if isinstance(node, ast.Dict) else list(getattr(node, "elts", []))


def _joined(op: ast.boolop, truths: list[Truth | None]) -> Truth | None:
    deciding = isinstance(op, ast.Or)
    for truth in truths:
        if truth is not None and truth[0] is deciding:
            return truth
    first = truths[0]
    return (not deciding, first[1]) if first is not None and None not in truths else None


def _compared(left: ast.expr, op: ast.cmpop, right: ast.expr, known: Known) -> Truth | None:
    if isinstance(op, _SAME + _OTHER):
        why = compares_with_itself(left, right, known)
        by_identity = isinstance(op, ast.Is | ast.IsNot) and not is_pure(left)
        if why and not by_identity:
            return isinstance(op, _SAME), why
    match left, op, right:
        case ast.Call(func=ast.Name(id="len")), ast.GtE(), ast.Constant(value=0):
            return True, "no length is less than 0"
        case ast.Constant(value=0), ast.LtE(), ast.Call(func=ast.Name(id="len")):
            return True, "no length is less than 0"
    return _constants(left, op, right)


def _constants(left: ast.expr, op: ast.cmpop, right: ast.expr) -> Truth | None:
    try:
        values = ast.literal_eval(left), ast.literal_eval(right)
    except (ValueError, TypeError):
        return None
    outcome: Mapping[type[ast.cmpop], bool] = {
        ast.Eq: values[0] == values[1],
        ast.NotEq: values[0] != values[1],
    }
    told = outcome.get(type(op))
    return None if told is None else (told, f"{values[0]!r} and {values[1]!r} are constants")


def _called(node: ast.Call, known: Known) -> Truth | None:
    name, args = called_name(node), node.args
    if name in _COMPARING and len(args) == 2:
        why = compares_with_itself(args[0], args[1], known)
        return (True, why) if why else None
    if name == "isinstance" and len(args) == 2 and ast.unparse(args[1]) == "object":
        return True, "everything is an object"
    if name in {"all", "bool"} and len(args) <= 1:
        inside = args[0] if args else node.func.value if isinstance(node.func, ast.Attribute) else None
        if isinstance(inside, ast.Compare):
            return always(inside, known)
    return None
