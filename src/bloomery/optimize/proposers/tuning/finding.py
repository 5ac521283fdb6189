"""The knobs of a program: numbers of its own that are used for one role alone."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from bloomery.optimize.proposers.rewrites.program import Program
from bloomery.optimize.proposers.tuning.knob import Knob, number
from bloomery.optimize.proposers.tuning.roles import role
from bloomery.source.python import FUNCTION, Function, definitions

_CACHES = {"lru_cache", "functools.lru_cache"}
MOST_FILES = 2_000


def knobs(program: Program, elsewhere: Path | None = None, path: str = "") -> Iterator[Knob]:
    """`elsewhere`: the root below which other files may use a public name; `path`: this file there."""
    yield from _caches(program)
    yield from _of_module(program, elsewhere, path)
    yield from _of_defaults(program)


def _caches(program: Program) -> Iterator[Knob]:
    for name, _, node in definitions(program.tree):
        for decorator in node.decorator_list if isinstance(node, FUNCTION) else ():
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            if ast.unparse(called) in _CACHES and isinstance(decorator, ast.Call):
                size = _size(decorator)
                value = number(size)
                unbounded = isinstance(size, ast.Constant) and size.value is None
                if size is not None and (value is not None or unbounded):
                    checked = "how much a cache keeps changes no result of what may be cached at all"
                    yield Knob("maxsize", "cache", value, size, decorator.lineno, name, checked)


def _size(call: ast.Call) -> ast.expr | None:
    named = [word.value for word in call.keywords if word.arg == "maxsize"]
    return named[0] if named else call.args[0] if call.args else None


def _of_module(program: Program, elsewhere: Path | None, path: str) -> Iterator[Knob]:
    for node in program.tree.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or number(node.value) is None:
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        name = targets[0].id if len(targets) == 1 and isinstance(targets[0], ast.Name) else ""
        uses = _reads(program, name)
        found = role(uses, program.parents, _declared(program, node)) if name and uses else None
        if found and not _is_used_elsewhere(name, elsewhere, path):
            assert node.value is not None
            yield Knob(name, found[0], number(node.value), node.value, node.lineno, None, found[1])


def _reads(program: Program, name: str) -> list[ast.Name]:
    """Every reading of a name that is bound once in the whole file; none where it is bound again."""
    every = [node for node in ast.walk(program.tree) if isinstance(node, ast.Name) and node.id == name]
    again = any(getattr(node, "arg", getattr(node, "name", None)) == name for node in ast.walk(program.tree))
    told = any(isinstance(node, ast.Constant) and node.value == name for node in ast.walk(program.tree))
    stores = [node for node in every if not isinstance(node.ctx, ast.Load)]
    return [] if again or told or len(stores) != 1 else [node for node in every if node not in stores]


def _declared(program: Program, node: ast.stmt) -> str:
    """The statement's lines with the comments right above them."""
    first = node.lineno - 1
    while first and program.lines[first - 1].lstrip().startswith("#"):
        first -= 1
    return "".join(program.lines[first : node.end_lineno])


def _of_defaults(program: Program) -> Iterator[Knob]:
    """Of helpers that are private, so that every call is in sight or leaves the number as it is."""
    for name, _, node in definitions(program.tree):
        private = any(part.startswith("_") and not part.endswith("__") for part in name.split("."))
        if isinstance(node, FUNCTION) and private:
            for argument, default in _defaulted(node):
                value = number(default)
                found = role(_own_reads(node, argument), program.parents, f"{argument} ") if value else None
                if found:
                    yield Knob(argument, found[0], value, default, default.lineno, name, found[1])


def _defaulted(node: Function) -> Iterator[tuple[str, ast.expr]]:
    plain = [*node.args.posonlyargs, *node.args.args]
    for one, default in zip(plain[len(plain) - len(node.args.defaults) :], node.args.defaults, strict=True):
        yield one.arg, default
    for one, value in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
        if value is not None:
            yield one.arg, value


def _own_reads(node: Function, name: str) -> list[ast.Name]:
    every = [one for part in node.body for one in ast.walk(part)]
    uses = [one for one in every if isinstance(one, ast.Name) and one.id == name]
    return uses if all(isinstance(one.ctx, ast.Load) for one in uses) else []


def _is_used_elsewhere(name: str, root: Path | None, path: str) -> bool:
    """Whether another Python file of the project has the word, or there are too many to look."""
    if root is None:
        return False
    word = re.compile(rf"\b{re.escape(name)}\b")
    files = [
        file
        for file in sorted(root.rglob("*.py"))
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(root).parts)
    ]
    others = [file for file in files if file.relative_to(root).as_posix() != path]
    return len(others) > MOST_FILES or any(word.search(file.read_text(errors="replace")) for file in others)
