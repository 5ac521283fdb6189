"""DFS: merging in data-flow space, a path through the layers of several models (Akiba et al. 2403.13187)."""

from collections.abc import Iterable, Sequence

from bloomery.core.errors import ConfigError
from bloomery.forge.merging.layers import MERGED, Origin, depth_of, walk


def dfs(names: Iterable[str], *, path: Sequence[tuple[int, int]], outside: int) -> dict[str, Origin]:
    """Where each tensor comes from when tokens walk `path`, the (model, layer) pairs, one after another.

    Layers may be left out, repeated and reordered: the result has len(path) layers. What lies in no layer is
    `outside`'s.

    Source: akiba section 3.2 (serial paths). Differs: no scaling of a layer's input (the paper's W), which
    the models' own code could not read.
    Raises: ConfigError for an empty path or a layer that is not there; FormatRefused without layers.
    """
    names = list(names)
    depth = depth_of(names)
    if not path:
        raise ConfigError("the path of dfs is empty: give at least one (model, layer)")
    for _, layer in path:
        if not 0 <= layer < depth:
            raise ConfigError(f"the path of dfs visits layer {layer}, expected one of 0 to {depth - 1}")
    return walk(names, path, outside)


def alternating(depth: int, parents: int, *, merged: bool) -> tuple[tuple[int, int], ...]:
    """Every layer once and in order, each from the next model: the merged one before each parent, if any."""
    around = [source for parent in range(parents) for source in ([MERGED, parent] if merged else [parent])]
    return tuple((around[layer % len(around)], layer) for layer in range(depth))
