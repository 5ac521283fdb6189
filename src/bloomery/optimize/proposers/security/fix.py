"""One safer form of one place, and what its conditions are asked by."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from bloomery.optimize.proposers.robustness.source import Edit, Source
from bloomery.source.python import FUNCTION


@dataclass(frozen=True)
class Fix:
    """Edits of the text as it is, with the imports that they need; `proven`: nothing else changes."""

    line: int
    function: str
    why: str
    edits: tuple[Edit, ...]
    imports: tuple[str, ...] = ()
    proven: bool = False


def fix(
    source: Source, node: ast.AST, why: str, *edits: Edit, proven: bool = False, imports: str = ""
) -> Fix:
    """`imports`: statements, with semicolons between them."""
    needs = tuple(one.strip() for one in imports.split(";") if one.strip())
    return Fix(node.lineno, source.function_of(node), why, edits, needs, proven)  # type: ignore[attr-defined]


def bound_names(source: Source) -> set[str]:
    """Names that something else than an import binds anywhere in the module."""
    found = set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, (*FUNCTION, ast.ClassDef)):
            found.add(node.name)
    return found


def calls(source: Source, *names: str) -> Iterator[ast.Call]:
    """Calls of things by their full names whose first name means an import, or a builtin, everywhere."""
    bound = bound_names(source)
    for call in source.calls(*names):
        root = ast.unparse(call.func).partition(".")[0]
        if root not in bound and (root in source.imported or source.full_name(call.func) == root):
            yield call


def is_plain(call: ast.Call) -> bool:
    """Whether all arguments stand there, none behind a star."""
    return not any(isinstance(one, ast.Starred) for one in call.args) and all(
        one.arg is not None for one in call.keywords
    )


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((one.value for one in call.keywords if one.arg == name), None)


def is_constant(node: ast.expr | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def replaced(source: Source, node: ast.AST, text: str) -> Edit:
    return source.start(node), source.end(node), text


def added(source: Source, call: ast.Call, argument: str) -> Edit:
    """An argument behind the others."""
    there = [*call.args, *call.keywords]
    if not there:
        return source.end(call) - 1, source.end(call) - 1, argument
    last = max(source.end(one) for one in there)
    return last, last, f", {argument}"


def dropped(source: Source, call: ast.Call, name: str) -> Edit:
    """A keyword argument with the comma before it, or the one behind where it comes first."""
    there = sorted([*call.args, *call.keywords], key=source.start)
    at = next(at for at, one in enumerate(there) if isinstance(one, ast.keyword) and one.arg == name)
    if at:
        return source.end(there[at - 1]), source.end(there[at]), ""
    end = source.start(there[1]) if len(there) > 1 else source.end(call) - 1
    return source.start(there[0]), end, ""


def words(source: Source, node: ast.AST) -> str:
    """What people say of a place: the names and texts of its statement, its function, the docstring."""
    statement = source.statement(node)
    line = source.data[
        source.starts[statement.lineno - 1] : source.starts[statement.end_lineno or 1]
    ].decode()
    around = [one for one in source.above(node) if isinstance(one, FUNCTION)][:1]
    said = [f"{one.name} {ast.get_docstring(one) or ''}" for one in around]
    return re.sub(r"[_\W]+", " ", re.sub(r"([a-z])([A-Z])", r"\1 \2", " ".join([line, *said]))).lower()


def says(source: Source, node: ast.AST, pattern: str) -> bool:
    return re.search(rf"\b(?:{pattern})\b", words(source, node)) is not None
