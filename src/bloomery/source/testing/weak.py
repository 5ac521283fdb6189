"""Statements of tests that say less than they could."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from bloomery.source.python import FUNCTION, Parsed, called_name, definitions
from bloomery.source.testing.writing import equality

Weakness = Literal["only that it is true", "only a bound", "only a type", "nothing", "any exception"]
BROAD = {"Exception", "BaseException", "LookupError", "ArithmeticError", "OSError"}
BOUNDS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.NotEq, ast.In, ast.NotIn, ast.IsNot)


@dataclass(frozen=True)
class Spot:
    """A statement of a test, as characters `start` to `end` of its file; `subject` is what it speaks of.

    For "any exception" the characters are those of the `pytest.raises(...)` call alone.
    """

    test: str
    line: int
    start: int
    end: int
    subject: str
    weakness: Weakness

    def stronger(self, value: str) -> str:
        if self.weakness == "any exception":
            return f"pytest.raises({value})"
        if value in ("True", "False", "None"):
            return f"assert {self.subject} is {value}"
        return f"assert {self.subject} == {equality(value)}"


def spots(parsed: Parsed) -> Iterator[Spot]:
    """The weak statements of a file of tests; those in loops and helpers are left alone."""
    starts = [0]
    for line in parsed.text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    lines = parsed.text.split("\n")

    def at(row: int, column: int) -> int:
        return starts[row - 1] + len(lines[row - 1].encode()[:column].decode())

    for name, kind, node in definitions(parsed.tree):
        if kind == "class" or not isinstance(node, FUNCTION) or not node.name.startswith("test"):
            continue
        test = name.replace(".", "::")
        for place, subject, weakness in _weak(node.body):
            start, end = (
                at(place.lineno, place.col_offset),
                at(place.end_lineno or 1, place.end_col_offset or 0),
            )
            yield Spot(test, place.lineno, start, end, ast.unparse(subject), weakness)


def _weak(body: list[ast.stmt]) -> Iterator[tuple[ast.stmt | ast.expr, ast.expr, Weakness]]:
    for statement in body:
        if isinstance(statement, ast.With):
            for item in statement.items:
                call = item.context_expr
                if isinstance(call, ast.Call) and called_name(call) == "raises" and _broad(call):
                    yield call, call, "any exception"
            if not any(_raises(item.context_expr) for item in statement.items):
                yield from _weak(statement.body)
        elif isinstance(statement, ast.Assert):
            found = _asserted(statement.test)
            if found:
                yield statement, *found
        elif isinstance(statement, ast.Expr) and _calls(statement.value):
            yield statement, statement.value, "nothing"


def _asserted(test: ast.expr) -> tuple[ast.expr, Weakness] | None:
    if isinstance(test, ast.Call) and called_name(test) == "isinstance" and test.args:
        return test.args[0], "only a type"
    if isinstance(test, ast.Call | ast.Name | ast.Attribute | ast.Subscript):
        return test, "only that it is true"
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        left, right = test.left, test.comparators[0]
        sized = isinstance(left, ast.Call) and called_name(left) == "len" and left.args
        if sized and isinstance(left, ast.Call):
            return left.args[0], "only a bound"
        if isinstance(test.ops[0], ast.In | ast.NotIn):
            return right, "only a bound"
        if isinstance(test.ops[0], BOUNDS):
            return (right if isinstance(left, ast.Constant) else left), "only a bound"
    return None


def _calls(node: ast.expr) -> bool:
    """Whether something is called whose result somebody could want to know."""
    quiet = ("pytest", "print", "mock")
    return isinstance(node, ast.Call) and ast.unparse(node.func).partition(".")[0] not in quiet


def _raises(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and called_name(node) == "raises"


def _broad(call: ast.Call) -> bool:
    return len(call.args) == 1 and not call.keywords and ast.unparse(call.args[0]) in BROAD
