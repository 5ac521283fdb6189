"""What kind of values a parameter takes, as far as its annotation says."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass

PLAIN = ("int", "float", "str", "bytes", "bool", "None", "complex")
LISTS = {"list", "List", "MutableSequence", "Sequence"}
ONE_ITEM = {
    "set": "set", "Set": "set", "frozenset": "frozenset", "FrozenSet": "frozenset", "AbstractSet": "set",
    "Iterable": "Iterable", "Iterator": "Iterator", "Generator": "Iterator", "Collection": "list",
    "deque": "deque", "Deque": "deque",
}  # fmt: skip
MAPPINGS = {"dict", "Dict", "Mapping", "MutableMapping", "defaultdict", "DefaultDict"}
OPEN = {"Any", "object", "Hashable", "T", "K", "V"}


@dataclass(frozen=True)
class Kind:
    """`name` is a built-in type's, one of those above, `Callable`, `union`, `literal`, `class` or `any`."""

    name: str
    parts: tuple["Kind", ...] = ()
    text: str = ""

    def __str__(self) -> str:
        inner = ", ".join(map(str, self.parts))
        return (self.text or self.name) + (f"[{inner}]" if inner else "")


ANY = Kind("any")


@dataclass(frozen=True)
class Classes:
    """The classes of the module under test: how to build each, and its members if it is an enumeration."""

    built: Mapping[str, tuple["Parameter", ...]]
    members: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Parameter:
    """`way`: positional, either, keyword, many or named."""

    name: str
    kind: Kind
    way: str
    has_default: bool

    @property
    def known(self) -> bool:
        return not contains_any(self.kind)


def contains_any(kind: Kind) -> bool:
    return kind.name == "any" or any(contains_any(part) for part in kind.parts)


def parameters(arguments: ast.arguments, classes: Classes, *, bound: bool = False) -> tuple[Parameter, ...]:
    """`bound`: leave the first one off, as for a method."""
    positional = [(a, "positional") for a in arguments.posonlyargs] + [(a, "either") for a in arguments.args]
    defaults = len(arguments.defaults)
    found = [
        Parameter(a.arg, kind_of(a.annotation, classes), way, at >= len(positional) - defaults)
        for at, (a, way) in enumerate(positional)
    ]
    if arguments.vararg:
        found.append(
            Parameter(arguments.vararg.arg, kind_of(arguments.vararg.annotation, classes), "many", True)
        )
    for a, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        found.append(Parameter(a.arg, kind_of(a.annotation, classes), "keyword", default is not None))
    if arguments.kwarg:
        found.append(
            Parameter(arguments.kwarg.arg, kind_of(arguments.kwarg.annotation, classes), "named", True)
        )
    return tuple(found[1:] if bound else found)


def kind_of(annotation: ast.expr | None, classes: Classes) -> Kind:
    """`any` for what is not understood: then the original is tried with values of every kind."""
    if annotation is None:
        return ANY
    if isinstance(annotation, ast.Constant):
        return _constant(annotation, classes)
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        return _union([annotation.left, annotation.right], classes)
    if isinstance(annotation, ast.Subscript):
        return _subscript(annotation, classes)
    return _named(_last(annotation), classes)


def _constant(annotation: ast.Constant, classes: Classes) -> Kind:
    if annotation.value is None:
        return Kind("None")
    if isinstance(annotation.value, str):
        try:
            return kind_of(ast.parse(annotation.value, mode="eval").body, classes)
        except SyntaxError:
            return ANY
    return ANY


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _named(name: str, classes: Classes) -> Kind:
    if name in PLAIN:
        return Kind(name)
    if name in LISTS:
        return Kind("list", (ANY,))
    if name in ONE_ITEM:
        return Kind(ONE_ITEM[name], (ANY,))
    if name in MAPPINGS:
        return Kind("dict", (ANY, ANY))
    if name in ("tuple", "Tuple"):
        return Kind("tuple", (ANY,), "many")
    if name == "Callable":
        return Kind("Callable")
    if name in classes.members or name in classes.built:
        return Kind("class", (), name)
    return ANY


def _subscript(node: ast.Subscript, classes: Classes) -> Kind:
    name = _last(node.value)
    inner = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
    if name in ("Union", "Optional"):
        return _union([*inner, *([ast.Constant(None)] if name == "Optional" else [])], classes)
    if name == "Literal":
        return Kind("literal", (), ast.unparse(node.slice))
    if name in ("Annotated", "Final", "Required", "NotRequired"):
        return kind_of(inner[0], classes)
    if name in ("tuple", "Tuple"):
        return _tuple(inner, classes)
    parts = tuple(kind_of(one, classes) for one in inner)
    if name in LISTS:
        return Kind("list", parts[:1])
    if name in ONE_ITEM:
        return Kind(ONE_ITEM[name], parts[:1])
    if name in MAPPINGS and len(parts) == 2:
        return Kind("dict", parts)
    return _named(name, classes) if name in ("Callable", "Counter") else ANY


def _tuple(inner: list[ast.expr], classes: Classes) -> Kind:
    if len(inner) == 2 and isinstance(inner[1], ast.Constant) and inner[1].value is Ellipsis:
        return Kind("tuple", (kind_of(inner[0], classes),), "many")
    return Kind("tuple", tuple(kind_of(one, classes) for one in inner), "each")


def _union(nodes: list[ast.expr], classes: Classes) -> Kind:
    parts: list[Kind] = []
    for node in nodes:
        kind = kind_of(node, classes)
        parts += kind.parts if kind.name == "union" else [kind]
    return Kind("union", tuple(dict.fromkeys(parts)))


def classes_of(tree: ast.Module) -> Classes:
    """What the module's own classes are built from; one whose constructor is not in sight is left out."""
    nodes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    empty = Classes({node.name: () for node in nodes}, {})
    members = {n.name: _members(n) for n in nodes if any("Enum" in _last(base) for base in n.bases)}
    built = {n.name: _fields(n, empty) for n in nodes if n.name not in members}
    return Classes({name: found for name, found in built.items() if found is not None}, members)


def _members(node: ast.ClassDef) -> tuple[str, ...]:
    found = [s.targets[0] for s in node.body if isinstance(s, ast.Assign) and len(s.targets) == 1]
    return tuple(target.id for target in found if isinstance(target, ast.Name))


def _fields(node: ast.ClassDef, classes: Classes) -> tuple[Parameter, ...] | None:
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            return parameters(statement.args, classes, bound=True)
    decorated = any("dataclass" in ast.unparse(one) for one in node.decorator_list)
    if decorated or any(_last(base) == "NamedTuple" for base in node.bases):
        return tuple(
            Parameter(s.target.id, kind_of(s.annotation, classes), "either", s.value is not None)
            for s in node.body
            if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name)
        )
    return () if not node.bases else None
