"""Checks of input that stay when Python is told to leave out asserts."""

import ast
from collections.abc import Iterator

from bloomery.optimize.proposers.robustness.source import NotMended, Source
from bloomery.optimize.proposers.security.fix import Fix, bound_names, fix, replaced
from bloomery.source.python import FUNCTION

KINDS = ("ValueError", "TypeError")


def raised(source: Source) -> Iterator[Fix]:
    """Asserts at the head of a function that are about its parameters only.

    Not where the module handles the one kind of error or the other: it would handle them otherwise then.
    """
    if set(KINDS) & bound_names(source) or _handles(source.tree):
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


def _handles(tree: ast.Module) -> bool:
    """Whether the old kind of error is named anywhere, or a new one in a handler that passes others on."""
    kinds = [one.type for one in ast.walk(tree) if isinstance(one, ast.ExceptHandler) and one.type]
    caught = {one.id for kind in kinds for one in ast.walk(kind) if isinstance(one, ast.Name)}
    named = {one.id for one in ast.walk(tree) if isinstance(one, ast.Name)}
    return "AssertionError" in named or bool(caught & set(KINDS))


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
    """A test that does something beside, or is always true (a tuple), is none of the input."""
    inner = list(ast.walk(test))
    used = {one.id for one in inner if isinstance(one, ast.Name)}
    odd = (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)
    return (
        bool(used & names)
        and not isinstance(test, ast.Tuple)
        and not any(isinstance(one, odd) for one in inner)
    )


def _raised(source: Source, statement: ast.Assert) -> Fix:
    indent, test = source.indent(statement), source.segment(statement.test)
    source.lines(statement, statement)  # what follows on its line would belong to the error
    by_type = isinstance(statement.test, ast.Call) and source.full_name(statement.test.func) == "isinstance"
    kind = "TypeError" if by_type else "ValueError"
    said = (
        source.segment(statement.msg) if statement.msg else repr(f"expected: {ast.unparse(statement.test)}")
    )
    text = f"if not ({test}):\n{indent}    raise {kind}({said})"
    return fix(source, statement, "with python -O nothing is checked", replaced(source, statement, text))
