"""Configs: frozen keyword-only dataclasses, built strictly from plain values.

A config lives beside the one class or function that it steers. Plain `dataclasses.field(metadata={"help":
..., "low": ..., "high": ...})` and `option(...)` mean the same, so that rooms which may not import this one
have configs too.
"""

import dataclasses
import json
import sys
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING
from pathlib import Path
from typing import Any, Literal, TypeVar, Union

from bloomery.core.errors import ConfigError, suggestion
from bloomery.core.recipe import (
    DEFAULT,
    Recipe,
    Setting,
    find_recipe,
    load_recipe,
    origin_of,
    recipes,
    settings,
)

__all__ = [
    "Recipe",
    "Setting",
    "build",
    "canonical_json",
    "differences",
    "find_recipe",
    "load_recipe",
    "option",
    "recipes",
    "settings",
    "to_plain",
]

T = TypeVar("T")
Origin = Mapping[str, str]


def option(
    default: Any = MISSING,
    *,
    help: str,
    factory: Callable[[], Any] | Any = MISSING,
    low: float | None = None,
    high: float | None = None,
) -> Any:
    """A field of a config: its meaning with unit, and the inclusive bounds of its numbers."""
    metadata = {"help": help, "low": low, "high": high}
    if factory is not MISSING:
        return dataclasses.field(default_factory=factory, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def build(cls: type[T], values: Mapping[str, Any], *, where: str = "", origin: Origin | None = None) -> T:
    """Makes a config of type `cls`; nothing is guessed, converted between kinds, or ignored.

    `where` is the dotted path of `values` in its recipe, `origin` the recipe's, for messages.

    Raises: ConfigError naming the field, the value, what was expected and where it was given.
    """
    return typing.cast(T, _build(cls, values, where, origin or {}))


def to_plain(config: Any) -> Any:
    """What JSON can hold of a config; `build` makes the same config of it again."""
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        return {
            field.name: to_plain(getattr(config, field.name))
            for field in dataclasses.fields(config)
            if field.init
        }
    if isinstance(config, Mapping):
        return {key: to_plain(value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return [to_plain(item) for item in config]
    return str(config) if isinstance(config, Path) else config


def canonical_json(values: Any) -> str:
    """The one JSON text of these values, for hashing: sorted keys, no spaces, finite numbers only."""
    return json.dumps(to_plain(values), sort_keys=True, separators=(",", ":"), allow_nan=False)


def differences(before: Any, after: Any, where: str = "") -> list[str]:
    """One line `dotted.key: old -> new` for each place where two plain configs differ."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        keys = [*before, *(key for key in after if key not in before)]
        return [
            line
            for key in keys
            for line in differences(
                before.get(key, _ABSENT), after.get(key, _ABSENT), f"{where}.{key}" if where else str(key)
            )
        ]
    return [] if before == after else [f"{where}: {_told(before)} -> {_told(after)}"]


_ABSENT = object()


def _told(value: Any) -> str:
    return "(absent)" if value is _ABSENT else json.dumps(value)


def _build(cls: Any, values: Any, where: str, origin: Origin) -> Any:
    if isinstance(values, cls):
        return values
    if not isinstance(values, Mapping):
        raise _wrong(where, values, "keys and values", f"one of: {', '.join(_names(cls))}", origin)
    fields = {field.name: field for field in dataclasses.fields(cls) if field.init}
    for key in values:
        if key not in fields:
            dotted = _join(where, key)
            raise ConfigError(f"unknown key '{dotted}'{suggestion(str(key), fields)}{_at(dotted, origin)}")
    hints = typing.get_type_hints(cls)
    taken = {
        name: _value(hints[name], values[name], _join(where, name), origin, field.metadata)
        for name, field in fields.items()
        if _present(name, field, values, where)
    }
    try:
        return cls(**taken)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}" if where else str(error)) from error
    except ValueError as error:
        raise ConfigError(f"{where or cls.__name__}: {error}") from error


def _present(name: str, field: dataclasses.Field[Any], values: Mapping[str, Any], where: str) -> bool:
    if name in values:
        return True
    if field.default is MISSING and field.default_factory is MISSING:
        meaning = field.metadata.get("help", "")
        raise ConfigError(f"'{_join(where, name)}' is missing" + (f"; it is: {meaning}" if meaning else ""))
    return False


def _value(hint: Any, value: Any, where: str, origin: Origin, metadata: Mapping[str, Any]) -> Any:
    """`value` as the type `hint`, or a ConfigError."""
    arguments = typing.get_args(hint)
    outer = typing.get_origin(hint)
    if outer in (Union, types.UnionType):
        return _union(arguments, value, where, origin, metadata)
    if outer is Literal:
        return _choice(arguments, value, where, origin)
    if outer is tuple:
        return _items(arguments, value, where, origin, metadata)
    if outer in (dict, typing.get_origin(Mapping[str, Any])):
        return _entries(arguments[1], value, where, origin, metadata)
    if dataclasses.is_dataclass(hint):
        return _build(hint, value, where, origin)
    return _scalar(hint, value, where, origin, metadata)


def _union(arms: tuple[Any, ...], value: Any, where: str, origin: Origin, metadata: Mapping[str, Any]) -> Any:
    if value is None and type(None) in arms:
        return None
    arms = tuple(arm for arm in arms if arm is not type(None))
    problems = []
    for arm in arms:
        try:
            return _value(arm, value, where, origin, metadata)
        except ConfigError as error:
            problems.append(error)
    if len(arms) == 1:
        raise problems[0]
    raise ConfigError("; or ".join(dict.fromkeys(str(problem) for problem in problems)))


def _choice(choices: tuple[Any, ...], value: Any, where: str, origin: Origin) -> Any:
    if any(type(value) is type(choice) and value == choice for choice in choices):
        return value
    known = ", ".join(str(choice) for choice in choices)
    near = suggestion(str(value), map(str, choices)) if isinstance(value, str) else ""
    hint = near.removeprefix("; ") if near.startswith("; did") else "write one of them"
    raise _wrong(where, value, f"one of {known}", hint, origin)


def _items(
    arguments: tuple[Any, ...], value: Any, where: str, origin: Origin, metadata: Mapping[str, Any]
) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise _wrong(where, value, "a list", f"write [{value}]", origin)
    if arguments[-1] is Ellipsis:
        arguments = arguments[:1] * len(value)
    if len(arguments) != len(value):
        raise _wrong(where, value, f"a list of {len(arguments)}", f"it has {len(value)}", origin)
    return tuple(
        _value(hint, item, _join(where, place), origin, metadata)
        for place, (hint, item) in enumerate(zip(arguments, value, strict=True))
    )


def _entries(
    hint: Any, value: Any, where: str, origin: Origin, metadata: Mapping[str, Any]
) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(where, value, "keys and values", "write 'key: value' lines under it", origin)
    for key in value:
        if not isinstance(key, str):
            raise _wrong(where, key, "a key that is a word", f"quote it: '{key}'", origin)
    return {key: _value(hint, item, _join(where, key), origin, metadata) for key, item in value.items()}


def _scalar(hint: Any, value: Any, where: str, origin: Origin, metadata: Mapping[str, Any]) -> Any:
    if hint is Any:
        return value
    if hint is Path:
        if not isinstance(value, str | Path):
            raise _wrong(where, value, "a path", f"quote it: '{value}'", origin)
        return Path(value)
    if hint not in (bool, int, float, str, type(None)):
        raise TypeError(f"the config field '{where}' has a type that recipes cannot hold: {hint}")
    whole = isinstance(value, int) and not isinstance(value, bool)
    if hint is float and (whole or isinstance(value, float)):
        if not abs(value) <= sys.float_info.max:
            raise _wrong(where, value, "a finite number", "leave the key out for its default", origin)
        value = float(value)
    elif type(value) is not hint:
        raise _wrong(where, value, _KINDS[hint], _remedy(hint, value), origin)
    _check_bounds(value, where, origin, metadata)
    return value


_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text", type(None): "null"}


def _remedy(hint: Any, value: Any) -> str:
    if hint is int and isinstance(value, float) and value.is_integer():
        return f"write {int(value)}"
    if hint is str:
        return f"quote it: '{value}'"
    if isinstance(value, str):
        return (
            "remove the quotes"
            if value.strip().lower() in ("true", "false") or _numeric(value)
            else "write one"
        )
    return "write one"


def _numeric(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _check_bounds(value: Any, where: str, origin: Origin, metadata: Mapping[str, Any]) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    low, high = metadata.get("low"), metadata.get("high")
    meaning = f" ({metadata['help']})" if metadata.get("help") else ""
    if low is not None and value < low:
        raise _wrong(where, value, f"at least {low}", f"raise it{meaning}", origin)
    if high is not None and value > high:
        raise _wrong(where, value, f"at most {high}", f"lower it{meaning}", origin)


def _wrong(where: str, value: Any, expected: str, remedy: str, origin: Origin) -> ConfigError:
    shown = f"{value!r} ({type(value).__name__})"
    return ConfigError(f"'{where}' is {shown}, expected {expected}: {remedy}{_at(where, origin)}")


def _at(where: str, origin: Origin) -> str:
    """The place that a message ends with; for a group of keys, that of its first one."""
    place = origin_of(where, origin)
    if place == DEFAULT:
        place = next((origin[key] for key in origin if key.startswith(f"{where}.")), DEFAULT)
    return "" if place == DEFAULT else f" ({place})"


def _join(where: str, key: object) -> str:
    return f"{where}.{key}" if where else str(key)


def _names(cls: Any) -> list[str]:
    return [field.name for field in dataclasses.fields(cls) if field.init]
