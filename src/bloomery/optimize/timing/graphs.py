"""Graphs among plain values: neighbours by node, lists of neighbours by number, pairs of nodes."""

from collections.abc import Sequence
from typing import Any

Link = tuple[Any, Any]


def nodes_of(value: object) -> list[Any]:
    """Its nodes in order; none where it is no graph: a list of two lists may well be one."""
    if isinstance(value, dict):
        held = list(value.values())
        if not any(held) or not all(isinstance(one, list | tuple | set | dict) for one in held):
            return []
        return list(value) if all(near in value for one in held for near in _plain(one)) else []
    if not isinstance(value, list) or not value:
        return []
    if all(map(_is_pair, value)):
        return list(dict.fromkeys(node for one in value for node in one[:2]))
    lists = all(isinstance(one, list) for one in value) and any(value)
    near = [node for one in value for node in one] if lists else []
    return list(range(len(value))) if near and all(_is_place(one, len(value)) for one in near) else []


def joined(value: Any, links: Sequence[Link]) -> Any:
    """With these links beside its own, both ways where all of its own go both ways."""
    if not links:
        return value
    if isinstance(value, list) and all(map(_is_pair, value)):
        return [*value, *(type(value[0])((*link, *value[0][2:])) for link in links)]
    held = dict(value) if isinstance(value, dict) else dict(enumerate(value))
    ways = [*links, *((b, a) for a, b in links)] if _goes_both_ways(held) else links
    for node, near in ways:
        held[node] = _with(held[node], near)
    return held if isinstance(value, dict) else [held[at] for at in range(len(value))]


def _with(held: Any, near: Any) -> Any:
    if isinstance(held, dict):
        return {**held, near: next(iter(held.values()), 1)}
    return type(held)((*held, near))


def _goes_both_ways(held: dict[Any, Any]) -> bool:
    return all(node in held[near] for node, some in held.items() for near in some)


def _plain(value: Any) -> list[Any]:
    """What it holds; None for what is no plain node."""
    return [one if isinstance(one, str | int | float) else None for one in value]


def _is_pair(value: object) -> bool:
    """Two nodes of a kind, and perhaps a weight."""
    if not isinstance(value, list | tuple) or len(value) not in (2, 3):
        return False
    return type(value[0]) is type(value[1]) and isinstance(value[0], int | str)


def _is_place(value: object, count: int) -> bool:
    return type(value) is int and 0 <= value < count
