"""Kinds of builtin values, and what builtin operations make of them. Everything else is UNKNOWN."""

import ast
from dataclasses import dataclass

IMMUTABLE = {"int", "bool", "float", "str", "bytes", "NoneType", "complex"}
ORDERED = {"int", "bool", "str", "bytes"}  # totally: floats hold NaN
SEQUENCES = {"list", "tuple", "str", "bytes", "range"}
CONTAINERS = {"list", "tuple", "set", "frozenset", "dict", "deque", "Counter", "iterator"}
GENERIC = {"List": "list", "Dict": "dict", "Set": "set", "Tuple": "tuple", "FrozenSet": "frozenset"}


@dataclass(frozen=True)
class Kind:
    """`list[int]` is Kind("list", (Kind("int"),)); a dict has two arguments, a tuple as
    many as it has members (of any length: one, with `many`)."""

    name: str
    of: tuple["Kind", ...] = ()
    many: bool = False


UNKNOWN = Kind("?")
NOTHING = Kind("nothing")  # of what has not been seen yet: the bottom of the lattice
INT, STR, BOOL, FLOAT = Kind("int"), Kind("str"), Kind("bool"), Kind("float")


def listing(of: Kind) -> Kind:
    return Kind("list", (of,))


def join(one: Kind, other: Kind) -> Kind:
    if one == other or other == NOTHING:
        return one
    if one == NOTHING:
        return other
    if {one.name, other.name} == {"int", "bool"}:
        return INT
    if one.name == other.name and len(one.of) == len(other.of) and one.many == other.many:
        return Kind(one.name, tuple(join(a, b) for a, b in zip(one.of, other.of, strict=True)), one.many)
    return UNKNOWN


def member(kind: Kind) -> Kind:
    """What iterating over it gives."""
    if kind.name in {"str", "bytes", "range"}:
        return {"str": STR, "bytes": INT, "range": INT}[kind.name]
    if kind.name == "tuple" and not kind.many:
        made = NOTHING
        for part in kind.of:
            made = join(made, part)
        return made
    if kind == NOTHING:
        return NOTHING
    return kind.of[0] if kind.name in CONTAINERS and kind.of else UNKNOWN


def unsure(kind: Kind) -> Kind:
    """The same container, of anything: somebody else may put things into it."""
    return kind if immutable(kind) or not kind.of else Kind(kind.name, (UNKNOWN,) * len(kind.of), kind.many)


def sealed(kind: Kind) -> Kind:
    """What is known of it once it is a member of something, where it can be changed unseen."""
    return unsure(kind) if kind.name in CONTAINERS else kind


def hashable(kind: Kind) -> bool:
    return kind.name in IMMUTABLE or (kind.name in {"tuple", "frozenset"} and all(map(hashable, kind.of)))


def immutable(kind: Kind) -> bool:
    return kind.name in IMMUTABLE or (kind.name == "tuple" and all(map(immutable, kind.of)))


def ordered(kind: Kind) -> bool:
    return kind.name in ORDERED or (kind.name == "tuple" and bool(kind.of) and all(map(ordered, kind.of)))


def exact(kind: Kind) -> bool:
    """Whether sums come out the same in any grouping."""
    return kind.name in {"int", "bool"}


def spelled(kind: Kind) -> str | None:
    """As an annotation says it, of what a dict or a set can hold; None where that is not known."""
    if kind.name in ("int", "bool", "str", "bytes", "float"):
        return kind.name
    parts = [spelled(part) for part in kind.of]
    if kind.name != "tuple" or not parts or None in parts:
        return None
    return f"tuple[{', '.join([*filter(None, parts), *(['...'] if kind.many else [])])}]"


def begun(name: str, container: str, key: Kind, empty: str) -> str:
    """The assignment of an empty container to a new name; type checkers are told what it will hold.

    `container`: its annotation, with `{}` for that of the key.
    """
    said = spelled(key)
    return f"{name}: {container.format(said)} = {empty}" if said else f"{name} = {empty}"


def known(kind: Kind) -> bool:
    return kind.name not in {"?", "nothing"}


def of_annotation(node: ast.expr | None) -> Kind:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            node = ast.parse(node.value, mode="eval").body
        except SyntaxError:
            return UNKNOWN
    if isinstance(node, ast.Constant) and node.value is None:
        return Kind("NoneType")
    if isinstance(node, ast.Name):
        return _plain(node.id)
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        return _subscripted(GENERIC.get(node.value.id, node.value.id), node.slice)
    return UNKNOWN


def _plain(name: str) -> Kind:
    name = GENERIC.get(name, name)
    if name in IMMUTABLE:
        return Kind(name)
    if name == "dict":
        return Kind(name, (UNKNOWN, UNKNOWN))
    if name == "tuple":
        return Kind(name, (UNKNOWN,), many=True)
    return Kind(name, (UNKNOWN,)) if name in {"list", "set", "frozenset", "deque"} else UNKNOWN


def _subscripted(name: str, inner: ast.expr) -> Kind:
    parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    if name == "tuple" and len(parts) == 2 and isinstance(parts[1], ast.Constant) and parts[1].value is ...:
        return Kind("tuple", (of_annotation(parts[0]),), many=True)
    if name == "tuple" or (name == "dict" and len(parts) == 2):
        return Kind(name, tuple(map(of_annotation, parts)))
    if name in {"list", "set", "frozenset", "deque"} and len(parts) == 1:
        return Kind(name, (of_annotation(parts[0]),))
    return UNKNOWN
