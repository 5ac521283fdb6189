"""Which function of its module a step is, and with what bound into it: what the sources alone do not tell.

Of a partial all arguments count, of a closure what cannot change; a value that is no plain one counts by its
type. Two lambdas in one function are told apart by what is bound into them alone.
"""

import functools
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from bloomery.core.closure import Deferred

Plain = str | list[Any] | dict[str, Any]


def named(function: Any) -> Plain:
    """The function's name, with the plain values that are bound into it."""
    return _named(function, ())


def _named(function: Any, above: tuple[Any, ...]) -> Plain:
    if isinstance(function, Deferred):
        return [function.name, []]
    if any(function is one for one in above):  # it calls itself, or one that calls it
        return "above"
    above = (*above, function)
    if isinstance(function, functools.partial):
        bound = [_told(function.args, above), _told(function.keywords, above)]
        return [_named(function.func, above), *bound]
    if hasattr(function, "__func__"):
        return [function.__qualname__, _told(function.__self__, above)]
    if hasattr(function, "__code__"):
        return [function.__qualname__, [_in_cell(cell, above) for cell in function.__closure__ or ()]]
    return _told(function, above)


def _in_cell(cell: Any, above: tuple[Any, ...]) -> Plain:
    """A list that a closure fills is its notebook and no argument."""
    try:
        value = cell.cell_contents
    except ValueError:  # it is filled later
        return "empty"
    return type(value).__qualname__ if isinstance(value, list | dict | set) else _told(value, above)


def _told(value: Any, above: tuple[Any, ...]) -> Plain:
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return repr(value)
    if isinstance(value, list | tuple):
        return [_told(item, above) for item in value]
    if isinstance(value, Mapping):
        return {repr(key): _told(item, above) for key, item in value.items()}
    if isinstance(value, Deferred | functools.partial) or hasattr(value, "__code__"):
        return _named(value, above)
    if isinstance(value, type):
        return value.__qualname__
    if is_dataclass(value):
        return {field.name: _told(getattr(value, field.name), above) for field in fields(value)}
    return type(value).__qualname__
