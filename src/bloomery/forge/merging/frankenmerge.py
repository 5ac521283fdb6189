"""FrankenMerge: each layer comes whole from one model, at the depth where it stood."""

from collections.abc import Iterable, Sequence

from bloomery.core.errors import ConfigError
from bloomery.forge.merging.layers import Origin, depth_of, walk


def frankenmerge(names: Iterable[str], *, sources: Sequence[int], outside: int) -> dict[str, Origin]:
    """Which model each tensor comes from when layer i is `sources[i]`'s; the rest is `outside`'s.

    Differs: frankenmerges as they are shared on the web stack overlapping ranges and grow deeper; with a
    path, `dfs` does that.
    Raises: ConfigError unless there is one source a layer; FormatRefused for names without layers.
    """
    names = list(names)
    depth = depth_of(names)
    if len(sources) != depth:
        raise ConfigError(f"{len(sources)} sources for {depth} layers: frankenmerge takes one a layer")
    return walk(names, zip(sources, range(depth), strict=True), outside)


def blocks(depth: int, parents: int) -> tuple[int, ...]:
    """As many layers of each parent as of the next, in contiguous blocks: the usual frankenmerge."""
    return tuple(layer * parents // depth for layer in range(depth))
