"""Where each tensor of the merged model comes from, by the recipe's layout."""

from collections.abc import Iterable

from bloomery.core.errors import ConfigError
from bloomery.forge.merging.dfs import alternating, dfs
from bloomery.forge.merging.frankenmerge import blocks, frankenmerge
from bloomery.forge.merging.layers import MERGED, Origin, depth_of
from bloomery.forge.merging.recipe import MergeRecipe


def arrangement(recipe: MergeRecipe, names: Iterable[str], parents: int) -> dict[str, Origin]:
    """For each tensor of the merged model, in order: the parent (or MERGED) and the name that it has there.

    Raises: ConfigError, FormatRefused where the layout does not fit these layers.
    """
    names = list(names)
    outside = MERGED if len(recipe.methods) > 1 else 0
    if recipe.layout == "frankenmerge":
        sources = recipe.sources or blocks(depth_of(names), parents)
        return frankenmerge(names, sources=sources, outside=outside)
    if recipe.layout == "dfs":
        return dfs(names, path=path_of(recipe, depth_of(names), parents), outside=outside)
    return {name: Origin(MERGED, name) for name in names}


def path_of(recipe: MergeRecipe, depth: int, parents: int) -> tuple[tuple[int, int], ...]:
    """The (source, layer) pairs that tokens walk in the merged model, for dfs."""
    return recipe.path or alternating(depth, parents, merged=len(recipe.methods) > 1)


def check_depth(recipe: MergeRecipe, names: Iterable[str]) -> None:
    """Raises: ConfigError unless there is a row of layer weights for each layer, or none at all."""
    if recipe.layer_weights and len(recipe.layer_weights) != (depth := depth_of(names)):
        raise ConfigError(
            f"{len(recipe.layer_weights)} rows of layer_weights for {depth} layers: give one a layer"
        )
