"""What is bound to the names of a function, and what kind of value that is."""

import ast
from collections.abc import Callable, Iterator

from bloomery.optimize.proposers.rewrites.kinds import (
    STR,
    UNKNOWN,
    Kind,
    member,
    of_annotation,
)

ADDING = {"append", "add", "insert", "appendleft", "extend", "update", "setdefault"}
Function = ast.FunctionDef | ast.AsyncFunctionDef
Read = Callable[[ast.AST | None], Kind]  # the kind of an expression, as far as it is known by now
Bind = Callable[[Read], Kind]


def _value(node: ast.expr) -> Bind:
    return lambda kinds: kinds(node)


def _annotated(node: ast.expr) -> Bind:
    kind = of_annotation(node)
    return lambda _kinds: kind


def _member(of: Bind) -> Bind:
    return lambda kinds: member(of(kinds))


def _part(of: Bind, at: int) -> Bind:
    def bind(kinds: Read) -> Kind:
        whole = of(kinds)
        fixed = whole.name == "tuple" and not whole.many and at < len(whole.of)
        return (
            whole.of[at]
            if fixed
            else member(whole)
            if whole.name in {"list", "tuple", "nothing"}
            else UNKNOWN
        )

    return bind


def _unknown(_kinds: Read) -> Kind:
    return UNKNOWN


def _targets(target: ast.expr, bound: Bind) -> Iterator[tuple[str, Bind]]:
    if isinstance(target, ast.Name):
        yield target.id, bound
    elif isinstance(target, ast.Starred):
        yield from _targets(target.value, _unknown)
    elif isinstance(target, ast.Tuple | ast.List):
        starred = any(isinstance(part, ast.Starred) for part in target.elts)
        for at, part in enumerate(target.elts):
            yield from _targets(part, _unknown if starred else _part(bound, at))


def bindings(function: Function) -> Iterator[tuple[str, Bind]]:
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _targets(target, _value(node.value))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, _annotated(node.annotation)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            load = ast.Name(node.target.id, ast.Load())
            yield node.target.id, _value(ast.BinOp(load, node.op, node.value))
        elif isinstance(node, ast.For | ast.comprehension):
            yield from _targets(node.target, _member(_value(node.iter)))
        elif isinstance(node, ast.NamedExpr):
            yield node.target.id, _value(node.value)
        else:
            yield from ((name, _unknown) for name in _otherwise_bound(node, function))


def _otherwise_bound(node: ast.AST, function: Function) -> Iterator[str]:
    if isinstance(node, ast.withitem | ast.AsyncFor) and (
        target := node.optional_vars if isinstance(node, ast.withitem) else node.target
    ):
        yield from (part.id for part in ast.walk(target) if isinstance(part, ast.Name))
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name
    elif isinstance(node, ast.alias):
        yield (node.asname or node.name).partition(".")[0]
    elif (
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda)
        and node is not function
    ):
        if not isinstance(node, ast.Lambda):
            yield node.name
        if not isinstance(node, ast.ClassDef):
            yield from (name for name, _ in parameters(node))
    elif isinstance(node, ast.Delete):
        yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def parameters(function: Function | ast.Lambda) -> Iterator[tuple[str, Kind]]:
    given = function.args
    for arg in (*given.posonlyargs, *given.args, *given.kwonlyargs):
        yield arg.arg, of_annotation(arg.annotation)
    if given.vararg:
        yield given.vararg.arg, Kind("tuple", (of_annotation(given.vararg.annotation),), many=True)
    if given.kwarg:
        yield given.kwarg.arg, Kind("dict", (STR, of_annotation(given.kwarg.annotation)))


def guards(function: Function, real: Callable[[str], bool]) -> Iterator[tuple[str, Kind]]:
    """`if not isinstance(name, list): raise ...` among the first statements."""
    for statement in function.body:
        if not isinstance(statement, ast.If):
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                continue
            return
        test = statement.test
        call = test.operand if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not) else None
        leaves = isinstance(statement.body[-1], ast.Raise | ast.Return) and not statement.orelse
        if not (
            isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and leaves and real("isinstance")
        ):
            continue
        asks = call.func.id == "isinstance" and len(call.args) == 2
        if asks and isinstance(call.args[0], ast.Name) and (kind := of_annotation(call.args[1])) != UNKNOWN:
            yield call.args[0].id, kind


def additions(function: Function) -> Iterator[tuple[str, Bind, Bind]]:
    """What is put into a container that a variable holds: key (of a dict) and value."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name, adding = node.func.value, node.func.attr in ADDING and node.args
            if isinstance(name, ast.Name) and adding:
                of = _value(node.args[-1])
                value = _member(of) if node.func.attr in {"extend", "update"} else of
                yield name.id, _unknown if node.func.attr == "update" else _value(node.args[0]), value
        elif isinstance(node, ast.Assign | ast.AugAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
                    yield target.value.id, _value(target.slice), _stored(node, target)


def _stored(node: ast.Assign | ast.AugAssign, target: ast.Subscript) -> Bind:
    if isinstance(node, ast.AugAssign):
        return _value(ast.BinOp(ast.Subscript(target.value, target.slice, ast.Load()), node.op, node.value))
    value = _value(node.value)
    return _member(value) if isinstance(target.slice, ast.Slice) else value
