"""Which names hold a value that somebody else may hold as well, and which statements change a value."""

import ast
from collections.abc import Callable, Iterable, Iterator


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


READING = _words(
    """
    abs all any bin bool bytes chr dict divmod enumerate filter float format frozenset hash hex int
    isinstance iter len list map max min next ord pow print range repr reversed round set slice sorted
    str sum tuple type zip
    """
)
PURE = READING - {"print", "next", "map", "filter"}
"""Builtins that change no value of a builtin kind (`next` does; `map` and `filter` call what they get)."""
CHANGING = _words(
    """
    add append appendleft clear difference_update discard extend extendleft insert intersection_update
    pop popitem popleft remove reverse rotate setdefault sort symmetric_difference_update update
    """
)
KEEPING = _words(
    """
    bit_count bit_length capitalize casefold copy count difference encode endswith find format get index
    intersection isalnum isalpha isdigit isdisjoint isspace issubset issuperset items join keys ljust
    lower lstrip replace rfind rjust rsplit rstrip split splitlines startswith strip
    symmetric_difference title translate union upper values zfill
    """
)
Parents = dict[ast.AST, ast.AST]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def parents(root: ast.AST) -> Parents:
    return {child: node for node in ast.walk(root) for child in ast.iter_child_nodes(node)}


def names(nodes: Iterable[ast.AST], name: str | None = None) -> Iterator[ast.Name]:
    for node in nodes:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and name in (None, inner.id):
                yield inner


def is_aliasing(use: ast.Name, up: Parents, real: Callable[[str], bool]) -> bool:
    """Whether this reading of a name may give its value to another holder."""
    if not isinstance(use.ctx, ast.Load):
        return False
    node = up[use]
    if isinstance(node, ast.Attribute):
        call = up.get(node)
        return not (isinstance(call, ast.Call) and call.func is node and node.attr in CHANGING | KEEPING)
    if isinstance(node, ast.Call):
        return not (
            isinstance(node.func, ast.Name) and node.func.id in READING and real(node.func.id)
        ) and not (isinstance(node.func, ast.Attribute) and node.func.attr in {"join", "extend", "update"})
    if isinstance(node, ast.Starred | ast.FormattedValue | ast.Return):
        return False
    if isinstance(node, ast.For | ast.comprehension):
        return node.iter is not use
    reading = (
        ast.Subscript,
        ast.Compare,
        ast.BinOp,
        ast.BoolOp,
        ast.UnaryOp,
        ast.If,
        ast.While,
        ast.AugAssign,
        ast.Expr,
    )
    if isinstance(node, ast.IfExp):
        return node.test is not use
    return not isinstance(node, reading) or (isinstance(node, ast.BoolOp) and not _tested(node, up))


def _tested(node: ast.AST, up: Parents) -> bool:
    """Whether a boolean operation only decides something, so that none of its operands goes on."""
    outer = up.get(node)
    if isinstance(outer, ast.If | ast.While | ast.IfExp):
        return outer.test is node
    if isinstance(outer, ast.UnaryOp):
        return isinstance(outer.op, ast.Not)
    return isinstance(outer, ast.BoolOp) and _tested(outer, up)


def escaping(function: ast.AST, real: Callable[[str], bool]) -> set[str]:
    """Names whose value may have another holder, or that a nested function can see."""
    up = parents(function)
    found = {use.id for use in names([function]) if is_aliasing(use, up, real)}
    for node in ast.walk(function):
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)) and node is not function:
            found |= {use.id for use in names([node])}
    return found


def binds(nodes: Iterable[ast.AST], name: str) -> bool:
    """Whether any of these gives the name another value, or takes it away."""
    for use in names(nodes, name):
        if not isinstance(use.ctx, ast.Load):
            return True
    return any(
        getattr(inner, "name", None) == name
        or (isinstance(inner, ast.Global | ast.Nonlocal) and name in inner.names)
        for node in nodes
        for inner in ast.walk(node)
    )


def mutations(nodes: Iterable[ast.AST], name: str | None = None) -> Iterator[tuple[str | None, ast.AST]]:
    """What is changed in place, by the name that holds it (None where no name does): by methods that change,
    stores to members and attributes, `+=`, `del`."""
    for node in nodes:
        for inner in ast.walk(node):
            target: ast.expr | None = None
            if (
                isinstance(inner, ast.Call)
                and isinstance(inner.func, ast.Attribute)
                and inner.func.attr in CHANGING
            ):
                target = inner.func.value
            elif isinstance(inner, ast.Subscript | ast.Attribute) and not isinstance(inner.ctx, ast.Load):
                target = inner.value
            elif isinstance(inner, ast.AugAssign) and isinstance(inner.target, ast.Name):
                target = inner.target
            if target is not None:
                held = target.id if isinstance(target, ast.Name) else None
                if name in (None, held):
                    yield held, inner


def unknown_calls(nodes: Iterable[ast.AST], real: Callable[[str], bool]) -> Iterator[ast.Call]:
    """Calls of which we cannot say what they change."""
    for node in nodes:
        for inner in ast.walk(node):
            if not isinstance(inner, ast.Call):
                continue
            if isinstance(inner.func, ast.Name) and inner.func.id in READING and real(inner.func.id):
                continue
            if isinstance(inner.func, ast.Attribute) and inner.func.attr in CHANGING | KEEPING:
                continue
            yield inner


def suspends(nodes: Iterable[ast.AST]) -> bool:
    kinds = (ast.Await, ast.Yield, ast.YieldFrom, ast.AsyncFor, ast.AsyncWith, ast.NamedExpr)
    return any(isinstance(inner, kinds) for node in nodes for inner in ast.walk(node))
