"""Tests by their markers, found in the source: `@pytest.mark.equation("titans", 13)`.

Seen are markers on functions, on their classes and what those inherit from in the same file, in `pytestmark`
of classes and modules, in `marks=` of single parameters, and under a name that the module gives them
(`recurrence = pytest.mark.equation("titans", 13)`). Arguments are literals or names of the module's literals.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bloomery.source.citing import Equation, numbers
from bloomery.source.python import FUNCTION, Function, Parsed, called_name


@dataclass(frozen=True)
class Mark:
    """One use of a marker; `arguments` holds those that are `named`, too, after the others.

    `some_cases`: it stands on single parameters of a parametrized test.
    """

    line: int
    arguments: tuple[object, ...]
    some_cases: bool = False
    named: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True)
class MarkedTest:
    """`node` is the test's id within its file: `test_it`, `TestMemory::test_it`."""

    path: Path
    line: int
    node: str
    marks: tuple[Mark, ...]

    @property
    def equations(self) -> tuple[Equation, ...]:
        """What `equation` markers name; a number such as "9-10" names both."""
        found = [equation for mark in self.marks for equation in _equations(mark)]
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True)
class UnreadMark:
    """A marker whose arguments only running the module would tell, or that name no equation."""

    path: Path
    line: int
    text: str


def tests(parsed: Parsed) -> Iterator[tuple[str, Function, tuple[ast.ClassDef, ...]]]:
    """Id within the file, node and classes (outermost first) of each test, by pytest's default names."""
    yield from _tests(parsed.tree, "", (), _classes(parsed.tree))


def marked_tests(parsed: Parsed, marker: str = "equation") -> tuple[MarkedTest, ...]:
    """Tests with the marker, in the order of the text; what cannot be read is left to `unread_marks`."""
    if marker not in parsed.text:
        return ()
    reader = _Reader(parsed, marker)
    found = [
        MarkedTest(parsed.path, node.lineno, name, tuple(reader.marks(node, classes)))
        for name, node, classes in tests(parsed)
    ]
    return tuple(test for test in found if test.marks)


def unread_marks(parsed: Parsed, marker: str = "equation") -> tuple[UnreadMark, ...]:
    """Uses of the marker that cannot be read without running the module."""
    reader = _Reader(parsed, marker)
    read = [mark for _, node, classes in tests(parsed) for mark in reader.marks(node, classes)]
    silent = [mark for mark in read if marker == "equation" and not _equations(mark)]
    lines = {mark.line: f"{marker}{mark.arguments}" for mark in silent} | reader.unread
    return tuple(UnreadMark(parsed.path, line, text) for line, text in sorted(lines.items()))


def _equations(mark: Mark) -> tuple[Equation, ...]:
    if len(mark.arguments) < 2 or not isinstance(mark.arguments[0], str):
        return ()
    paper, *given = mark.arguments
    return tuple(Equation(str(paper), number) for one in given for number in numbers(str(one)))


def _classes(tree: ast.Module) -> dict[str, ast.ClassDef]:
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


def _tests(
    parent: ast.AST, prefix: str, above: tuple[ast.ClassDef, ...], known: dict[str, ast.ClassDef]
) -> Iterator[tuple[str, Function, tuple[ast.ClassDef, ...]]]:
    own: dict[str, Function] = {}
    for node in _statements(parent):
        if isinstance(node, FUNCTION) and node.name.startswith("test"):
            own[node.name] = node
        elif isinstance(node, ast.ClassDef) and collected(node):
            yield from _tests(node, f"{prefix}{node.name}::", (*above, node), known)
    if isinstance(parent, ast.ClassDef):
        for base in _bases(parent, known):
            own = {
                n.name: n for n in base.body if isinstance(n, FUNCTION) and n.name.startswith("test")
            } | own
    for name, node in own.items():
        yield prefix + name, node, above


def _statements(parent: ast.AST) -> Iterator[ast.AST]:
    """What a module or class defines, also under `if` and `try`."""
    for node in ast.iter_child_nodes(parent):
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With | ast.ExceptHandler):
            yield from _statements(node)


def collected(node: ast.ClassDef) -> bool:
    """Whether pytest would look for tests in this class."""
    if any("TestCase" in ast.unparse(base) for base in node.bases):
        return True
    has_init = any(isinstance(inner, FUNCTION) and inner.name == "__init__" for inner in node.body)
    return node.name.startswith("Test") and not has_init


def _bases(node: ast.ClassDef, known: dict[str, ast.ClassDef]) -> Iterator[ast.ClassDef]:
    """Base classes that the same file defines, nearest first, each once."""
    seen = {node.name}
    waiting = list(node.bases)
    while waiting:
        base = known.get(getattr(waiting.pop(0), "id", ""))
        if base is not None and base.name not in seen:
            seen.add(base.name)
            yield base
            waiting.extend(base.bases)


class _Reader:
    """Reads one marker in one file."""

    def __init__(self, parsed: Parsed, marker: str) -> None:
        self.marker = marker
        self.unread: dict[int, str] = {}
        self.classes = _classes(parsed.tree)
        self.values = dict(_assigned(parsed.tree.body))
        self.of_module = list(self._pytestmark(parsed.tree.body))

    def marks(self, node: Function, classes: tuple[ast.ClassDef, ...]) -> Iterator[Mark]:
        for decorator in node.decorator_list:
            yield from self._read(decorator)
            yield from self._of_parameters(decorator)
        for outer in reversed(classes):
            for one in (outer, *_bases(outer, self.classes)):
                for decorator in one.decorator_list:
                    yield from self._read(decorator)
                yield from self._pytestmark(one.body)
        yield from self.of_module

    def _pytestmark(self, body: list[ast.stmt]) -> Iterator[Mark]:
        value = dict(_assigned(body)).get("pytestmark")
        if value is not None:
            yield from self._read(value)

    def _of_parameters(self, decorator: ast.expr) -> Iterator[Mark]:
        if not isinstance(decorator, ast.Call) or called_name(decorator) != "parametrize":
            return
        for inner in ast.walk(decorator):
            if isinstance(inner, ast.Call) and called_name(inner) == "param":
                for keyword in inner.keywords:
                    if keyword.arg == "marks":
                        for mark in self._read(keyword.value):
                            yield replace(mark, some_cases=True)

    def _read(self, node: ast.expr, depth: int = 0) -> Iterator[Mark]:
        if isinstance(node, ast.List | ast.Tuple):
            for element in node.elts:
                yield from self._read(element)
        elif isinstance(node, ast.Name) and node.id in self.values and depth < 5:
            yield from self._read(self.values[node.id], depth + 1)
        elif isinstance(node, ast.Call) and self._is_marker(node.func):
            try:
                plain = tuple(self._literal(argument) for argument in node.args)
                named = tuple((keyword.arg or "", self._literal(keyword.value)) for keyword in node.keywords)
                yield Mark(node.lineno, (*plain, *(value for _, value in named)), named=named)
            except ValueError:
                self.unread[node.lineno] = ast.unparse(node)
        elif isinstance(node, ast.Attribute) and self._is_marker(node):
            yield Mark(node.lineno, ())

    def _is_marker(self, func: ast.expr) -> bool:
        if isinstance(func, ast.Name) and func.id in self.values:
            func = self.values[func.id]
        if not isinstance(func, ast.Attribute) or func.attr != self.marker:
            return False
        owner = func.value
        return (owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")) == "mark"

    def _literal(self, node: ast.expr) -> object:
        if isinstance(node, ast.Name) and node.id in self.values:
            node = self.values[node.id]
        return ast.literal_eval(node)


def _assigned(body: list[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    for statement in body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value
