"""What a source file says: its hash, what it imports, and which data files beside it it names."""

import ast
import functools
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_DOCSTRING_NAMES = {f"__{'doc'}__", f"{'get'}doc"}  # in parts: this source reads no docstring itself
_FILE_NAME = re.compile(r"\w[\w-]*(/[\w-]+)*(\.\w+)+")


@dataclass(frozen=True)
class Source:
    """`bare` is the hash without docstrings, comments and layout."""

    bare: str
    reads_docstrings: bool
    wanted: tuple[tuple[str, int, tuple[str, ...]], ...] = ()  # module, level of a relative import, names
    data_files: tuple[str, ...] = ()


@functools.cache
def read(path: Path) -> Source:
    data = path.read_bytes()
    if path.suffix != ".py":
        return Source(_hash(data), False)
    tree = _parsed(path, data)
    nodes = list(ast.walk(tree))
    wanted = tuple(_import_statements(nodes))
    reads = any(_reads_docstrings(node) for node in nodes)
    data_files = tuple(_data_files(nodes, path.parent))
    for node in nodes:
        _drop_docstring(node)
    return Source(_hash(ast.dump(tree).encode()), reads, wanted, data_files)


@functools.cache
def whole(path: Path) -> str:
    """The hash with docstrings, without comments and layout."""
    data = path.read_bytes()
    return _hash(data if path.suffix != ".py" else ast.dump(_parsed(path, data)).encode())


def _parsed(path: Path, data: bytes) -> ast.AST:
    tree = ast.parse(data, str(path))
    return _WithoutTypeChecking().visit(tree) if b"TYPE_CHECKING" in data else tree


class _WithoutTypeChecking(ast.NodeTransformer):
    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        guard = node.test.attr if isinstance(node.test, ast.Attribute) else getattr(node.test, "id", "")
        return node.orelse if guard == "TYPE_CHECKING" else node


def _drop_docstring(node: ast.AST) -> None:
    if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
        node.body = node.body[1:]


def _reads_docstrings(node: ast.AST) -> bool:
    match node:
        case (
            ast.Name(id=name)
            | ast.Attribute(attr=name)
            | ast.Constant(value=str(name))
            | ast.alias(name=name)
        ):
            return name in _DOCSTRING_NAMES
    return False


def _import_statements(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, int, tuple[str, ...]]]:
    for node in nodes:
        match node:
            case ast.Import():
                yield from ((alias.name, 0, ()) for alias in node.names)
            case ast.ImportFrom():
                yield node.module or "", node.level, tuple(alias.name for alias in node.names)
            case ast.Call(
                func=ast.Name(id="import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name))],
            ):
                yield name, 0, ()


def _data_files(nodes: Iterable[ast.AST], folder: Path) -> Iterator[str]:
    for node in nodes:
        match node:
            case ast.Constant(value=str(name)) if _FILE_NAME.fullmatch(name):
                if not name.endswith(".py") and (folder / name).is_file():
                    yield name


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
