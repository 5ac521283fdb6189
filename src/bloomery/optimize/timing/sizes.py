"""Values of a kind and a size, as expressions; what holds other containers gets the root of the size."""

import math
import string
from collections.abc import Sequence
from random import Random

from bloomery.optimize.equivalence.kinds import Kind, Parameter
from bloomery.optimize.equivalence.values import Values, row
from bloomery.optimize.timing.workload import Call

CONTAINERS = ("list", "set", "frozenset", "deque", "Iterable", "Iterator", "tuple", "dict")
MOST_ITEMS, LARGEST = 2**15, 2**40
LETTERS = string.ascii_lowercase + "  "


def sizes(parameters: Sequence[Parameter]) -> list[int]:
    """Growing by the root of two; where only numbers grow, much further."""
    holds = any(holding(one.kind) or one.kind.name in ("str", "bytes", "class") for one in parameters)
    most = MOST_ITEMS if holds else LARGEST
    found = [round(4 * 2 ** (at / 2)) for at in range(2 * int(math.log2(most / 4)) + 1)]
    return list(dict.fromkeys(found))


def sized_call(function: str, parameters: Sequence[Parameter], size: int, values: Values) -> Call:
    """Every argument as large as `size` says; numbers beside containers stay below it."""
    among = any(holding(one.kind) or one.kind.name == "str" for one in parameters)
    given = []
    for one in parameters:
        if one.way in ("many", "named"):
            continue
        number = one.kind.name in ("int", "float") and among
        text = sized(one.kind, max(size // 4, 1) if number else size, values)
        given.append((one.name if one.way == "keyword" else "", text))
    return Call(function, tuple(given))


def holding(kind: Kind) -> bool:
    return kind.name in CONTAINERS or (kind.name == "union" and any(map(holding, kind.parts)))


def sized(kind: Kind, size: int, values: Values) -> str:
    """As a parameter: a number is about the size, and odd: powers of two are easy for some."""
    if kind.name == "int":
        return str(values.rng.randint(size - size // 8, size) | 1)
    if kind.name == "float":
        return repr(size + 0.5)
    if kind.name == "union":
        return sized(_chosen(kind), size, values)
    if kind.name == "class" and kind.text in values.classes.built:
        parameters = values.classes.built[kind.text]
        given = sized_call(kind.text, [one for one in parameters if not one.has_default], size, values).given
        return f"{kind.text}({', '.join(f'{key}={text}' if key else text for key, text in given)})"
    return _container(kind, size, values) if kind.name in CONTAINERS else item(kind, size, values)


def item(kind: Kind, size: int, values: Values) -> str:
    """As one of `size` items: numbers are drawn up to that size, texts are short or as long as asked for."""
    rng: Random = values.rng
    match kind.name:
        case "int":
            return str(rng.randint(-size, size))
        case "float":
            return repr(round(rng.uniform(-size, size), 3))
        case "str":
            return repr("".join(rng.choices(LETTERS, k=size)))
        case "bytes":
            return repr(rng.randbytes(min(size, 4096)))
        case "union":
            return item(rng.choice(kind.parts), size, values)
    return _container(kind, size, values) if kind.name in CONTAINERS else values.draw(kind, 1)


def _chosen(kind: Kind) -> Kind:
    """Of several the first that holds something, else the first that is not None."""
    some = [one for one in kind.parts if one.name != "None"] or list(kind.parts)
    return next((one for one in some if holding(one)), some[0])


def _container(kind: Kind, size: int, values: Values) -> str:
    if kind.name == "tuple" and kind.text == "each":
        return row([item(one, _inner(one, size), values) for one in kind.parts])
    nested = any(holding(one) and one.text != "each" for one in kind.parts)
    count = max(math.isqrt(size), 1) if nested else size
    columns = [[_part(one, count, size, nested, values) for _ in range(count)] for one in kind.parts]
    if kind.name == "dict":
        return "{" + ", ".join(f"{key}: {value}" for key, value in zip(*columns, strict=True)) + "}"
    inside = ", ".join(columns[0])
    if kind.name == "tuple":
        return row(columns[0])
    if kind.name in ("list", "Iterable"):
        return f"[{inside}]"
    return f"iter([{inside}])" if kind.name == "Iterator" else f"{kind.name}([{inside}])"


def _part(kind: Kind, count: int, size: int, nested: bool, values: Values) -> str:
    """Rows are as long as there are rows of them."""
    if nested and holding(kind):
        return _container(kind, count, values)
    return item(kind, _inner(kind, size), values)


def _inner(kind: Kind, size: int) -> int:
    return 6 if kind.name in ("str", "bytes") else size
