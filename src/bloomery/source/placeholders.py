"""Functions that stand for work that is not done yet.

What is meant to be empty is none: abstract methods, overloads, members of a Protocol, and a function whose
name says that it is the identity.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bloomery.source.python import FUNCTION, Function, Parsed, called_name, definitions, first_line, last_line

PlaceholderKind = Literal["empty", "not implemented", "constant", "argument", "filled", "todo"]

_MEANT = re.compile(r"\b(?:abstract\w*|overload|override_stub)\b")
_TODO = re.compile(r"#\W*(?:TODO|FIXME)\b")
_FILLED = {
    f"{word}{tail}" for word in ("zeros", "ones", "empty", "rand", "randn", "full") for tail in ("", "_like")
}
_UNCHANGED = {"clone", "detach", "contiguous", "copy", "deepcopy"}
_SAID_ONLY = {"print", "warn", "debug", "info", "warning"}


@dataclass(frozen=True)
class Placeholder:
    """A function that does not do its work, and how one sees it."""

    path: Path
    line: int
    symbol: str
    kind: PlaceholderKind
    reason: str


def placeholders(parsed: Parsed) -> tuple[Placeholder, ...]:
    """Every function of the file that is one, in the order of the text."""
    protocols = tuple(_protocols(parsed.tree))
    todos = _todos(parsed.text)
    found = []
    for name, _, node in definitions(parsed.tree):
        if not isinstance(node, FUNCTION) or name.startswith(protocols):
            continue
        seen = placeholder(node) or _has_todo(node, todos)
        if seen:
            found.append(Placeholder(parsed.path, node.lineno, name, *seen))
    return tuple(found)


def placeholder(node: Function) -> tuple[PlaceholderKind, str] | None:
    """Kind and reason, or None for a function that does something."""
    if any(_MEANT.search(ast.unparse(decorator)) for decorator in node.decorator_list):
        return None
    body = [statement for statement in node.body if not _says_nothing(statement)]
    if not body:
        return "empty", "its body is empty"
    match body[0]:
        case ast.Raise(exc=exc) if exc is not None and _name(exc) == "NotImplementedError":
            return "not implemented", "it raises NotImplementedError"
        case ast.Return(value=value) if len(body) == 1:
            return _returned(value, node)
    return None


def _says_nothing(statement: ast.stmt) -> bool:
    match statement:
        case ast.Pass() | ast.Delete() | ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant()):
            return True
        case ast.Expr(value=ast.Call() as call):
            return called_name(call) in _SAID_ONLY
        case ast.Assign(targets=[ast.Name(id="_")], value=value):
            return not any(isinstance(inner, ast.Call) for inner in ast.walk(value))
    return False


def _returned(value: ast.expr | None, node: Function) -> tuple[PlaceholderKind, str] | None:
    arguments = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    given = [name for name in arguments if name not in {"self", "cls"}]
    if value is None or _is_constant(value):
        what = ast.unparse(value) if value else "nothing"
        return "constant", f"it returns {what} whatever it is given"
    if isinstance(value, ast.Name) and value.id in given and "identity" not in node.name:
        return "argument", f"it returns its argument {value.id} unchanged"
    if not isinstance(value, ast.Call):
        return None
    name = called_name(value)
    copied = value.func.value if isinstance(value.func, ast.Attribute) and not value.args else None
    if name in _UNCHANGED and isinstance(copied, ast.Name) and copied.id in given:
        return "argument", f"it returns a copy of its argument {copied.id}"
    if name in _FILLED:
        return "filled", f"it returns {ast.unparse(value)}, which depends on no value that it is given"
    return None


def _is_constant(value: ast.expr) -> bool:
    match value:
        case ast.Constant():
            return True
        case ast.UnaryOp(operand=operand):
            return _is_constant(operand)
        case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements):
            return all(map(_is_constant, elements))
        case ast.Dict(keys=keys, values=values):
            return all(key is not None and _is_constant(key) for key in keys) and all(
                map(_is_constant, values)
            )
    return False


def _name(node: ast.expr) -> str:
    return called_name(node) if isinstance(node, ast.Call) else getattr(node, "id", "")


def _protocols(tree: ast.Module) -> Iterator[str]:
    for name, _, node in definitions(tree):
        if isinstance(node, ast.ClassDef) and any("Protocol" in ast.unparse(base) for base in node.bases):
            yield f"{name}."


def _todos(text: str) -> list[int]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return [
        token.start[0] for token in tokens if token.type == tokenize.COMMENT and _TODO.match(token.string)
    ]


def _has_todo(node: Function, todos: list[int]) -> tuple[PlaceholderKind, str] | None:
    for line in todos:
        if first_line(node) <= line <= last_line(node):
            return "todo", f"line {line} says that something is still to be done"
    return None
