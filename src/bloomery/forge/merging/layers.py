"""Which tensors of a model belong to which of its layers, told by their names."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from bloomery.core.errors import FormatRefused

MERGED = -1  # the source that stands for the result of the methods before
_NUMBERED = re.compile(r"^(.*?)(?:^|(?<=\.))(\d+)\.(.+)$")


class Origin(NamedTuple):
    """Where a tensor of an arranged model comes from: parent (or MERGED) and its name there."""

    source: int
    name: str


class Layered(NamedTuple):
    """A tensor's place in a stack of layers: `prefix` + layer + "." + `rest` is its name."""

    prefix: str
    layer: int
    rest: str


def stack_of(names: Iterable[str]) -> dict[str, Layered]:
    """The tensors that lie in the model's stack of layers, as `model.layers.3.mlp.up_proj.weight` does.

    The stack is the outermost numbered list with the most tensors. Raises: FormatRefused if there is none.
    """
    found = {name: Layered(m[1], int(m[2]), m[3]) for name in names if (m := _NUMBERED.match(name))}
    if not found:
        raise FormatRefused(
            "no tensor's name has a layer's number in it (as in 'layers.3.mlp.weight'): there are no layers"
        )
    prefix, _ = Counter(place.prefix for place in found.values()).most_common(1)[0]
    return {name: place for name, place in found.items() if place.prefix == prefix}


def depth_of(names: Iterable[str]) -> int:
    """How many layers a model has. Raises: FormatRefused if it has none."""
    return 1 + max(place.layer for place in stack_of(names).values())


def layer_of(names: Iterable[str]) -> Mapping[str, int]:
    """The layer of each tensor that lies in one; a model without layers has none."""
    names = list(names)
    try:
        return {name: place.layer for name, place in stack_of(names).items()}
    except FormatRefused:
        return {}


def walk(names: Iterable[str], path: Iterable[tuple[int, int]], outside: int) -> dict[str, Origin]:
    """The tensors of a model whose layer i is the i-th (source, layer) of `path`; the rest is `outside`'s."""
    names = list(names)
    stack = stack_of(names)
    within: dict[int, list[tuple[str, Layered]]] = {}
    for name, place in stack.items():
        within.setdefault(place.layer, []).append((name, place))
    arranged = {name: Origin(outside, name) for name in names if name not in stack}
    for step, (source, layer) in enumerate(path):
        for name, place in within.get(layer, ()):
            arranged[f"{place.prefix}{step}.{place.rest}"] = Origin(source, name)
    return arranged
