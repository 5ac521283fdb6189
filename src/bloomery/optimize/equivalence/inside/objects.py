"""Arguments that are more than plain values; runs behind the sandbox's walls, imports the standard library.

What happens to them is told to `events`, in order. Functions end in `_`: a module under test may have its own
`take`; where names meet all the same, the module's count.
"""

import collections
from typing import Any

events: list[str] = []
nan, inf = float("nan"), float("inf")


class SubList(list):
    """A list by another name."""


class Loud(list):
    """A list with methods of its own, which do what a list's do."""

    def __iter__(self) -> Any:
        return list.__iter__(self)

    def __getitem__(self, at: Any) -> Any:
        return list.__getitem__(self, at)

    def __len__(self) -> int:
        return list.__len__(self)

    def __contains__(self, wanted: Any) -> bool:
        return list.__contains__(self, wanted)

    def __eq__(self, other: Any) -> bool:
        return list.__eq__(self, other)

    __hash__ = None


class Tagged(str):
    """Reads as one text and prints as another."""

    def __str__(self) -> str:
        return "<" + str.__str__(self) + ">"

    def __repr__(self) -> str:
        return "Tagged(" + str.__repr__(self) + ")"

    def __format__(self, spec: Any) -> str:
        return "<" + str.__format__(self, spec) + ">"


class Missing(dict):
    """Answers for what is missing, and keeps nothing."""

    def __missing__(self, key: Any) -> Any:
        events.append(f"missing {key!r}")
        return 41


def fresh_(items: dict) -> collections.defaultdict:
    return collections.defaultdict(int, items)


class Same:
    """Equal by value, told apart by its mark."""

    def __init__(self, value: Any, mark: Any) -> None:
        self.value, self.mark = value, mark

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Same) and self.value == other.value

    def __lt__(self, other: Any) -> bool:
        return self.value < other.value

    def __hash__(self) -> int:
        return hash(self.value)

    def __add__(self, other: Any) -> Any:
        return Same(self.value + getattr(other, "value", other), self.mark)

    __radd__ = __add__


class Touchy:
    """Cannot be compared with other kinds, and says when it is compared at all."""

    def __eq__(self, other: Any) -> bool:
        if not isinstance(other, Touchy):
            raise ValueError("not to be compared")
        return self is other

    def __hash__(self) -> int:
        return 7


class Watched:
    """An iterator that tells what is taken from it, and when."""

    def __init__(self, items: Any, breaks: bool = False) -> None:
        self._items, self._breaks = iter(items), breaks

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        try:
            item = next(self._items)
        except StopIteration:
            events.append("source is used up")
            if self._breaks:
                raise RuntimeError("the source broke") from None
            raise
        events.append("source gives one")
        return item


class Again:
    """An iterable that tells how often it is gone through."""

    def __init__(self, items: Any) -> None:
        self._items = items

    def __iter__(self) -> Any:
        events.append("gone through anew")
        return Watched(self._items)


class Told:
    """A function that tells how it is called; `way` says what it answers."""

    def __init__(self, name: Any, way: Any) -> None:
        self._name, self._way, self._calls = name, way, 0

    def __call__(self, *given: Any, **named: Any) -> Any:
        self._calls += 1
        events.append(f"{self._name} is called with {given!r} {named!r}"[:300])
        return self._answer(given[0] if given else self._calls)

    def _answer(self, first: Any) -> Any:
        if self._way == "count":
            return self._calls
        if self._way == "same":
            return first
        if self._way == "odd":
            return [0] if self._calls % 2 else []
        if self._way == "third" and self._calls == 3:
            raise LookupError("the third call")
        if self._way == "positive":
            return first > 0
        if self._way == "fresh":
            return [first]
        return 7


def spoil_(value: Any) -> None:
    """Changes in place all that can be changed."""
    for inner in (
        list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        spoil_(inner)
    if isinstance(value, list):
        value.append("spoilt")
    elif isinstance(value, dict):
        value["spoilt"] = "spoilt"
    elif isinstance(value, set):
        value.add("spoilt")
    elif isinstance(value, bytearray):
        value.append(33)
    elif hasattr(value, "__dict__") and not callable(value):
        for inner in list(vars(value).values()):
            spoil_(inner)


def take_(stream: Any, count: int) -> list:
    out: list[Any] = []
    for _ in range(count):
        try:
            out.append(next(stream))
        except StopIteration:
            out.append("the end")
            break
    return out


def shut_(stream: Any) -> None:
    if hasattr(stream, "close"):
        stream.close()


def often_(function: Any, times: int, *given: Any) -> list:
    """The answers to the last three of many equal calls, whose arguments are immutable or not changed."""
    out: list[Any] = []
    for _ in range(times):
        out = [*out[-2:], function(*given)]
    return out


def unpickled_(text: str) -> Any:
    """An argument recorded from a test that is no plain value."""
    import base64
    import pickle

    return pickle.loads(base64.b64decode(text))


class SubDict(dict):
    """A dictionary by another name."""


deque = collections.deque
