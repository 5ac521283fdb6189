"""A pytest plugin that writes down with which arguments functions are called while tests run.

Its job (see bloomery_outcomes) holds `calls`: `functions` (qualified names by file, as the file is really
called), `most` (distinct calls kept of each function, the first ones and the largest ones), `most_bytes`
(of one call's arguments, as text). An argument becomes an expression: literals for plain values, a pickle in
`unpickled_(...)` for others. Calls within a call of the same function are left out.

Not seen: who is the same object as whom among the arguments; what cannot be pickled (it is counted).
"""

import base64
import dis
import pickle
import sys
import threading
import time
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any

import pytest
from bloomery_outcomes import JOB, tell

WANTED: dict[str, set[str]] = {file: set(names) for file, names in JOB["calls"]["functions"].items()}
MOST, MOST_BYTES = JOB["calls"]["most"], JOB["calls"]["most_bytes"]
DEEP = 40
VARARGS, VARKEYWORDS = 0x04, 0x08
PLAIN = (bool, int, str, bytes, complex, type(None), type(...))

Given = list[tuple[str, str]]


class Unwritable(Exception):
    """A value that no expression here can build."""


class Kept:
    """The calls of one function: distinct ones up to a number, then the larger instead of the smallest."""

    def __init__(self) -> None:
        self.count = self.lost = 0
        self.calls: dict[str, dict[str, Any]] = {}

    def add(self, function: str, given: Given, test: str) -> dict[str, Any] | None:
        key = repr(given)
        if key in self.calls:
            return None
        if len(self.calls) >= MOST:
            smallest = min(list(self.calls)[MOST // 2 :], key=len)
            if len(key) <= len(smallest):
                return None
            del self.calls[smallest]
        self.calls[key] = {"function": function, "given": given, "test": test, "seconds": 0.0}
        return self.calls[key]


_KEPT: dict[tuple[str, str], Kept] = {}
_CODES: dict[CodeType, str | None] = {}
_DEPTH: dict[tuple[int, CodeType], int] = {}
_OPEN: dict[tuple[int, CodeType], tuple[dict[str, Any], float]] = {}
_AT = [""]


def _entered(frame: FrameType, event: str, argument: Any) -> Any:
    """Traces no line of any function, and the return of those that are wanted."""
    code = frame.f_code
    name = _CODES[code] if code in _CODES else _CODES.setdefault(code, _wanted(code))
    if name is None:
        return None
    frame.f_trace_lines = False
    key = (threading.get_ident(), code)
    _DEPTH[key] = depth = _DEPTH.get(key, 0) + 1
    if depth == 1 and _begins(frame):
        _begun(frame, name, key)
    return _left


def _left(frame: FrameType, event: str, argument: Any) -> Any:
    if event == "return":
        _ended((threading.get_ident(), frame.f_code))
    return _left


def _wanted(code: CodeType) -> str | None:
    return code.co_qualname if code.co_qualname in WANTED.get(code.co_filename, ()) else None


def _begins(frame: FrameType) -> bool:
    """Not where a generator goes on."""
    at = frame.f_lasti
    return at < 0 or all(
        one.arg == 0
        for one in dis.get_instructions(frame.f_code)
        if one.offset == at and one.opname == "RESUME"
    )


def _begun(frame: FrameType, name: str, key: tuple[int, CodeType]) -> None:
    kept = _KEPT.setdefault((frame.f_code.co_filename, name), Kept())
    kept.count += 1
    try:
        called, given = _given(frame, name)
        if sum(len(text) for _, text in given) > MOST_BYTES:
            raise Unwritable("too large")
    except Exception:  # edge: the tests' process; any object may refuse to be written in its own words
        kept.lost += 1
        return
    entry = kept.add(called, given, _AT[-1])
    if entry is not None:
        _OPEN[key] = entry, time.perf_counter()


def _ended(key: tuple[int, CodeType]) -> None:
    _DEPTH[key] = depth = _DEPTH.get(key, 1) - 1
    if depth == 0 and key in _OPEN:
        entry, began = _OPEN.pop(key)
        entry["seconds"] = time.perf_counter() - began


def _given(frame: FrameType, name: str) -> tuple[str, Given]:
    """What to call, and its arguments; constructors by their class, class methods without it."""
    code, values = frame.f_code, frame.f_locals
    names = code.co_varnames
    positional = [values[one] for one in names[: code.co_argcount]]
    count = code.co_argcount + code.co_kwonlyargcount
    named = {one: values[one] for one in names[code.co_argcount : count]}
    if code.co_flags & VARARGS:
        positional += values[names[count]]
    if code.co_flags & VARKEYWORDS:
        named |= values[names[count + bool(code.co_flags & VARARGS)]]
    owner, _, last = name.rpartition(".")
    if last == "__init__":
        if type(positional[0]).__qualname__ != owner:
            raise Unwritable("a part of another object's construction")
        name, positional = owner, positional[1:]
    elif owner and positional and isinstance(positional[0], type) and names[0] == "cls":
        positional = positional[1:]
    return name, [("", written(one)) for one in positional] + [(k, written(v)) for k, v in named.items()]


def written(value: Any) -> str:
    """An expression that builds an equal value of the same type."""
    try:
        return _literal(value, set(), 0)
    except Unwritable:
        return f"unpickled_({base64.b64encode(pickle.dumps(value, 4)).decode()!r})"


def _literal(value: Any, met: set[int], depth: int) -> str:
    kind = type(value)
    if kind is float:
        return (
            repr(value) if value - value == 0 else f"float({value!r})".replace("(", "('").replace(")", "')")
        )
    if kind is int and abs(value) > 10**300:
        return hex(value)
    if kind in PLAIN:
        return repr(value)
    if id(value) in met or depth > DEEP:
        raise Unwritable("an object that is met twice")
    if kind is not tuple:
        met.add(id(value))
    if kind is dict:
        pairs = [(_literal(k, met, depth + 1), _literal(v, met, depth + 1)) for k, v in value.items()]
        return "{" + ", ".join(f"{key}: {item}" for key, item in pairs) + "}"
    if kind not in (list, tuple, set, frozenset):
        raise Unwritable(f"a {kind.__name__} is no plain value")
    items = ", ".join(_literal(one, met, depth + 1) for one in value)
    if kind is tuple:
        return f"({items},)" if len(value) == 1 else f"({items})"
    return f"[{items}]" if kind is list else f"{kind.__name__}([{items}])"


def pytest_collection_finish() -> None:
    sys.settrace(_entered)
    threading.settrace(_entered)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    _AT.append(item.nodeid)
    try:
        return (yield)
    finally:
        _AT.pop()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    sys.settrace(None)
    threading.settrace(None)
    for (file, function), kept in _KEPT.items():
        for call in kept.calls.values():
            tell(event="call", file=file, **call)
        tell(event="called", file=file, function=function, count=kept.count, lost=kept.lost)
