"""A module's text and tree, with the places of its nodes."""

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from bloomery.optimize.proposers.rewrites import aliases
from bloomery.optimize.proposers.rewrites.bindings import Function
from bloomery.source.python import definitions

BUILTINS = frozenset(dir(builtins))
LIBRARY = frozenset(
    {"isqrt", "gcd", "bisect_left", "bisect_right", "accumulate", "chain", "Counter", "deque"}
)


@dataclass(frozen=True)
class Program:
    """A module's text and tree, with the places of its nodes as offsets into the text."""

    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines(keepends=True)

    @cached_property
    def starts(self) -> list[int]:
        starts = [0]
        for line in self.text.split("\n"):
            starts.append(starts[-1] + len(line) + 1)
        return starts

    @cached_property
    def parents(self) -> aliases.Parents:
        return aliases.parents(self.tree)

    def offset(self, line: int, column: int) -> int:
        """`column` counts bytes of UTF-8, as `ast` does."""
        start = self.starts[line - 1]
        whole = self.text[start : self.starts[line] - 1]
        return start + (column if whole.isascii() else len(whole.encode()[:column].decode()))

    def span(self, node: ast.AST) -> tuple[int, int]:
        assert isinstance(node, ast.expr | ast.stmt)
        assert node.end_lineno
        assert node.end_col_offset is not None
        return self.offset(node.lineno, node.col_offset), self.offset(node.end_lineno, node.end_col_offset)

    def text_of(self, node: ast.AST) -> str:
        start, end = self.span(node)
        return self.text[start:end]

    @cached_property
    def bound(self) -> frozenset[str]:
        """Every name that is bound anywhere in the module, whatever the scope."""
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                found.add(node.id)
            elif isinstance(node, ast.arg):
                found.add(node.arg)
            elif isinstance(node, ast.alias):
                found.add((node.asname or node.name).partition(".")[0])
            elif isinstance(name := getattr(node, "name", None), str):
                found.add(name)
        return frozenset(found)

    @cached_property
    def used(self) -> frozenset[str]:
        return self.bound | {use.id for use in aliases.names([self.tree])}

    @cached_property
    def real(self) -> frozenset[str]:
        """Builtin names that nothing here can have given another meaning."""
        if "*" in self.bound or self.used & {"exec", "globals", "__builtins__", "builtins"}:
            return frozenset()
        return BUILTINS - self.bound

    def functions(self) -> Iterator[tuple[str, Function]]:
        for name, _, node in definitions(self.tree):
            if isinstance(node, ast.FunctionDef):
                yield name, node
