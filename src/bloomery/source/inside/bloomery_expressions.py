"""Values as expressions that make them again, as a person would write them; runs behind the sandbox's walls.

Standard library only. What no short expression makes is not expressed: a test that pins it could not be read.
"""

import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import math
import pathlib
import types
import uuid
from typing import Any

MOST_CHARACTERS = 400
SPOKEN = {  # types whose repr makes them again, and what has to be imported for it
    decimal.Decimal: ("decimal", "Decimal"),
    fractions.Fraction: ("fractions", "Fraction"),
    datetime.datetime: ("datetime", ""),
    datetime.date: ("datetime", ""),
    datetime.time: ("datetime", ""),
    datetime.timedelta: ("datetime", ""),
    uuid.UUID: ("uuid", "UUID"),
    collections.Counter: ("collections", "Counter"),
    collections.deque: ("collections", "deque"),
}


class Unspeakable(Exception):
    """A value that no expression is known for."""


class Speaker:
    """Writes values down; `needs` collects the names that the expressions use, with their modules."""

    def __init__(self, module: str) -> None:
        self.module = module
        self.needs: dict[str, str] = {}

    def say(self, value: Any, depth: int = 6) -> str:
        """Raises: Unspeakable."""
        if depth < 0:
            raise Unspeakable("nested too deeply")
        text = self._said(value, depth)
        if len(text) > MOST_CHARACTERS:
            raise Unspeakable("too long")
        return text

    def _said(self, value: Any, depth: int) -> str:
        kind = type(value)
        if value is None or kind in (bool, int, str, bytes, range, slice, bytearray):
            if kind is int and value.bit_length() > 400:
                raise Unspeakable("too large")
            return repr(value)
        if kind is float:
            return self._float(value)
        if kind in (list, tuple, set, frozenset, dict):
            return self._collection(value, kind, depth)
        if kind in SPOKEN:
            return self._spoken(value, kind)
        return self._other(value, kind, depth)

    def _float(self, value: float) -> str:
        if math.isnan(value):
            return 'float("nan")'
        return f'float("{value}")' if math.isinf(value) else repr(value)

    def _collection(self, value: Any, kind: type, depth: int) -> str:
        if kind is dict:
            return (
                "{"
                + ", ".join(f"{self.say(k, depth - 1)}: {self.say(v, depth - 1)}" for k, v in value.items())
                + "}"
            )
        parts = [self.say(one, depth - 1) for one in value]
        if kind is list:
            return f"[{', '.join(parts)}]"
        if kind is tuple:
            return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"
        if not parts:
            return f"{kind.__name__}()"
        inner = "{" + ", ".join(sorted(parts, key=lambda text: (len(text), text))) + "}"
        return inner if kind is set else f"frozenset({inner})"

    def _spoken(self, value: Any, kind: type) -> str:
        module, name = SPOKEN[kind]
        if kind in (collections.Counter, collections.deque):
            inner = dict(value) if kind is collections.Counter else list(value)
            self._need(name, module)
            return f"{name}({self.say(inner)})"
        if getattr(value, "tzinfo", None) is not None:
            raise Unspeakable("a moment with a time zone")
        self._need(name or module, module)
        return repr(value)

    def _other(self, value: Any, kind: type, depth: int) -> str:
        if isinstance(value, enum.Enum):
            return (
                f"{self._named(kind)}.{value.name}"
                if value.name and "|" not in value.name
                else self._refuse(kind)
            )
        if isinstance(value, type) and value.__module__ == "builtins":
            return value.__name__
        if isinstance(value, (type, types.FunctionType)):
            return self._named(value)
        if isinstance(value, pathlib.PurePath):
            self._need("Path", "pathlib")
            return f"Path({str(value)!r})" if isinstance(value, pathlib.Path) else self._refuse(kind)
        if dataclasses.is_dataclass(value) and "__eq__" in vars(kind):
            given = [(one.name, getattr(value, one.name)) for one in dataclasses.fields(value) if one.init]
            return self._made(kind, given, depth) if kind.__dataclass_params__.eq else self._refuse(kind)  # type: ignore[attr-defined]
        if isinstance(value, tuple) and hasattr(kind, "_fields"):
            return self._made(kind, list(zip(kind._fields, value, strict=True)), depth)
        if isinstance(value, dict) and kind in (collections.OrderedDict, collections.defaultdict):
            return self.say(dict(value), depth)
        return self._refuse(kind)

    def _made(self, kind: type, given: list[tuple[str, Any]], depth: int) -> str:
        return (
            f"{self._named(kind)}({', '.join(f'{name}={self.say(one, depth - 1)}' for name, one in given)})"
        )

    def _named(self, thing: Any) -> str:
        name = thing.__qualname__
        if not all(part.isidentifier() for part in name.split(".")) or thing.__module__ == "__main__":
            self._refuse(thing)
        self._need(name.partition(".")[0], thing.__module__)
        return str(name)

    def _need(self, name: str, module: str) -> None:
        if name.startswith("_") or self.needs.setdefault(name, module) != module:
            raise Unspeakable(f"{name} is private, or two things at once")

    def _refuse(self, kind: Any) -> str:
        raise Unspeakable(f"a {getattr(kind, '__qualname__', kind)}")


def loosely(value: Any, depth: int = 8) -> Any:
    """What `==` and approximate comparison can tell apart, as text: True is 1 is 1.0, sets have no order."""
    if depth < 0:
        return "..."
    if isinstance(value, (bool, int, float)) and not isinstance(value, enum.Enum):
        return _number(value)
    if isinstance(value, dict):
        pairs = sorted((loosely(k, depth - 1), loosely(v, depth - 1)) for k, v in value.items())
        return f"dict{pairs}"
    if isinstance(value, (set, frozenset)):
        return f"set{sorted(loosely(one, depth - 1) for one in value)}"
    if type(value) in (list, tuple, collections.deque):
        return f"{type(value).__name__}{[loosely(one, depth - 1) for one in value]}"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        given = [loosely(getattr(value, one.name, None), depth - 1) for one in dataclasses.fields(value)]
        return f"{type(value).__qualname__}{given}"
    return f"{type(value).__qualname__}:{plainly(value)}"


def _number(value: float) -> str:
    try:
        return f"{float(value):.9g}" if not isinstance(value, int) or abs(value) < 2**53 else str(value)
    except (OverflowError, ValueError):
        return str(value)


def plainly(value: Any) -> str:
    """A repr without addresses."""
    text = repr(value)
    return type(value).__qualname__ if " at 0x" in text else text[:2000]
