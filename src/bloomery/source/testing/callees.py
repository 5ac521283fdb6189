"""What of a module a test can call: its public functions, and its classes with their public methods."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from bloomery.source.python import FUNCTION, Function, Parsed

CalleeKind = Literal["function", "method", "static", "property", "init"]
OPERATED = {
    "__len__": "len({0})", "__iter__": "list({0})", "__repr__": "repr({0})", "__str__": "str({0})",
    "__bool__": "bool({0})", "__contains__": "{1} in {0}", "__getitem__": "{0}[{1}]", "__call__": "{0}({1})",
    "__eq__": "{0} == {1}", "__ne__": "{0} != {1}", "__lt__": "{0} < {1}", "__le__": "{0} <= {1}",
    "__gt__": "{0} > {1}", "__ge__": "{0} >= {1}", "__add__": "{0} + {1}", "__sub__": "{0} - {1}",
    "__mul__": "{0} * {1}", "__rmul__": "{1} * {0}", "__truediv__": "{0} / {1}", "__floordiv__": "{0} // {1}",
    "__mod__": "{0} % {1}", "__pow__": "{0} ** {1}", "__neg__": "-{0}", "__abs__": "abs({0})",
    "__or__": "{0} | {1}", "__and__": "{0} & {1}", "__xor__": "{0} ^ {1}", "__invert__": "~{0}",
    "__int__": "int({0})", "__float__": "float({0})", "__reversed__": "list(reversed({0}))",
    "__hash__": "hash({0}) == hash({0})", "__setitem__": "{0}.__setitem__({1}, {2})",
    "__delitem__": "{0}.__delitem__({1})",
}  # fmt: skip


@dataclass(frozen=True)
class Parameter:
    """`required`: it has no default value; `named`: only by its name."""

    name: str
    annotation: ast.expr | None
    default: ast.expr | None = None
    required: bool = True
    named: bool = False


@dataclass(frozen=True)
class Callee:
    """`owner`: the class of a method; `name`: as Python qualifies it."""

    name: str
    kind: CalleeKind
    parameters: tuple[Parameter, ...]
    owner: str = ""
    is_async: bool = False

    @property
    def short(self) -> str:
        return self.name.rpartition(".")[2]


@dataclass(frozen=True)
class Class:
    """`made`: the parameters that make one; `members`: names of an enumeration; None: it cannot be made."""

    name: str
    made: tuple[Parameter, ...] | None
    members: tuple[str, ...] = ()
    keys: tuple[Parameter, ...] = ()


def callees(parsed: Parsed) -> tuple[Callee, ...]:
    """In the order of the text; of a name that is defined twice the last."""
    known = classes(parsed.tree)
    public = _public(parsed.tree)
    found: dict[str, Callee] = {}
    for node in _statements(parsed.tree):
        if node.name.startswith("_") or (public is not None and node.name not in public):
            continue
        if isinstance(node, FUNCTION):
            is_async = isinstance(node, ast.AsyncFunctionDef)
            found[node.name] = Callee(node.name, "function", parameters(node), "", is_async)
        elif known[node.name].made is not None and not known[node.name].members:
            found.update((one.name, one) for one in _methods(node, known[node.name]))
    return tuple(found.values())


def classes(tree: ast.Module) -> dict[str, Class]:
    nodes = {node.name: node for node in _statements(tree) if isinstance(node, ast.ClassDef)}
    return {name: _class(node, nodes) for name, node in nodes.items()}


def parameters(node: Function, *, skip: int = 0) -> tuple[Parameter, ...]:
    given = node.args
    plain = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(plain) - len(given.defaults)) + list(given.defaults)
    found = [
        Parameter(one.arg, one.annotation, default, default is None)
        for one, default in zip(plain, defaults, strict=True)
    ]
    found = found[skip:]
    if given.vararg:
        found.append(Parameter("*" + given.vararg.arg, given.vararg.annotation, None, required=False))
    named = [
        Parameter(one.arg, one.annotation, default, default is None, named=True)
        for one, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)
    ]
    return tuple(found + named)


def _statements(tree: ast.Module) -> Iterator[Function | ast.ClassDef]:
    """Functions and classes of the module, those in its `if` and `try` too."""
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, (*FUNCTION, ast.ClassDef)):
            yield node
        elif isinstance(node, ast.If | ast.Try) and not _is_main(node):
            waiting[:0] = [*node.body, *node.orelse]


def _is_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)


def _public(tree: ast.Module) -> frozenset[str] | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(getattr(one, "id", "") == "__all__" for one in node.targets):
            return frozenset(str(one.value) for one in ast.walk(node.value) if isinstance(one, ast.Constant))
    return None


def _class(node: ast.ClassDef, known: dict[str, ast.ClassDef]) -> Class:
    bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
    if bases & {"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"}:
        return Class(node.name, (), tuple(_assigned(node)))
    if bases & {"Protocol", "ABC"} or any("abstractmethod" in ast.unparse(one) for one in _decorators(node)):
        return Class(node.name, None)
    if "TypedDict" in bases:
        return Class(node.name, None, keys=tuple(_fields(node, known)))
    if "NamedTuple" in bases or any("dataclass" in ast.unparse(one) for one in node.decorator_list):
        return Class(node.name, tuple(_fields(node, known)))
    init = _inherited(node, "__init__", known)
    return Class(node.name, parameters(init, skip=1) if init else ())


def _decorators(node: ast.ClassDef) -> Iterator[ast.expr]:
    for inner in node.body:
        if isinstance(inner, FUNCTION):
            yield from inner.decorator_list


def _assigned(node: ast.ClassDef) -> Iterator[str]:
    for inner in node.body:
        if isinstance(inner, ast.Assign) and isinstance(inner.targets[0], ast.Name):
            yield inner.targets[0].id


def _fields(node: ast.ClassDef, known: dict[str, ast.ClassDef]) -> Iterator[Parameter]:
    for base in node.bases:
        if isinstance(base, ast.Name) and base.id in known:
            yield from _fields(known[base.id], known)
    for inner in node.body:
        if isinstance(inner, ast.AnnAssign) and isinstance(inner.target, ast.Name):
            text = ast.unparse(inner)
            if "ClassVar" not in text and "init=False" not in text:
                yield Parameter(inner.target.id, inner.annotation, None, inner.value is None)


def _inherited(node: ast.ClassDef, name: str, known: dict[str, ast.ClassDef]) -> Function | None:
    for inner in node.body:
        if isinstance(inner, FUNCTION) and inner.name == name:
            return inner
    for base in node.bases:
        if isinstance(base, ast.Name) and base.id in known and base.id != node.name:
            return _inherited(known[base.id], name, known)
    return None


def _methods(node: ast.ClassDef, made: Class) -> Iterator[Callee]:
    yield Callee(f"{node.name}.__init__", "init", made.made or (), node.name)
    for inner in node.body:
        if not isinstance(inner, FUNCTION) or inner.name == "__init__":
            continue
        if inner.name.startswith("_") and inner.name not in OPERATED:
            continue
        words = {ast.unparse(one).rpartition(".")[2] for one in inner.decorator_list}
        name, is_async = f"{node.name}.{inner.name}", isinstance(inner, ast.AsyncFunctionDef)
        if words & {"setter", "deleter", "overload", "fixture"}:
            continue
        if words & {"property", "cached_property"}:
            yield Callee(name, "property", (), node.name)
        elif "staticmethod" in words or "classmethod" in words:
            skip = int("classmethod" in words)
            yield Callee(name, "static", parameters(inner, skip=skip), node.name, is_async)
        else:
            yield Callee(name, "method", parameters(inner, skip=1), node.name, is_async)
