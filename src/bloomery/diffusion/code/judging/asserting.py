"""Examples read from Python assertions: `assert f(1, 2) == 3`, and `abs(f(1) - 0.5) < 1e-6`.

Nothing is run: arguments and results are literals, and sums and the like of literals.
"""

import ast
import operator
from collections.abc import Callable, Iterator
from typing import Any

from bloomery.core.errors import FormatRefused
from bloomery.diffusion.code.judging.program import Example

OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
MOST_TEXT = 10_000


class Unreadable(ValueError):
    """An assertion that is no example."""


def examples_of(checks: str, function: str) -> Iterator[Example]:
    """In their order; the call may be of `candidate`, of the function, or, without a name, of anything.

    Raises: Unreadable for the first check that is none of these forms, or where there are none.
    """
    found = 0
    for statement in _statements(ast.parse(checks)):
        if isinstance(statement, ast.Assert) and isinstance(statement.test, ast.Constant):
            continue  # `assert True, "this prints if ..."`
        call, expected = _compared(statement)
        if function and call.func.id not in (function, "candidate"):  # type: ignore[attr-defined]
            raise Unreadable(f"another function is called: {ast.unparse(call)[:80]}")
        found += 1
        yield _example(call, expected)
    if not found:
        raise Unreadable("it has no assertion")


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """Those of the module, or of its function `check`."""
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "check":
            yield from (one for one in statement.body if not isinstance(one, ast.Pass))
        elif not isinstance(statement, ast.Assign | ast.Import | ast.ImportFrom | ast.Expr):
            yield statement


def _compared(statement: ast.stmt) -> tuple[ast.Call, ast.expr]:
    match statement:
        case ast.Assert(
            test=ast.Compare(left=ast.Call(func=ast.Name(id=name)) as call, ops=[ast.Eq()]) as test
        ):
            if name != "abs":
                return call, test.comparators[0]
        case ast.Assert(
            test=ast.Compare(
                left=ast.Call(
                    func=ast.Name(id="abs"),
                    args=[ast.BinOp(left=ast.Call(func=ast.Name()) as call, op=ast.Sub(), right=expected)],
                ),
                ops=[ast.Lt()],
            )
        ):
            return call, expected
        case ast.Assert(test=ast.Call(func=ast.Name()) as call):
            return call, ast.Constant(value=True)
        case ast.Assert(test=ast.UnaryOp(op=ast.Not(), operand=ast.Call(func=ast.Name()) as call)):
            return call, ast.Constant(value=False)
    raise Unreadable(f"no call is compared with a value: {ast.unparse(statement)[:80]}")


def _example(call: ast.Call, expected: ast.expr) -> Example:
    if call.keywords:
        raise Unreadable(f"arguments are given by name: {ast.unparse(call)[:80]}")
    try:
        return Example(arguments=tuple(map(_value, call.args)), result=_value(expected))
    except (FormatRefused, ValueError, TypeError, ArithmeticError, RecursionError) as error:
        raise Unreadable(f"{ast.unparse(call)[:60]}: {error}") from error


def _value(node: ast.expr) -> Any:
    """Raises: ValueError for what is no literal, nor a sum, difference, product or quotient of such."""
    match node:
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            value = OPERATORS[type(op)](_value(left), _value(right))
        case ast.List(elts=items) | ast.Tuple(elts=items):
            value = [_value(item) for item in items]
        case _:
            value = ast.literal_eval(node)
    if len(str(value)) > MOST_TEXT:
        raise ValueError("the value is too long")
    return value
