"""What a source file says: its hash, what it imports, and which data files beside it it names."""

import ast
import functools
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FILE_NAME = re.compile(r"\w[\w-]*(/[\w-]+)*(\.\w+)+")


@dataclass(frozen=True)
class Source:
    """`bare` is the hash without docstrings, `whole` the hash with them; neither knows comments or layout."""

    bare: str
    whole: str
    reads_docstrings: bool
    wanted: tuple[tuple[str, int, tuple[str, ...]], ...] = ()  # module, level of a relative import, names
    data_files: tuple[str, ...] = ()


@functools.cache
def read(path: Path) -> Source:
    data = path.read_bytes()
    if path.suffix != ".py":
        return Source(_hash(data), _hash(data), False)
    tree = _WithoutTypeChecking().visit(ast.parse(data, str(path)))
    whole = _hash(ast.dump(tree).encode())
    wanted = tuple(_import_statements(tree))
    reads = b"__doc__" in data or b"getdoc" in data
    data_files = tuple(_data_files(tree, path.parent))
    bare = _hash(ast.dump(_WithoutDocstrings().visit(tree)).encode())
    return Source(bare, whole, reads, wanted, data_files)


class _WithoutTypeChecking(ast.NodeTransformer):
    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        guard = node.test.attr if isinstance(node.test, ast.Attribute) else getattr(node.test, "id", "")
        return node.orelse if guard == "TYPE_CHECKING" else node


class _WithoutDocstrings(ast.NodeTransformer):
    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        match node:
            case ast.Module() | ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                if ast.get_docstring(node, clean=False) is not None:
                    node.body = node.body[1:]
        return node


def _import_statements(tree: ast.AST) -> Iterator[tuple[str, int, tuple[str, ...]]]:
    for node in ast.walk(tree):
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


def _data_files(tree: ast.AST, folder: Path) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(name)) if _FILE_NAME.fullmatch(name):
                if not name.endswith(".py") and (folder / name).is_file():
                    yield name


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
