"""YAML in which each value is JSON on one line: quick to read, and each fault has its line.

key: "value"
many:
  - {"an": "item"}
group:
  key: 3
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from bloomery.core.errors import FormatRefused

LINE = re.compile(r"(?P<indent> *)(?:- (?P<item>.+)|(?P<key>[a-z_]+):(?: (?P<value>.+))?)")
STEP = 2


def written(values: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """The lines of a mapping, its keys sorted; a mapping in it is a group, one in a list is JSON."""
    for key in sorted(values):
        value = values[key]
        if isinstance(value, Mapping):
            yield f"{indent}{key}:"
            yield from written(value, indent + " " * STEP)
        elif isinstance(value, list) and value:
            yield f"{indent}{key}:"
            yield from (f"{indent}{' ' * STEP}- {_json(item)}" for item in value)
        else:
            yield f"{indent}{key}: {_json(value)}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def read(block: list[str], first: int, path: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The values of such lines, with one level of groups, and the place of each by its dotted name.

    Raises: FormatRefused with the line of what is of another form, no JSON, or given twice.
    """
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    group, opened = "", ""  # where keys go, and the key of which items may follow
    for number, line in enumerate(block, first):
        here = f"{path}:{number}"
        match = LINE.fullmatch(line)
        indent = len(match["indent"]) if match else -1
        if match and match["item"] and opened and indent == STEP * (opened.count(".") + 1):
            items = _listed(values, opened, here)
            origin[f"{opened}.{len(items)}"] = here
            items.append(_parsed(match["item"], here))
            continue
        if match and match["key"] and indent == STEP and opened and not group and opened not in values:
            group = opened
            values[group] = {}
        if not match or not match["key"] or indent not in (0, STEP if group else 0):
            raise FormatRefused(f"{here}: expected `key: value` or `- item` with JSON as its value")
        group = group if indent else ""
        name = f"{group}.{match['key']}" if group else match["key"]
        if name in origin:
            raise FormatRefused(f"{here}: metadata: '{name}' is given twice")
        origin[name] = here
        opened = name if match["value"] is None else ""
        if match["value"] is not None:
            _place(values, name)[match["key"]] = _parsed(match["value"], here)
    for name, here in origin.items():
        owner, _, key = name.rpartition(".")
        if not key.isdigit() and key not in (values[owner] if owner else values):
            raise FormatRefused(f"{here}: metadata: nothing follows '{name}:'")
    return values, origin


def _place(values: dict[str, Any], name: str) -> dict[str, Any]:
    """The mapping that holds this name."""
    group, _, _ = name.rpartition(".")
    return values[group] if group else values


def _listed(values: dict[str, Any], name: str, here: str) -> list[Any]:
    """The list of this name, begun where it is not there yet."""
    held = _place(values, name).setdefault(name.rpartition(".")[2], [])
    if not isinstance(held, list):
        raise FormatRefused(f"{here}: metadata: an item among the keys of '{name}'")
    return held


def _parsed(text: str, here: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once)
    except ValueError as error:
        raise FormatRefused(f"{here}: metadata: this is no JSON: {error}") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found
