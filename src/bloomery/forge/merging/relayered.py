"""The config of a model whose layers were chosen by a path."""

from collections.abc import Mapping, Sequence
from typing import Any

from bloomery.core.errors import FormatRefused

DEPTHS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")


def relayered(config: Mapping[str, Any], path: Sequence[int], depth: int) -> dict[str, Any]:
    """The config with `path` (old layers, in new order) for its `depth` layers; unchanged for 0, 1, 2, ...

    The number of layers, `layer_types` (one entry a layer) and lists of layers (whose name ends in `_layers`,
    as Cognate's `memory_layers`) follow the path.
    Raises: FormatRefused where the config does not say its number of layers.
    """
    if list(path) == list(range(depth)):
        return dict(config)
    keys = [key for key in DEPTHS if config.get(key) == depth]
    if not keys:
        raise FormatRefused(
            f"config.json names no number of layers ({', '.join(DEPTHS)} = {depth}): "
            "only a path through all layers in order can be merged"
        )
    return {
        key: len(path) if key in keys else _followed(key, value, path, depth) for key, value in config.items()
    }


def _followed(key: str, value: Any, path: Sequence[int], depth: int) -> Any:
    if not isinstance(value, list):
        return value
    if key.endswith("_layers"):
        return [place for place, layer in enumerate(path) if layer in value]
    if key == "layer_types" and len(value) == depth:
        return [value[layer] for layer in path]
    return value
