"""Whether pieces of a stream are only put together again, so that it does not matter where it was cut."""

import ast
from collections.abc import Iterator, Mapping

Parents = Mapping[ast.AST, ast.AST]
_JOINING = {"update", "write", "sendall", "extend", "feed", "writelines"}
_CHAINED = {"crc32", "adler32"}
_ADDED = {"len", "sum"}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Module)


def flows(piece: ast.expr, parents: Parents) -> bool:
    """For what one turn of a loop reads or slices; false where it is not sure."""
    if not any(isinstance(outer, ast.While | ast.For) for outer in _up(piece, parents)):
        return False
    name = _name(piece, parents)
    if name is None:
        return _is_joined(piece, parents)
    function = next(outer for outer in _up(piece, parents) if isinstance(outer, _FUNCTIONS))
    uses = [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
    ]
    return bool(uses) and all(_is_joined(use, parents) for use in uses)


def _up(node: ast.AST, parents: Parents) -> Iterator[ast.AST]:
    while node in parents:
        node = parents[node]
        yield node


def _name(piece: ast.expr, parents: Parents) -> str | None:
    """The name that the piece gets: `x = piece`, `x := piece`, `for x in iter(lambda: piece, end)`."""
    up = parents[piece]
    if isinstance(up, ast.NamedExpr):
        return up.target.id
    if isinstance(up, ast.Assign) and len(up.targets) == 1 and isinstance(up.targets[0], ast.Name):
        return up.targets[0].id
    call = parents.get(up)
    if isinstance(up, ast.Lambda) and isinstance(call, ast.Call) and ast.unparse(call.func) == "iter":
        loop = parents[call]
        if isinstance(loop, ast.For) and loop.iter is call and isinstance(loop.target, ast.Name):
            return loop.target.id
    return None


def _is_joined(value: ast.expr, parents: Parents) -> bool:
    up = parents[value]
    if isinstance(up, ast.UnaryOp) and isinstance(up.op, ast.Not):
        return isinstance(parents[up], ast.If | ast.While)
    if isinstance(up, ast.If | ast.While):
        return up.test is value
    if isinstance(up, ast.For | ast.comprehension):
        return up.iter is value and not isinstance(up, ast.comprehension)
    if isinstance(up, ast.AugAssign):
        return isinstance(up.op, ast.Add)
    return isinstance(up, ast.Call) and value in up.args and _joins(up, parents)


def _joins(call: ast.Call, parents: Parents) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    above = parents[call]
    if name in _ADDED:
        return isinstance(above, ast.AugAssign) and isinstance(above.op, ast.Add)
    if name in _JOINING:
        return isinstance(call.func, ast.Attribute) and isinstance(above, ast.Expr)
    return name in _CHAINED and isinstance(above, ast.Assign) and len(call.args) > 1
