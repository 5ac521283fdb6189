"""Python sources as data: the tree of a file, and what it defines."""

import ast
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bloomery.core.errors import MissingFile, UnknownName, UserError

Function = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
Kind = Literal["function", "method", "class"]


class NotPython(UserError):
    """A file that does not parse, with the line where it stops to."""

    def __init__(self, path: Path, line: int, why: str) -> None:
        self.path, self.line, self.why = path, line, why
        super().__init__(f"{path}:{line}: not Python: {why}")


@dataclass(frozen=True)
class Parsed:
    """One file: lines are counted from 1, line ends are `\\n`."""

    path: Path
    text: str
    tree: ast.Module


@dataclass(frozen=True)
class Symbol:
    """A function, method or class; `name` is qualified as Python does it (`Memory.update`, `f.<locals>.g`).

    `first_line` counts decorators, `line` is that of `def` or `class`.
    """

    name: str
    kind: Kind
    first_line: int
    line: int
    end_line: int
    docstring: str | None
    decorators: tuple[str, ...]


def parse(path: Path) -> Parsed:
    """Raises: MissingFile, NotPython."""
    try:
        data = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        raise MissingFile(f"{path}: there is no such file") from None
    try:
        text = importlib.util.decode_source(data)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise NotPython(path, line, f"byte {data[error.start]:#x} is not {error.encoding}") from None
    except SyntaxError as error:
        raise NotPython(path, 1, error.msg) from None
    return parse_text(text, path)


def parse_text(text: str, path: Path) -> Parsed:
    """Raises: NotPython."""
    if "\0" in text:
        raise NotPython(path, text.count("\n", 0, text.index("\0")) + 1, "it holds a null byte")
    try:
        return Parsed(path, text, ast.parse(text, str(path)))
    except SyntaxError as error:
        raise NotPython(path, error.lineno or 1, error.msg) from None
    except (RecursionError, MemoryError):
        raise NotPython(path, 1, "it is nested too deeply to be parsed") from None


def symbols(tree: ast.Module) -> tuple[Symbol, ...]:
    """Everything that `tree` defines, in the order of the text, whatever it stands in."""
    return tuple(_symbol(name, kind, node) for name, kind, node in definitions(tree))


def definitions(tree: ast.AST) -> Iterator[tuple[str, Kind, Function | ast.ClassDef]]:
    """Qualified name, kind and node of every function and class."""
    yield from _definitions(tree, "", in_class=False)


def functions(tree: ast.AST) -> dict[str, Function]:
    """Functions and methods by qualified name; of several of one name the last, as Python keeps it."""
    return {name: node for name, _, node in definitions(tree) if isinstance(node, FUNCTION)}


def function(parsed: Parsed, name: str) -> Function:
    """Raises: UnknownName."""
    known = functions(parsed.tree)
    if name not in known:
        raise UnknownName(f"function of {parsed.path}", name, known)
    return known[name]


def first_line(node: Function | ast.ClassDef) -> int:
    return min((node.lineno, *(decorator.lineno for decorator in node.decorator_list)))


def last_line(node: ast.stmt | ast.expr) -> int:
    return node.end_lineno or node.lineno


def called_name(node: ast.Call) -> str:
    """The last part of what is called: `close` of `torch.testing.close(...)`; empty for other callees."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _definitions(
    parent: ast.AST, prefix: str, *, in_class: bool
) -> Iterator[tuple[str, Kind, Function | ast.ClassDef]]:
    for node in ast.iter_child_nodes(parent):
        if isinstance(node, FUNCTION):
            yield prefix + node.name, "method" if in_class else "function", node
            yield from _definitions(node, f"{prefix}{node.name}.<locals>.", in_class=False)
        elif isinstance(node, ast.ClassDef):
            yield prefix + node.name, "class", node
            yield from _definitions(node, f"{prefix}{node.name}.", in_class=True)
        elif isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield from _definitions(node, prefix, in_class=in_class)


def _symbol(name: str, kind: Kind, node: Function | ast.ClassDef) -> Symbol:
    return Symbol(
        name=name,
        kind=kind,
        first_line=first_line(node),
        line=node.lineno,
        end_line=last_line(node),
        docstring=ast.get_docstring(node),
        decorators=tuple(ast.unparse(decorator) for decorator in node.decorator_list),
    )
