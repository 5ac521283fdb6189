"""Expressions of the values of a type: the edges of its range, what the module itself names, and mixtures."""

import ast
from collections.abc import Mapping
from random import Random

from bloomery.source.testing.callees import Class, Parameter
from bloomery.source.testing.mining import Mined

INTS = ("3", "0", "1", "-1", "2", "5", "10", "-7", "12", "100")
FLOATS = ("1.5", "0.0", "1.0", "-2.5", "0.1", "10.0", "100.0", "3.7")
STRINGS = (
    "'abc'", "''", "'a'", "'Ab c'", "' x '", "'12'", "'-3'", "'a,b'", "'aab'", "'hello world'", "'a-b_c'",
    "'x=1'", "'1.5'", "'level'", "'a\\nb'", "'É'",
)  # fmt: skip
BYTES = ("b'abc'", "b''", "b'\\x00\\xff'")
CALLABLES = ("lambda value: value", "str", "bool", "lambda value: value * 2", "len")
OPEN = (
    "int", "str", "list[int]", "float", "list[str]", "None", "dict[str, int]", "bool", "tuple[int, int]",
    "list[tuple[str, int]]", "list[list[int]]", "list[float]", "dict[str, list[str]]", "list[dict[str, int]]",
    "set[int]", "Callable", "dict[str, str]", "bytes", "dict[str, dict[str, int]]",
)  # fmt: skip
LISTS = {"list", "List", "Sequence", "Iterable", "Collection", "MutableSequence", "Reversible", "Iterator"}
SETS = {"set", "Set", "frozenset", "FrozenSet", "AbstractSet", "MutableSet"}
MAPPINGS = {"dict", "Dict", "Mapping", "MutableMapping", "OrderedDict", "defaultdict", "DefaultDict"}
PLAIN: dict[str, tuple[str, ...]] = {
    "bool": ("True", "False"), "None": ("None",), "bytes": BYTES, "Callable": CALLABLES,
    "complex": ("(1+2j)", "0j"), "bytearray": ("bytearray(b'ab')",), "object": ("3", "'abc'", "None"),
    "Decimal": ("Decimal('1.5')", "Decimal('0')", "Decimal('-2.25')"),
    "Fraction": ("Fraction(1, 3)", "Fraction(-2, 1)", "Fraction(0, 1)"),
    "date": ("datetime.date(2024, 2, 29)", "datetime.date(2023, 12, 31)", "datetime.date(2024, 1, 1)"),
    "datetime": ("datetime.datetime(2024, 2, 29, 12, 30)", "datetime.datetime(2023, 12, 31, 23, 59, 59)"),
    "timedelta": ("datetime.timedelta(hours=1)", "datetime.timedelta(0)", "datetime.timedelta(days=-1)"),
    "Path": ("Path('a.txt')", "Path('folder/b.tar.gz')"),
}  # fmt: skip
NEEDS = {
    "Decimal": "decimal", "Fraction": "fractions", "datetime": "datetime", "Path": "pathlib",
    "Counter": "collections", "deque": "collections", "asyncio": "asyncio",
}  # fmt: skip


class Pools:
    """Where the arguments of one module's functions are drawn from."""

    def __init__(self, mined: Mined, classes: Mapping[str, Class], aliases: Mapping[str, ast.expr]) -> None:
        self.mined, self.classes, self.aliases = mined, classes, aliases

    def choices(self, annotation: ast.expr | None, rng: Random, depth: int = 2) -> list[str]:
        """Expressions, the ordinary ones first; what the module names comes early."""
        if annotation is None:
            return [self.draw(ast.parse(kind, mode="eval").body, rng, depth) for kind in OPEN]
        name, inner = _taken_apart(annotation)
        if name in self.aliases and depth > 0:
            return self.choices(self.aliases[name], rng, depth - 1)
        if name in self.classes and depth > 0:
            return self._instances(self.classes[name], rng, depth)
        if name in ("Union", "Optional", "|"):
            found = [text for one in inner for text in self.choices(one, rng, depth)[:10]]
            return found + (["None"] if name == "Optional" else [])
        if name == "Literal":
            return [ast.unparse(one) for one in inner]
        if name in ("Annotated", "Final", "ClassVar", "Required", "NotRequired", "type"):
            return self.choices(inner[0] if inner else None, rng, depth)
        return self._plain(name) or self._collections(name, inner, rng, depth)

    def draw(self, annotation: ast.expr | None, rng: Random, depth: int = 2) -> str:
        """One expression; the first of the choices are likelier."""
        if annotation is None:
            annotation = ast.parse(rng.choice(OPEN), mode="eval").body
        found = self.choices(annotation, rng, depth) or ["None"]
        return found[min(int(rng.expovariate(4 / len(found))), len(found) - 1)]

    def arguments(
        self, parameters: tuple[Parameter, ...], rng: Random, depth: int = 2, *, given: float = 0.5
    ) -> list[tuple[str, str]]:
        """Names and expressions; what has a default is given with that probability."""
        found = []
        for one in parameters:
            if one.name.startswith("*"):
                count = rng.randrange(4)
                found += [(one.name, self.draw(one.annotation, rng, depth)) for _ in range(count)]
            elif one.required or rng.random() < given:
                found.append((one.name, self.draw(one.annotation or guessed(one), rng, depth)))
        return found

    def _plain(self, name: str) -> list[str]:
        if name == "int":
            return [*INTS[:4], *self.mined.ints[:24], *INTS[4:]]
        if name == "float":
            return [*FLOATS[:4], *self.mined.floats[:16], *FLOATS[4:], "3"]
        if name == "str":
            sized = [repr(("abcde" * 9)[:size]) for size in self.mined.sizes]
            return [*STRINGS[:3], *self.mined.strings[:24], *sized, *STRINGS[3:]]
        return list(PLAIN.get(name, ()))

    def _instances(self, one: Class, rng: Random, depth: int) -> list[str]:
        if one.members:
            return [f"{one.name}.{member}" for member in one.members]
        if one.keys:
            return [self._typed_dict(one, rng, depth) for _ in range(4)]
        if one.made is None:
            made = [cls for cls in self.classes.values() if cls.made is not None and cls.name != one.name]
            return (
                [text for cls in made[:3] for text in self._instances(cls, rng, depth - 1)] if depth else []
            )
        made_of = [self.arguments(one.made, rng, depth - 1) for _ in range(5)]
        return list(dict.fromkeys(f"{one.name}({joined(given, one.made)})" for given in made_of))

    def _typed_dict(self, one: Class, rng: Random, depth: int) -> str:
        pairs = [f"{key.name!r}: {self.draw(key.annotation, rng, depth - 1)}" for key in one.keys]
        return "{" + ", ".join(pairs) + "}"

    def _collections(self, name: str, inner: list[ast.expr], rng: Random, depth: int) -> list[str]:
        first = inner[0] if inner else ast.Name("int", ast.Load())
        if name in MAPPINGS or name == "Counter":
            value = inner[1] if len(inner) > 1 else ast.Name("int", ast.Load())
            return [_display(self._pairs(first, value, size, rng, depth)) for size in (2, 0, 1, 3, 3)]
        if name in ("tuple", "Tuple") and not (len(inner) == 2 and _is_dots(inner[1])):
            drawn = [[self.draw(one, rng, depth - 1) for one in inner or [first, first]] for _ in range(5)]
            return [f"({', '.join(parts)}{',' * (len(parts) == 1)})" for parts in drawn]
        sizes = [3, 0, 1, 2, 2, 4, 5, *self.mined.sizes[:6]]
        lists = [self._items(first, size, rng, depth) for size in sizes]
        lists += [[*lists[0], *lists[0][:2]], sorted(lists[6], key=_as_number), lists[5][::-1]]
        if name in ("tuple", "Tuple"):
            return [f"({', '.join(parts)}{',' * (len(parts) == 1)})" for parts in lists]
        if name in SETS:
            return [f"{{{', '.join(dict.fromkeys(parts))}}}" if parts else "set()" for parts in lists]
        if name in LISTS or name in ("deque", "Deque"):
            texts = [f"[{', '.join(parts)}]" for parts in lists]
            wrapped = {"Iterator": "iter({})", "deque": "deque({})", "Deque": "deque({})"}.get(name, "{}")
            return [wrapped.format(text) for text in texts]
        return [text for kind in ("int", "str", "list[int]") for text in self._plain(kind)[:3]] or ["3"]

    def _items(self, of: ast.expr, size: int, rng: Random, depth: int) -> list[str]:
        return [self.draw(of, rng, depth - 1) for _ in range(size)]

    def _pairs(self, key: ast.expr, value: ast.expr, size: int, rng: Random, depth: int) -> dict[str, str]:
        return {self.draw(key, rng, depth - 1): self.draw(value, rng, depth - 1) for _ in range(size)}


def joined(given: list[tuple[str, str]], parameters: tuple[Parameter, ...]) -> str:
    """Arguments as a call has them: by place as long as nothing is left out before.

    What goes into `*names` needs everything before it by place; where something is left out it is not given.
    """
    by_place = True
    parts = []
    names = iter(parameters)
    for name, text in given:
        if name.startswith("*"):
            parts += [text] if by_place else []
            continue
        here = next((one for one in names if not one.name.startswith("*")), None)
        by_place = by_place and here is not None and here.name == name and not here.named
        parts.append(text if by_place else f"{name}={text}")
    return ", ".join(parts)


def guessed(one: Parameter) -> ast.expr | None:
    """The type of a parameter's default value, where that says something."""
    value = getattr(one.default, "value", None)
    kind = type(value).__name__
    return ast.Name(kind, ast.Load()) if kind in ("int", "float", "str", "bool", "bytes") else None


def _display(pairs: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in pairs.items()) + "}"


def _as_number(text: str) -> tuple[float, str]:
    try:
        return float(text), text
    except ValueError:
        return 0.0, text


def _is_dots(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...


def _taken_apart(node: ast.expr) -> tuple[str, list[ast.expr]]:
    """A type's name without its module, and what stands in its brackets."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            node = ast.parse(node.value, mode="eval").body
        except SyntaxError:
            return "object", []
    if isinstance(node, ast.BinOp):
        return "|", [node.left, node.right]
    if isinstance(node, ast.Subscript):
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return ast.unparse(node.value).rpartition(".")[2], list(inner)
    return ast.unparse(node).rpartition(".")[2], []
