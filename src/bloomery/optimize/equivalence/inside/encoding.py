"""A value as plain text that two processes can compare: exact types, bits of floats, order, who is who."""

import hashlib
import re
import types
from typing import Any

DEEP, MANY, LONG = 60, 20_000, 4_000
ADDRESS = re.compile(r"0x[0-9a-f]+")
FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, type)


def named(kind: type) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


class Encoder:
    """Numbers mutable objects in the order in which it meets them; a second meeting gives the number.

    `probe` calls functions; of objects of the module `own` only what is public is told: the rest is for their
    methods to show.
    """

    def __init__(self, probe: Any = None, own: str = "") -> None:
        self.own = own
        self.met: dict[int, int] = {}
        self.kept: list[Any] = []
        self.nodes = 0
        self.probe = probe

    def encode(self, value: Any, depth: int = 0) -> Any:
        kind = type(value)
        self.nodes += 1
        if value is None or kind is bool or value is NotImplemented or value is Ellipsis:
            return repr(value)
        if kind in ATOMS:
            return ATOMS[kind](value)
        if depth > DEEP or self.nodes > MANY:
            return ["more"]
        if kind is tuple:
            return ["tuple", *(self.encode(item, depth + 1) for item in value)]
        if isinstance(value, (frozenset, set)) and kind in (set, frozenset):
            number = [] if kind is frozenset else self._number(value)
            return number if number[:1] == ["@"] else [kind.__name__, *number, *self._unordered(value)]
        number = self._number(value)
        if number[0] == "@":
            return number
        return self._compound(value, kind, number, depth + 1)

    def _number(self, value: Any) -> list:
        if id(value) in self.met:
            return ["@", self.met[id(value)]]
        self.met[id(value)] = len(self.met)
        self.kept.append(value)
        return [f"#{self.met[id(value)]}"]

    def _unordered(self, items: Any) -> list:
        return sorted((Encoder().encode(item) for item in items), key=repr)

    def _compound(self, value: Any, kind: type, number: list, depth: int) -> Any:
        if kind is list:
            return ["list", *number, *(self.encode(item, depth) for item in value)]
        if kind is dict:
            return ["dict", *number, *self._pairs(value, depth)]
        if isinstance(value, types.ModuleType):
            return ["module", value.__name__]
        if isinstance(value, FUNCTIONS):
            return self._function(value)
        if isinstance(value, BaseException):
            return [named(kind), self.encode(value.args, depth), self._attributes(value, depth)]
        for base in (list, dict, set, str, int, float, tuple, bytes, frozenset):
            if isinstance(value, base):
                return [
                    named(kind),
                    *number,
                    self._of_base(value, base, depth),
                    self._attributes(value, depth),
                ]
        return self._object(value, kind, number, depth)

    def _pairs(self, value: dict, depth: int) -> list:
        return [[self.encode(k, depth), self.encode(v, depth)] for k, v in dict.items(value)]

    def _of_base(self, value: Any, base: type, depth: int) -> Any:
        if base is dict:
            factory = getattr(value, "default_factory", None)
            return [*self._pairs(value, depth), named(factory) if isinstance(factory, type) else "None"]
        if base in (list, tuple):
            return [self.encode(item, depth) for item in base.__iter__(value)]
        if base in (set, frozenset):
            return self._unordered(base.__iter__(value))
        return ATOMS[base](value)

    def _attributes(self, value: Any, depth: int) -> Any:
        found = dict(getattr(value, "__dict__", {}) or {})
        for kind in type(value).__mro__:
            slots = kind.__dict__.get("__slots__", ())
            for name in (slots,) if isinstance(slots, str) else slots:
                if hasattr(value, name):
                    found[name] = getattr(value, name)
        hidden = "_" if type(value).__module__ == self.own else "\0"
        shown = sorted(name for name in found if not name.startswith(hidden))
        return [[name, self.encode(found[name], depth)] for name in shown]

    def _function(self, value: Any) -> Any:
        if isinstance(value, type):
            return ["type", named(value)]
        answers = self.probe(value) if self.probe and isinstance(value, types.FunctionType) else []
        name = value.__qualname__ if isinstance(value, types.BuiltinFunctionType) else ""
        return ["function", name, answers]

    def _object(self, value: Any, kind: type, number: list, depth: int) -> Any:
        if kind.__module__ == "objects" and hasattr(value, "__dict__"):
            return [named(kind), *number, self._attributes(value, depth)]
        if hasattr(kind, "__next__"):
            return ["stream", named(kind), *number, *(self.encode(item, depth) for item in drained(value))]
        if kind in VIEWS:
            return [named(kind), *(self.encode(item, depth) for item in value)]
        if "__dict__" in dir(value) and kind.__reduce_ex__ is object.__reduce_ex__:
            return [named(kind), *number, self._attributes(value, depth)]
        try:
            reduced = value.__reduce_ex__(4)
        except Exception:  # edge: the sandbox, inside; any class may refuse in its own words
            return [named(kind), *number, ADDRESS.sub("0x", repr(value)), self._attributes(value, depth)]
        if isinstance(reduced, str):
            return [named(kind), reduced]
        parts = [list(part) if hasattr(part, "__next__") else part for part in reduced[1:]]
        return [named(kind), *number, *(self.encode(part, depth) for part in parts)]


NONE: dict[str, str] = {}
VIEWS = (type(NONE.keys()), type(NONE.values()), type(NONE.items()))
ATOMS: dict[type, Any] = {
    int: lambda value: "i" + (int.__repr__(value) if abs(int(value)) < 10**300 else hex(value)),
    float: lambda value: "fnan" if value != value else "f" + float.hex(value),
    str: lambda value: "s" + str.__str__(value) if type(value) is str else "s" + str.join("", value),
    bytes: lambda value: "b" + bytes.hex(value),
    complex: lambda value: f"c{value.real!r} {value.imag!r}",
    range: lambda value: f"r{value!r}",
}


def drained(stream: Any, most: int = 200) -> list:
    out: list[Any] = []
    try:
        for _ in range(most):
            out.append(next(stream))
    except StopIteration as stop:
        out.append(("the end", stop.value))
    except Exception as error:  # edge: the sandbox, inside; whatever a stream raises is its last item
        out.append(("raised", error))
    return out


def shortened(text: str) -> str:
    """Long texts by their digest, so that a result of any size can be compared."""
    if len(text) <= LONG:
        return text
    return text[:300] + " ... " + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
