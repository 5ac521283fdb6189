"""Functions whose results may be kept: the same plain arguments always give the same plain result."""

import ast
from collections.abc import Iterator
from typing import NamedTuple

from bloomery.optimize.proposers.rewrites.aliases import KEEPING, PURE
from bloomery.optimize.proposers.rewrites.program import Program

PLAIN = {"int", "str", "bool", "bytes"}  # of floats, -0.0 and 0.0 are one key and two values
RESULTS = PLAIN | {"float", "complex", "None"}
_NEVER = (
    *(ast.Global, ast.Nonlocal, ast.Yield, ast.YieldFrom, ast.Await, ast.Lambda, ast.With, ast.AsyncWith),
    *(ast.AsyncFor, ast.Try, ast.Import, ast.ImportFrom, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef),
    *(ast.Delete, ast.NamedExpr, ast.GeneratorExp),
)
_UNSURE = {"hash", "id", "iter", "next", "type", "set", "frozenset"}  # by address, by state, by hash seed
_CHANGES = {"append", "extend", "insert", "pop", "reverse", "setdefault", "sort"}
_MATH = "math"


def keepable(program: Program) -> Iterator[ast.FunctionDef]:
    """Functions of the module's top that are pure by their text, and long enough to be worth a cache."""
    pure = _pure(program)
    for node in pure.values():
        if not node.decorator_list and _is_plain(node) and _works(node, pure):
            yield node


def _pure(program: Program) -> dict[str, ast.FunctionDef]:
    """The largest set of functions that call nothing but pure things and one another."""
    tops = [node for node in program.tree.body if isinstance(node, ast.FunctionDef)]
    names = [node.name for node in tops]
    kept = {node.name: node for node in tops if names.count(node.name) == 1 and not node.decorator_list}
    constants = _constants(program)
    while True:
        left = {name: node for name, node in kept.items() if _is_pure(program, node, kept, constants)}
        if len(left) == len(kept):
            return left
        kept = left


def _constants(program: Program) -> set[str]:
    """Names of plain values that the module binds once."""
    found = set()
    for node in program.tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            stores = [
                one
                for one in ast.walk(program.tree)
                if isinstance(one, ast.Name) and one.id == name and not isinstance(one.ctx, ast.Load)
            ]
            if len(stores) == 1 and _is_immutable(node.value):
                found.add(name)
    return found


def _is_immutable(node: ast.expr) -> bool:
    if isinstance(node, ast.Tuple):
        return all(map(_is_immutable, node.elts))
    if isinstance(node, ast.UnaryOp):
        return _is_immutable(node.operand)
    if isinstance(node, ast.BinOp):
        return _is_immutable(node.left) and _is_immutable(node.right)
    return isinstance(node, ast.Constant)


def _is_pure(
    program: Program, node: ast.FunctionDef, pure: dict[str, ast.FunctionDef], constants: set[str]
) -> bool:
    given = {one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg)}
    body = [inner for statement in node.body for inner in ast.walk(statement)]
    own = given | {one.id for one in body if isinstance(one, ast.Name) and not isinstance(one.ctx, ast.Load)}
    builtin = {name for name in PURE - _UNSURE if name in program.real}
    names = _Names(own, own | constants | set(pure) | builtin, _fresh(body, given))
    return all(_keeps_pure(program, inner, names) for inner in body)


class _Names(NamedTuple):
    """Of one function: its own, those that it may read, and those whose values it alone holds."""

    own: set[str]
    known: set[str]
    fresh: set[str]


def _keeps_pure(program: Program, node: ast.AST, names: _Names) -> bool:
    match node:
        case ast.Name():
            return node.id in names.known or _is_math(program, node)
        case ast.Subscript(ctx=ast.Store()):
            return getattr(node.value, "id", "") in names.fresh
        case ast.Attribute():
            return _is_allowed(program, node, names.fresh)
        case ast.Call():
            return _is_named(node, names.own)
    return not isinstance(node, _NEVER)


def _is_named(call: ast.Call, own: set[str]) -> bool:
    """Whether what is called is what the text says: no result of an expression, no variable."""
    if isinstance(call.func, ast.Name):
        return call.func.id not in own
    return isinstance(call.func, ast.Attribute)


def _fresh(body: list[ast.AST], given: set[str]) -> set[str]:
    """Names that only ever hold lists, dicts and texts made here: changing them is nobody's business."""
    made: dict[str, bool] = {}
    for node in body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    fresh = isinstance(node.value, ast.List | ast.Dict | ast.ListComp | ast.DictComp)
                    made[target.id] = made.get(target.id, True) and fresh
        elif isinstance(node, ast.For | ast.comprehension | ast.AnnAssign | ast.AugAssign):
            for one in ast.walk(node.target):
                if isinstance(one, ast.Name):
                    made[one.id] = False
    return {name for name, fresh in made.items() if fresh} - given


def _is_math(program: Program, name: ast.Name) -> bool:
    imported = any(
        isinstance(node, ast.Import) and any(one.name == _MATH and not one.asname for one in node.names)
        for node in program.tree.body
    )
    return name.id == _MATH and imported and isinstance(program.parents[name], ast.Attribute)


def _is_allowed(program: Program, node: ast.Attribute, fresh: set[str]) -> bool:
    """A method that changes nothing, or nothing but what was made here; what `math` holds."""
    if not isinstance(node.ctx, ast.Load):
        return False
    if isinstance(node.value, ast.Name) and _is_math(program, node.value):
        return True
    called = program.parents[node]
    if not (isinstance(called, ast.Call) and called.func is node):
        return False
    return node.attr in KEEPING or (node.attr in _CHANGES and getattr(node.value, "id", "") in fresh)


def _is_plain(node: ast.FunctionDef) -> bool:
    """Whether annotations tell that arguments can be keys and that the result cannot be changed."""
    given = node.args
    if given.vararg or given.kwarg or not (given.posonlyargs or given.args or given.kwonlyargs):
        return False
    arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    defaults = [one for one in (*given.defaults, *given.kw_defaults) if one is not None]
    if not all(map(_is_immutable, defaults)):
        return False
    return all(_names_of(one.annotation) <= PLAIN for one in arguments) and _returns_plain(node.returns)


def _names_of(annotation: ast.expr | None) -> set[str]:
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        return _names_of(annotation.left) | _names_of(annotation.right)
    if isinstance(annotation, ast.Constant) and annotation.value is None:
        return set()
    return {ast.unparse(annotation) if annotation is not None else "?"}


def _returns_plain(returns: ast.expr | None) -> bool:
    if isinstance(returns, ast.Subscript) and ast.unparse(returns.value) == "tuple":
        parts = returns.slice.elts if isinstance(returns.slice, ast.Tuple) else [returns.slice]
        return all(
            (isinstance(one, ast.Constant) and one.value is ...) or _returns_plain(one) for one in parts
        )
    return returns is not None and _names_of(returns) <= RESULTS


def _works(node: ast.FunctionDef, pure: dict[str, ast.FunctionDef]) -> bool:
    """Whether a call costs more than asking a cache; recursion is another proposer's."""
    called = {
        one.func.id for one in ast.walk(node) if isinstance(one, ast.Call) and isinstance(one.func, ast.Name)
    }
    loops = (ast.For, ast.While, ast.ListComp, ast.DictComp, ast.SetComp)
    if node.name in called:
        return False
    if any(isinstance(one, loops) for one in ast.walk(node)):
        return True
    return any(isinstance(one, loops) for name in called & set(pure) for one in ast.walk(pure[name]))
