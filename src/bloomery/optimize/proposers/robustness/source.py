"""A module's text with its tree, and edits of it that leave all else as it was, to the byte."""

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bloomery.core.errors import UserError
from bloomery.source.editing.imports import add_import
from bloomery.source.python import FUNCTION, Function, NotPython

Edit = tuple[int, int, str]
STEP = "    "


class NotMended(Exception):
    """A condition of a mend does not hold here."""


@dataclass(frozen=True)
class Made:
    """The text after one mend; `line` of the text before."""

    text: str
    line: int
    function: str
    why: str


@dataclass(frozen=True)
class Source:
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def data(self) -> bytes:
        return self.text.encode()

    @cached_property
    def starts(self) -> list[int]:
        found = [0]
        for line in self.data.splitlines(keepends=True):
            found.append(found[-1] + len(line))
        return found

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    def above(self, node: ast.AST) -> Iterator[ast.AST]:
        while node in self.parents:
            node = self.parents[node]
            yield node

    def functions(self, name: str | None = None) -> Iterator[tuple[str, Function]]:
        """Functions of the module and methods of its classes by qualified name."""
        for node in ast.walk(self.tree):
            if isinstance(node, FUNCTION) and (found := self.name_of(node)) and name in (None, found):
                yield found, node

    def name_of(self, function: Function) -> str:
        """Empty for what stands in another function."""
        names = [function.name]
        for node in self.above(function):
            if isinstance(node, FUNCTION):
                return ""
            if isinstance(node, ast.ClassDef):
                names.append(node.name)
        return ".".join(reversed(names))

    def function_of(self, node: ast.AST) -> str:
        found = [one for one in (node, *self.above(node)) if isinstance(one, FUNCTION)]
        return self.name_of(found[-1]) if found else ""

    def statement(self, node: ast.AST) -> ast.stmt:
        while not isinstance(node, ast.stmt):
            node = self.parents[node]
        return node

    def block(self, statement: ast.stmt) -> list[ast.stmt]:
        """The statements among which this one stands."""
        parent = self.parents[statement]
        for _, value in ast.iter_fields(parent):
            if isinstance(value, list) and statement in value:
                return value
        raise NotMended("a statement without a block")

    def start(self, node: ast.AST) -> int:
        return self.starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]

    def end(self, node: ast.AST) -> int:
        return self.starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]

    def segment(self, node: ast.AST) -> str:
        return self.data[self.start(node) : self.end(node)].decode()

    def indent(self, statement: ast.stmt) -> str:
        """Raises: NotMended where something stands before the statement on its line."""
        head = self.data[self.starts[statement.lineno - 1] : self.start(statement)].decode()
        if head.strip():
            raise NotMended("a statement shares its line with others")
        return head

    def lines(self, first: ast.stmt, last: ast.stmt) -> tuple[int, int]:
        """From the start of the first statement's line to the end of the last one's."""
        self.indent(first)
        end = min(self.starts[last.end_lineno or last.lineno], len(self.data))
        if self.data[self.end(last) : end].strip()[:1] not in (b"", b"#"):
            raise NotMended("a statement shares its line with others")
        return self.starts[first.lineno - 1], end

    def deeper(self, statements: list[ast.stmt], *, edits: Iterable[Edit] = ()) -> str:
        """The lines of these statements one step to the right, with edits in them.

        Raises: NotMended where a string of several lines would move.
        """
        for node in (inner for one in statements for inner in ast.walk(one)):
            is_text = isinstance(node, ast.JoinedStr) or isinstance(getattr(node, "value", None), str | bytes)
            if is_text and getattr(node, "end_lineno", 0) != getattr(node, "lineno", 0):
                raise NotMended("a string of several lines stands there")
        start, end = self.lines(statements[0], statements[-1])
        moved = [(a - start, b - start, new) for a, b, new in edits]
        text = spliced(self.data[start:end], moved)
        text = text if text.endswith("\n") else text + "\n"
        return "".join(STEP + line if line.strip() else line for line in text.splitlines(keepends=True))

    def free(self, base: str, within: ast.AST) -> str:
        """A name like `base` that nothing in the node uses."""
        used = {one.id for one in ast.walk(within) if isinstance(one, ast.Name)}
        used |= {one.arg for one in ast.walk(within) if isinstance(one, ast.arg)}
        return next(name for name in (base, *(f"{base}_{n}" for n in range(2, 99))) if name not in used)

    def calls(self, *names: str) -> Iterator[ast.Call]:
        """Calls of things by their full names, such as `os.open`, however they are imported."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and self.full_name(node.func) in names:
                yield node

    def full_name(self, node: ast.AST) -> str:
        text = ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute) else ""
        first, dot, rest = text.partition(".")
        return self.imported.get(first, first) + dot + rest

    @cached_property
    def imported(self) -> dict[str, str]:
        """What the names of imports stand for."""
        found: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    found[alias.asname or alias.name.partition(".")[0]] = (
                        alias.name if alias.asname else alias.name.partition(".")[0]
                    )
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.update({a.asname or a.name: f"{node.module}.{a.name}" for a in node.names})
        return found

    def edited(self, edits: Iterable[Edit], *imports: str, helper: str = "") -> str:
        """The text after edits, with imports and a function of our own that they need.

        Raises: NotMended where what comes out is no Python, or a name is taken.
        """
        text = spliced(self.data, edits)
        if helper and helper not in text:
            text = _with_helper(text, helper)
        try:
            for statement in imports:
                text = add_import(text, statement)
            ast.parse(text)
        except (SyntaxError, NotPython, UserError) as error:
            raise NotMended(str(error)) from None
        return text


def attempted(make: Callable[..., str], *arguments: Any) -> str | None:
    """What `make` gives; None where a condition of it does not hold."""
    try:
        return make(*arguments)
    except NotMended:
        return None


def spliced(data: bytes, edits: Iterable[Edit]) -> str:
    for start, end, new in sorted(edits, reverse=True):
        data = data[:start] + new.encode() + data[end:]
    return data.decode()


def _with_helper(text: str, helper: str) -> str:
    """Above the first function or class of the module, below its imports."""
    name = helper.partition("def ")[2].partition("(")[0]
    tree = ast.parse(text)
    if any(isinstance(node, FUNCTION) and node.name == name for node in tree.body):
        raise NotMended(f"the module has a {name} of its own")
    for node in tree.body:
        if isinstance(node, (*FUNCTION, ast.ClassDef)):
            line = min([node.lineno, *(one.lineno for one in node.decorator_list)]) - 1
            lines = text.splitlines(keepends=True)
            return "".join(lines[:line]) + helper.strip("\n") + "\n\n\n" + "".join(lines[line:])
    raise NotMended("the module has no function")
