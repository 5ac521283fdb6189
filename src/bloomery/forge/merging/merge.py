"""Whole models merged in memory."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from bloomery.forge.merging.arrangement import arrangement, check_depth
from bloomery.forge.merging.compatible import check_same_tensors
from bloomery.forge.merging.layers import MERGED, layer_of
from bloomery.forge.merging.recipe import MergeRecipe
from bloomery.forge.merging.tensorwise import copy_tensor, merge_tensor

State = Mapping[str, Tensor]


def merge(recipe: MergeRecipe, parents: Sequence[State], base: State | None = None) -> dict[str, Tensor]:
    """The merged model's tensors, each of parent 0's type; inputs stay untouched and nothing is shared.

    Tensors that are one and the same in parent 0 (tied weights) are merged once, under the name that comes
    first there, and are one and the same in the result.
    Raises: ConfigError for coefficients that do not fit these parents; FormatRefused naming the tensors that
    differ, or a tensor and the model in which it is not finite.
    """
    recipe.check_parents(len(parents), has_base=base is not None)
    base = base if recipe.needs_base else None
    _check(parents, base)
    check_depth(recipe, parents[0])
    layers, tied = layer_of(parents[0]), tied_names(parents[0])
    result: dict[str, Tensor] = {}
    plan = arrangement(recipe, parents[0], len(parents))
    for name, (source, original) in plan.items():
        if name in tied and original == name and tied[name] in result:
            result[name] = result[tied[name]]
        elif source == MERGED:
            tensors = {f"model {number}": parent[original] for number, parent in enumerate(parents)}
            anchor = base[original] if base is not None else None
            result[name] = merge_tensor(recipe, original, layers.get(original), tensors, anchor)
        else:
            dtype = parents[0][original].dtype
            result[name] = copy_tensor(original, f"model {source}", parents[source][original], dtype)
    return result


def tied_names(model: State) -> dict[str, str]:
    """Each tensor that is the same memory as an earlier one, and the earlier one's name."""
    first: dict[tuple[int, ...], str] = {}
    tied = {}
    for name, tensor in model.items():
        if tensor.numel():
            where = first.setdefault((tensor.data_ptr(), *tensor.shape, *tensor.stride()), name)
            if where != name:
                tied[name] = where
    return tied


def _check(parents: Sequence[State], base: State | None) -> None:
    models = {f"model {number}": parent for number, parent in enumerate(parents)}
    models |= {} if base is None else {"the base": base}
    check_same_tensors(
        [(name, {key: tuple(x.shape) for key, x in model.items()}) for name, model in models.items()]
    )
