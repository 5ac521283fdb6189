"""Inputs for a meaning: those that may be shown, and hidden ones, which never are."""

import json
import random
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from itertools import combinations_with_replacement
from typing import Any

from bloomery.core.errors import ConfigError
from bloomery.diffusion.code.judging.program import Example
from bloomery.diffusion.code.tasks.interpreting import OutOfBounds, interpret, operations, takes
from bloomery.diffusion.code.tasks.operation import Kind, Meaning

WORDS = ("Ann", "bee", "cow", "Dog9", "echo", "fig", "GNU", "hat", "iota42", "jay", "kiwi", "Ox", "a", "7up")
EDGES: dict[Kind, tuple[Any, ...]] = {
    Kind.NUMBER: (0, 1, -1, 10, -37, 99),
    Kind.NUMBERS: ([], [0], [1], [-1], [2, 2, 2], [3, 1, 2], [5, -5, 5], [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, -1]),
    Kind.TEXT: ("", " ", "a", "AEIOU", "xyz", "12 ab", "two  spaces "),
    Kind.STRINGS: ([], [""], ["a"], ["b", "a", "b"], ["AA", "b", "ccc", "dd"], ["x1", "", "Y"]),
}
DRAWS_PER_EXAMPLE = 200
PROBES = 24


def examples(meaning: Meaning, *, count: int, seed: int, hidden: bool) -> list[Example]:
    """Different inputs with their results; the hidden ones begin with edge cases.

    An input is hidden or shown by its own hash, so that no draw with any seed shows what is hidden; edge
    cases are hidden always.

    Raises: ConfigError where too few inputs stay within bounds.
    """
    rng = random.Random(f"inputs {seed}")
    chosen: dict[str, Example] = {}
    for value in _candidates(takes(meaning), rng, hidden, DRAWS_PER_EXAMPLE * count):
        if len(chosen) == count:
            break
        try:
            result = interpret(meaning, value)
        except OutOfBounds:
            continue
        chosen.setdefault(json.dumps(value), Example(arguments=(value,), result=result))
    if len(chosen) < count:
        raise ConfigError(
            f"only {len(chosen)} inputs of {meaning} stay within bounds, not {count}; ask for fewer"
        )
    return list(chosen.values())


def is_hidden(value: Any) -> bool:
    text = json.dumps(value)
    edge = any(text == json.dumps(one) for edges in EDGES.values() for one in edges)
    return edge or sha256(text.encode()).digest()[0] < 128


@cache
def is_plain(meaning: Meaning) -> bool:
    """Each step changes something, and results differ: else a composition tests no putting together."""
    values = _probes(takes(meaning))
    whole = _results(meaning, values)
    if len(set(whole)) < 2:
        return False
    return all(_results(rest, values) != whole for rest in _shorter(meaning))


def _shorter(meaning: Meaning) -> Iterator[Meaning]:
    """What is left where steps in a row that keep the type are left out; of a composition, even nothing."""
    found = operations(meaning)
    for first, last in combinations_with_replacement(range(len(found)), 2):
        if found[first].takes is found[last].gives and len(meaning) > 1:
            yield meaning[:first] + meaning[last + 1 :]


@cache
def _probes(kind: Kind) -> list[Any]:
    rng = random.Random("probes")
    return [*EDGES[kind], *(_value(kind, rng) for _ in range(PROBES))]


def _results(meaning: Meaning, values: list[Any]) -> list[str]:
    return [_result(meaning, value) for value in values]


def _result(meaning: Meaning, value: Any) -> str:
    try:
        return json.dumps(interpret(meaning, value))
    except OutOfBounds:
        return "out of bounds"


def _candidates(kind: Kind, rng: random.Random, hidden: bool, most: int) -> Iterator[Any]:
    if hidden:
        yield from EDGES[kind]
    drawn = (_value(kind, rng) for _ in range(most))
    yield from (value for value in drawn if is_hidden(value) == hidden)


def _value(kind: Kind, rng: random.Random) -> Any:
    match kind:
        case Kind.NUMBER:
            return rng.randint(-200, 200)
        case Kind.NUMBERS:
            return _list(rng)
        case Kind.TEXT:
            return "  ".join(" ".join(_strings(rng)) for _ in range(rng.randint(1, 2)))
        case Kind.STRINGS:
            return _strings(rng)


def _list(rng: random.Random) -> list[int]:
    """Small ranges often, so that values repeat and meet the parameters."""
    high = rng.choice((4, 10, 20))
    return [rng.randint(-high // 2, high) for _ in range(rng.randint(1, 10))]


def _strings(rng: random.Random) -> list[str]:
    return [rng.choice(WORDS) for _ in range(rng.randint(1, 6))]
