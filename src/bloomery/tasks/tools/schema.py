"""JSON Schema, as much of it as the arguments of a tool need; a word that is not known here is an error."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
WORDS = {"type", "description", "enum", "minimum", "maximum", "minLength", "maxLength", "items"}
OF_OBJECTS = {"properties", "required", "additionalProperties"}


def check_schema(schema: Mapping[str, Any], where: str = "schema") -> None:
    """Raises: ValueError for a schema that says what nothing here would look at."""
    unknown = sorted(set(schema) - WORDS - OF_OBJECTS)
    if unknown:
        known = ", ".join(sorted(WORDS | OF_OBJECTS))
        raise ValueError(f"{where} says {', '.join(unknown)}, which is not looked at; it may say {known}")
    if schema.get("type") not in TYPES:
        raise ValueError(f"{where} has type {schema.get('type')!r}, expected one of {', '.join(TYPES)}")
    if not isinstance(schema.get("additionalProperties", True), bool):
        raise ValueError(f"{where}: additionalProperties is a schema, expected true or false")
    for name, inner in schema.get("properties", {}).items():
        check_schema(inner, f"{where}.{name}")
    if "items" in schema:
        check_schema(schema["items"], f"{where}[]")


def violation(value: Any, schema: Mapping[str, Any], where: str = "arguments") -> str | None:
    """The first thing that is wrong with a value, or nothing.

    Differs: 1.0 is a number and no integer, so that each integer is written in one way.
    """
    return next(_violations(value, schema, where), None)


def _violations(value: Any, schema: Mapping[str, Any], where: str) -> Iterator[str]:
    if not _is(value, schema["type"]):
        yield f"{where} is {_shown(value)}, expected {schema['type']}"
        return
    if "enum" in schema and not any(_same(value, one) for one in schema["enum"]):
        yield f"{where} is {_shown(value)}, expected one of {', '.join(map(_shown, schema['enum']))}"
    yield from _bounds(value, schema, where)
    if isinstance(value, dict):
        yield from _members(value, schema, where)
    if isinstance(value, list) and "items" in schema:
        for place, item in enumerate(value):
            yield from _violations(item, schema["items"], f"{where}[{place}]")


def _bounds(value: Any, schema: Mapping[str, Any], where: str) -> Iterator[str]:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return
    size, what, names = value, "", ("minimum", "maximum")
    if isinstance(value, str):
        size, what, names = len(value), " characters", ("minLength", "maxLength")
    low, high = (schema.get(name) for name in names)
    if low is not None and size < low:
        yield f"{where} is {size}{what}, expected at least {low}"
    if high is not None and size > high:
        yield f"{where} is {size}{what}, expected at most {high}"


def _members(value: dict[str, Any], schema: Mapping[str, Any], where: str) -> Iterator[str]:
    properties = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{where} has no '{name}'"
    for name, item in value.items():
        if name in properties:
            yield from _violations(item, properties[name], f"{where}.{name}")
        elif schema.get("additionalProperties") is False:
            yield f"{where} has '{name}', expected only {', '.join(properties)}"


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _same(value: Any, other: Any) -> bool:
    return value == other and isinstance(value, bool) == isinstance(other, bool)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:37]}..."
