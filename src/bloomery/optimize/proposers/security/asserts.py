"""Checks of input that stay when Python is told to leave out asserts."""

import ast
from collections.abc import Iterator

from bloomery.optimize.proposers.robustness.source import NotMended, Source
from bloomery.optimize.proposers.security.fix import Fix, bound_names, fix, replaced
from bloomery.source.python import FUNCTION


def raised(source: Source) -> Iterator[Fix]:
    """Asserts at the head of a function that are about its parameters only."""
    if {"ValueError", "TypeError"} & bound_names(source):
        return
    for function in ast.walk(source.tree):
        if not isinstance(function, FUNCTION):
            continue
        given = function.args
        names = {one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)} - {"self", "cls"}
        for statement in _head(function):
            if isinstance(statement, ast.Assert) and _is_about(statement.test, names):
                try:
                    yield _raised(source, statement)
                except NotMended:
                    continue


def _head(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.stmt]:
    """The asserts before anything else is done; the docstring aside."""
    for at, statement in enumerate(function.body):
        is_docstring = (
            at == 0 and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        )
        if not (is_docstring or isinstance(statement, ast.Assert)):
            return
        yield statement


def _is_about(test: ast.expr, names: set[str]) -> bool:
    used = {one.id for one in ast.walk(test) if isinstance(one, ast.Name)}
    return bool(used & names) and not any(isinstance(one, ast.NamedExpr) for one in ast.walk(test))


def _raised(source: Source, statement: ast.Assert) -> Fix:
    indent, test = source.indent(statement), source.segment(statement.test)
    by_type = isinstance(statement.test, ast.Call) and source.full_name(statement.test.func) == "isinstance"
    kind = "TypeError" if by_type else "ValueError"
    said = (
        source.segment(statement.msg) if statement.msg else repr(f"expected: {ast.unparse(statement.test)}")
    )
    text = f"if not ({test}):\n{indent}    raise {kind}({said})"
    return fix(source, statement, "with python -O nothing is checked", replaced(source, statement, text))
