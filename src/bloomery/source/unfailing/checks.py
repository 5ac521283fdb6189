"""What counts as a check: an assert, a call that is named like one, or a call of something that holds one."""

import ast
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from bloomery.source.modules import Imported, imported_names, source_roots
from bloomery.source.python import FUNCTION, Function, NotPython, Parsed, called_name, parse

_NAMES = {"raises", "warns", "fail", "deprecated_call", "gradcheck", "gradgradcheck", "check"}
_NAMES |= {"check_call", "check_output", "check_returncode", "raise_for_status", "run_state_machine_as_test"}
_PREFIXES = ("assert", "check_", "expect_", "verify_", "ensure_", "require_", "must_")


class Project:
    """The files of a project that tests take helpers and fixtures from, each read once."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.roots = source_roots(root)
        self._read: dict[Path, Checks | None] = {}

    def checks(self, path: Path) -> "Checks | None":
        """None for what is under test (`src`), for what does not parse, and for what is just being read."""
        if path.is_relative_to(self.root / "src"):
            return None
        if path not in self._read:
            self._read[path] = None
            with suppress(NotPython):
                self._read[path] = Checks(parse(path), self)
        return self._read[path]


class Checks:
    """Knows which calls in one file check something; follows helpers and fixtures into other files."""

    def __init__(self, parsed: Parsed, project: Project) -> None:
        self.parsed, self.project = parsed, project
        self.imported = imported_names(parsed, project.roots)
        self.functions: dict[str, Function] = {
            node.name: node
            for node in ast.walk(parsed.tree)
            if isinstance(node, FUNCTION) and not node.name.startswith("test")
        }
        self.checking = self._checking()

    def is_check(self, call: ast.Call) -> bool:
        name = called_name(call)
        if _is_named_like_one(call, name) or name in self.checking:
            return True
        match call.func:
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=method):
                return method not in self.functions  # inherited from elsewhere: it may check
            case ast.Name(id=name) if name in self.imported:
                return self._holds(self.imported[name], self.imported[name].name)
            case ast.Attribute(value=ast.Name(id=module), attr=name) if module in self.imported:
                return not self.imported[module].name and self._holds(self.imported[module], name)
        return False

    def fixture_checks(self, name: str) -> bool:
        """Whether a fixture of this file, or of a conftest above it, checks something."""
        if name in self.functions and _is_fixture(self.functions[name]):
            return name in self.checking
        for folder in self.parsed.path.resolve().parents:
            conftest = folder / "conftest.py"
            found = self.project.checks(conftest) if conftest.is_file() else None
            if found is not None and name in found.functions:
                return name in found.checking
            if folder == self.project.root:
                break
        return False

    def _holds(self, imported: Imported, name: str) -> bool:
        if imported.path == self.parsed.path.resolve():
            return name in self.checking
        found = self.project.checks(imported.path)
        return found is not None and name in found.checking

    def _checking(self) -> frozenset[str]:
        """Functions and methods of the file that hold a check, directly or through one another."""
        self.checking = frozenset(name for name, node in self.functions.items() if _asserts(node))
        called = {name: list(calls(node.body, inner=True)) for name, node in self.functions.items()}
        while True:
            more = {name for name, made in called.items() if any(map(self.is_check, made))}
            if more <= self.checking:
                return self.checking
            self.checking |= more


def parameters(node: Function) -> Iterator[str]:
    yield from (argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs))


def calls(nodes: Sequence[ast.AST], *, inner: bool = False) -> Iterator[ast.Call]:
    """The calls in these nodes; those in functions that they define only with `inner`."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Call):
            yield node
        if inner or not isinstance(node, FUNCTION):
            waiting.extend(ast.iter_child_nodes(node))


def _is_named_like_one(call: ast.Call, name: str) -> bool:
    checked = any(k.arg == "check" and getattr(k.value, "value", False) is True for k in call.keywords)
    return checked or name in _NAMES or name.startswith(_PREFIXES)


def _asserts(node: Function) -> bool:
    return any(isinstance(inner, ast.Assert) for inner in ast.walk(node))


def _is_fixture(node: Function) -> bool:
    return any("fixture" in ast.unparse(decorator) for decorator in node.decorator_list)
