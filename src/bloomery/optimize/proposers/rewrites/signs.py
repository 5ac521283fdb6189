"""Lower bounds of whole numbers, from literals, lengths, ranges, and guards that leave the function."""

import ast

from bloomery.optimize.proposers.rewrites.aliases import binds
from bloomery.optimize.proposers.rewrites.drafting import Draft
from bloomery.optimize.proposers.rewrites.scope import COMPREHENSIONS

DEPTH = 6


def at_least(d: Draft, node: ast.expr, least: int, at: ast.AST | None = None, depth: int = DEPTH) -> bool:
    """Whether the value, where it stands (or at `at`), is proven to be no less than `least`."""
    at = node if at is None else at
    if depth == 0:
        return False
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int) and node.value >= least
    if isinstance(node, ast.Call):
        return _call(d, node, least, at, depth)
    if isinstance(node, ast.BinOp):
        return _operation(d, node, least, at, depth)
    if isinstance(node, ast.Name):
        return _from_guards(d, node.id, least, at) or _from_binding(d, node.id, least, at, depth)
    return False


def _call(d: Draft, node: ast.Call, least: int, at: ast.AST, depth: int) -> bool:
    if not isinstance(node.func, ast.Name) or not d.scope.is_real(node.func.id):
        return False
    if node.func.id in {"len", "abs", "ord"}:
        return least <= 0
    if node.func.id == "max":
        return any(at_least(d, arg, least, at, depth - 1) for arg in node.args) and len(node.args) > 1
    return False


def _operation(d: Draft, node: ast.BinOp, least: int, at: ast.AST, depth: int) -> bool:
    both = [at_least(d, part, 0, at, depth - 1) for part in (node.left, node.right)]
    if isinstance(node.op, ast.Add):
        if isinstance(node.right, ast.Constant) and isinstance(node.right.value, int):
            return at_least(d, node.left, least - node.right.value, at, depth - 1)
        return least <= 0 and all(both)
    if isinstance(node.op, ast.Mult | ast.FloorDiv):
        return least <= 0 and all(both)
    if isinstance(node.op, ast.Pow):
        return all(both) and (least <= 0 or (least <= 1 and at_least(d, node.left, 1, at, depth - 1)))
    return isinstance(node.op, ast.Mod) and least <= 0 and both[1]


def _from_binding(d: Draft, name: str, least: int, at: ast.AST, depth: int) -> bool:
    """A loop's own variable over a range, or the last assignment before, in this block or around it."""
    below = at
    for outer in d.scope.up(at):
        if isinstance(outer, COMPREHENSIONS):
            for generator in outer.generators:
                if isinstance(generator.target, ast.Name) and generator.target.id == name:
                    return _counts_from(d, generator.iter, least, outer, depth)
        if isinstance(outer, ast.For) and below in outer.body and _is(outer.target, name):
            return not binds(outer.body, name) and _counts_from(d, outer.iter, least, outer, depth)
        if isinstance(outer, ast.For | ast.While) and below in outer.body and binds(outer.body, name):
            return False
        for field in ("body", "orelse", "finalbody"):
            block = getattr(outer, field, None)
            if isinstance(block, list) and below in block:
                for before in reversed(block[: block.index(below)]):
                    if binds([before], name):
                        return _assigned(d, before, name, least, depth)
        below = outer
    return False


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _assigned(d: Draft, statement: ast.stmt, name: str, least: int, depth: int) -> bool:
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return False
    target, value = statement.targets[0], statement.value
    if isinstance(target, ast.Name):
        return at_least(d, value, least, statement, depth - 1)
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for part, one in zip(target.elts, value.elts, strict=True):
            if isinstance(part, ast.Name) and part.id == name:
                return at_least(d, one, least, statement, depth - 1)
    return False


def _counts_from(d: Draft, source: ast.expr, least: int, at: ast.AST, depth: int) -> bool:
    if not (isinstance(source, ast.Call) and isinstance(source.func, ast.Name) and d.scope.is_real("range")):
        return False
    if source.func.id != "range" or len(source.args) > 2 or source.keywords:
        return False
    return least <= 0 if len(source.args) == 1 else at_least(d, source.args[0], least, at, depth - 1)


def _from_guards(d: Draft, name: str, least: int, at: ast.AST) -> bool:
    """`if n < 2 or ...: return`, in a block around, with nothing in between that binds the name again."""
    below, at_line = at, getattr(at, "lineno", 0)
    for outer in d.scope.up(at):
        if isinstance(outer, ast.If) and below in outer.body and _holds(outer.test, name, least):
            return not binds([one for one in outer.body if one.lineno < at_line], name)
        block = getattr(outer, "body", None)
        if isinstance(block, list) and below in block:
            for before in reversed(block[: block.index(below)]):
                if isinstance(before, ast.If) and not before.orelse and not binds([before], name):
                    leaves = isinstance(before.body[-1], ast.Return | ast.Raise)
                    if leaves and _excludes(before.test, name, least):
                        return True
                elif binds([before], name):
                    return False
        if isinstance(outer, ast.For | ast.While) and binds([outer], name):
            return False
        below = outer
    return False


def _compared(test: ast.expr, name: str) -> tuple[type, int] | None:
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.left, ast.Name):
        right = test.comparators[0]
        if test.left.id == name and isinstance(right, ast.Constant) and isinstance(right.value, int):
            return type(test.ops[0]), right.value
    return None


def _excludes(test: ast.expr, name: str, least: int) -> bool:
    """Whether the test is true of everything below `least`."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or):
        return any(_excludes(part, name, least) for part in test.values)
    compared = _compared(test, name)
    if compared is None:
        return False
    return (compared[0] is ast.Lt and compared[1] >= least) or (
        compared[0] is ast.LtE and compared[1] >= least - 1
    )


def _holds(test: ast.expr, name: str, least: int) -> bool:
    """Whether the test is true of nothing below `least`."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return any(_holds(part, name, least) for part in test.values)
    compared = _compared(test, name)
    if compared is None:
        return False
    return (compared[0] is ast.GtE and compared[1] >= least) or (
        compared[0] is ast.Gt and compared[1] >= least - 1
    )
