"""Two values have the same text exactly where nobody could tell them apart."""

import collections
import decimal
import math
from typing import Any

import pytest

from bloomery.optimize.equivalence.inside.encoding import Encoder, shortened


def code(value: Any) -> Any:
    return Encoder().encode(value)


class Own:
    def __init__(self, seen: int, hidden: int) -> None:
        self.seen, self._hidden = seen, hidden


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (1, 1.0),
        (0.0, -0.0),
        (0.1 + 0.2, 0.3),
        ([1], (1,)),
        ({1: 2}, collections.Counter({1: 2})),
        ({1: 2, 3: 4}, {3: 4, 1: 2}),
        ("1", 1),
        (b"a", bytearray(b"a")),
        ({1}, frozenset({1})),
        (decimal.Decimal("1.0"), decimal.Decimal("1.00")),
        (None, False),
        ("None", None),
        (collections.deque([1]), [1]),
        (ValueError("a"), ValueError("b")),
        ({}.keys(), []),
    ],
)
def test_what_differs_has_another_text(one: Any, other: Any) -> None:
    assert code(one) != code(other)


@pytest.mark.parametrize(
    "make",
    [
        lambda: math.nan,
        lambda: float("nan"),
        lambda: [1, {"a": (2.5, None)}],
        lambda: {3, 1, 2},
        lambda: collections.deque([1, 2], 5),
        lambda: decimal.Decimal("2.50"),
        lambda: iter([1, 2]),
        lambda: Own(1, 2),
    ],
)
def test_what_is_alike_has_the_same_text(make: Any) -> None:
    assert code(make()) == code(make())


def test_one_object_in_two_places_is_told_from_two_equal_ones() -> None:
    row: list[int] = []
    assert code([row, row]) != code([[], []])


def test_a_list_in_itself_ends() -> None:
    knot: list[Any] = []
    knot.append(knot)
    assert code(knot) == ["list", "#0", ["@", 0]]


def test_hidden_attributes_count_for_strangers_only() -> None:
    assert code(Own(1, 2)) != code(Own(1, 3))
    assert Encoder(own=Own.__module__).encode(Own(1, 2)) == Encoder(own=Own.__module__).encode(Own(1, 3))


def test_a_long_text_keeps_its_identity_in_a_digest() -> None:
    long = "a" * 9000
    assert shortened(long) != shortened(long[:-1] + "b")
    assert len(shortened(long)) < 400
    assert shortened("short") == "short"
