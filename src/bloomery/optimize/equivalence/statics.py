"""What the text alone gives away: other files changed, another interface, a look at who is asking."""

import ast
import builtins
from collections.abc import Collection, Iterator, Mapping

from bloomery.optimize.equivalence.versions import Version
from bloomery.source.python import FUNCTION, Function

# Modules whose functions depend on their arguments alone; any other has to be looked at.
PURE = frozenset({
    "__future__", "abc", "array", "bisect", "cmath", "collections", "contextlib", "copy", "dataclasses",
    "decimal", "enum", "fractions", "functools", "heapq", "itertools", "json", "math", "numbers",
    "numpy", "operator", "re", "statistics", "string", "struct", "textwrap", "types", "typing",
    "unicodedata", "warnings",
})  # fmt: skip
TELLING = frozenset({
    "__file__", "__builtins__", "__debug__", "__import__", "globals", "locals", "vars", "eval", "exec",
    "compile", "open", "input", "breakpoint", "memoryview", "delattr", "setattr", "__spec__",
    "__loader__", "__name__", "__package__",
})  # fmt: skip
TELLING_ATTRIBUTES = frozenset({
    "f_back", "f_globals", "f_locals", "f_code", "gi_frame", "cr_frame", "tb_frame", "tb_next",
    "__globals__", "__code__", "__closure__", "__builtins__", "__subclasses__", "__traceback__",
    "__self__", "__wrapped__", "cache_info", "cache_clear", "__getattribute__", "__mro__", "__bases__",
    "__loader__", "__spec__", "__module__", "__reduce__", "__reduce_ex__",
    "modules", "sys", "_sys", "os", "_os", "builtins", "_thread", "linecache", "_getframe",
})  # fmt: skip
TELLING_WORDS = ("pytest", "PYTEST", "unittest", "hypothesis", "__import__", "__globals__", "__builtins__")
TELLING_WORDS = ("pytest", "PYTEST", "unittest", "hypothesis", "__import__", "__globals__", "__builtins__")
DESCRIPTORS = ("property", "classmethod", "staticmethod", "cached_property")


def objections(
    original: Version, candidate: Version, paths: Collection[str], allowed: Collection[str]
) -> Iterator[str]:
    """One line for each thing that no input has to show."""
    for path in sorted(set(paths) - set(allowed)):
        yield f"it changes {path}, which is not among the files that may change"
    yield from _interfaces(original, candidate)
    yield from _circumstances(original, candidate)


def _interfaces(original: Version, candidate: Version) -> Iterator[str]:
    for name in sorted(original.global_names - candidate.global_names):
        if not name.startswith("_") and name not in _imported(original.tree):
            yield f"{name} is gone from the module"
    for name, node in original.functions.items():
        other = candidate.functions.get(name)
        if other is not None:
            yield from _interface(name, node, other)
        elif "." in name and not name.rpartition(".")[2].startswith("_"):
            yield f"{name} is gone"
    for name, old in original.classes.items():
        new = candidate.classes.get(name)
        if new is not None and _class(old) != _class(new):
            yield f"the bases, decorators or docstring of {name} differ"


def _class(node: ast.ClassDef) -> list[str | None]:
    return [*map(ast.unparse, [*node.bases, *node.keywords, *node.decorator_list]), ast.get_docstring(node)]


def _interface(name: str, old: Function, new: Function) -> Iterator[str]:
    if _signature(old) != _signature(new):
        yield f"the signature of {name} was {_signature(old)}, is {_signature(new)}"
    if ast.get_docstring(old) != ast.get_docstring(new):
        yield f"the docstring of {name} differs"
    if _form(old) != _form(new):
        yield f"{name} was {_form(old)}, is {_form(new)}"
    before, after = ([ast.unparse(one) for one in node.decorator_list] for node in (old, new))
    if list(filter(_describes, before)) != list(filter(_describes, after)):
        yield f"the decorators of {name} were {before}, are {after}"


def _describes(decorator: str) -> bool:
    return decorator.startswith(DESCRIPTORS) or decorator.endswith((".setter", ".deleter"))


def _signature(node: Function) -> str:
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"({ast.unparse(node.args)}){returns}"


def _form(node: Function) -> str:
    yields = any(isinstance(one, ast.Yield | ast.YieldFrom) for one in _own(node))
    kind = "an async " if isinstance(node, ast.AsyncFunctionDef) else "a "
    return kind + ("generator" if yields else "function")


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """What belongs to a function and not to functions inside it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (*FUNCTION, ast.Lambda, ast.ClassDef)):
            yield child
            yield from _own(child)


def _imported(tree: ast.Module) -> dict[str, str]:
    """The names that a module's imports bind, and the module that each comes from."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {(a.asname or a.name).partition(".")[0]: a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {a.asname or a.name: "." * node.level + (node.module or "") for a in node.names}
    return found


def _circumstances(original: Version, candidate: Version) -> Iterator[str]:
    old, new = _imported(original.tree), _imported(candidate.tree)
    for name, module in sorted(new.items()):
        top = module.partition(".")[0]
        if module not in old.values() and top not in PURE and not module.startswith("."):
            yield f"it newly imports {module} (as {name}), which can tell it that it is tested"
    before = _telling(original.tree, old)
    for what in sorted(_telling(candidate.tree, new) - before):
        yield f"it newly uses {what}, which can tell it that it is tested, or change what it is compared with"
    yield from _shadowed(original, candidate)


def _telling(tree: ast.Module, imported: Mapping[str, str]) -> set[str]:
    found: set[str] = set()
    bases = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            impure = node.id in imported and imported[node.id].partition(".")[0] not in PURE
            if node.id in TELLING or (impure and id(node) not in bases):
                found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.update(_attribute(node, imported))
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "getattr":
            if len(node.args) < 2 or not isinstance(node.args[1], ast.Constant):
                found.add("getattr by a name that is worked out")
        elif isinstance(node, ast.ImportFrom) and not node.level:
            pure = (node.module or "").partition(".")[0] in PURE
            names = {alias.name for alias in node.names}
            names &= TELLING_ATTRIBUTES if pure else names
            found |= {f"{node.module}.{name}" for name in names}
        elif isinstance(node, ast.Constant) and any(word in str(node.value) for word in TELLING_WORDS):
            found.add(f"the text {node.value!r}"[:60])
    return found


def _attribute(node: ast.Attribute, imported: Mapping[str, str]) -> Iterator[str]:
    root = ast.unparse(node).partition(".")[0]
    if node.attr in TELLING_ATTRIBUTES:
        yield f".{node.attr}"
    if root in imported and imported[root].partition(".")[0] not in PURE:
        yield ast.unparse(node)
    if isinstance(node.ctx, ast.Store | ast.Del) and root in imported:
        yield f"an assignment to {ast.unparse(node)}"


def _shadowed(original: Version, candidate: Version) -> Iterator[str]:
    for name in sorted(candidate.global_names - original.global_names):
        if hasattr(builtins, name):
            yield f"it newly gives the built-in name {name} another meaning in the module"
