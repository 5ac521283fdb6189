"""One tensor of a merge: what the whole-model merges, in memory and in folders, both call."""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from bloomery.core.errors import FormatRefused
from bloomery.forge.merging.dare import dare
from bloomery.forge.merging.linear import linear
from bloomery.forge.merging.recipe import MergeRecipe
from bloomery.forge.merging.slerp import slerp_all
from bloomery.forge.merging.ties import ties

Weights = tuple[float, ...]
Operator = Callable[[MergeRecipe, str, Weights, Tensor | None, Sequence[Tensor]], Tensor]


def _linear(recipe: MergeRecipe, name: str, w: Weights, base: Tensor | None, xs: Sequence[Tensor]) -> Tensor:
    return linear(xs, weights=w, normalize=recipe.normalize)


def _slerp(recipe: MergeRecipe, name: str, w: Weights, base: Tensor | None, xs: Sequence[Tensor]) -> Tensor:
    return slerp_all(xs, weights=w)


def _ties(recipe: MergeRecipe, name: str, w: Weights, base: Tensor | None, xs: Sequence[Tensor]) -> Tensor:
    assert base is not None  # the recipe's check_parents saw to it
    return ties(base, xs, weights=w, density=recipe.kept, normalize=recipe.normalize, lam=recipe.lam)


def _dare(recipe: MergeRecipe, name: str, w: Weights, base: Tensor | None, xs: Sequence[Tensor]) -> Tensor:
    assert base is not None  # the recipe's check_parents saw to it
    return dare(
        base, xs, weights=w, density=recipe.kept, rescale=recipe.rescale,
        elect_signs=recipe.elect_signs, lam=recipe.lam, generator=stream(recipe.seed, name),
    )  # fmt: skip


OPERATORS: Mapping[str, Operator] = {"linear": _linear, "slerp": _slerp, "ties": _ties, "dare": _dare}


def merge_tensor(
    recipe: MergeRecipe, name: str, layer: int | None, parents: Mapping[str, Tensor], base: Tensor | None
) -> Tensor:
    """The recipe's blend and sparse method on one tensor of each model, in the first one's type.

    `parents` are the models' tensors by what messages call the models, in order. What is not floating point
    (counters, masks) is not merged: it is the first one's, and all must agree on it.
    Raises: FormatRefused naming the tensor, for values that disagree, are not finite or do not fit.
    """
    first, *_ = parents.values()
    if not first.is_floating_point():
        return _agreed(name, parents)
    _check_finite(name, parents, base)
    weights = recipe.weights_of(layer, len(parents))
    kind = torch.promote_types(first.dtype, torch.float32)
    wide = [parent.detach().to(kind) for parent in parents.values()]
    merged = base
    for method in recipe.methods:
        if method in OPERATORS:
            merged = OPERATORS[method](recipe, name, weights, merged, wide)
    assert merged is not None  # a recipe has such a method, or its layout takes tensors from parents alone
    return _narrowed(name, merged, first.dtype)


def copy_tensor(name: str, model: str, tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """A parent's own tensor, in this type. Raises: FormatRefused if it is not finite."""
    if tensor.is_floating_point() and not is_finite(tensor):
        raise _not_finite(name, model)
    return _narrowed(name, tensor.detach().clone(), dtype)


def stream(seed: int, name: str) -> torch.Generator:
    """The random numbers of one tensor, the same whatever is merged before or after it."""
    digest = hashlib.blake2b(f"{seed}\0{name}".encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)


def is_finite(tensor: Tensor) -> bool:
    """Whether no entry is NaN or infinite. A sum that is finite says so in one quick pass."""
    quick = math.isfinite(float(tensor.detach().sum(dtype=torch.promote_types(tensor.dtype, torch.float32))))
    return quick or bool(torch.isfinite(tensor).all())


def _check_finite(name: str, parents: Mapping[str, Tensor], base: Tensor | None) -> None:
    for model, tensor in {**parents, **({} if base is None else {"the base": base})}.items():
        if not is_finite(tensor):
            raise _not_finite(name, model)


def _not_finite(name: str, model: str) -> FormatRefused:
    return FormatRefused(
        f"{name} of {model} holds NaN or infinite weights: that model is broken, leave it out"
    )


def _narrowed(name: str, tensor: Tensor, dtype: torch.dtype) -> Tensor:
    narrow = tensor.to(dtype)
    if dtype.is_floating_point and not is_finite(narrow):
        raise FormatRefused(
            f"{name} grew beyond what {dtype} can hold: lower lam or the weights, or merge in a wider type"
        )
    return narrow


def _agreed(name: str, parents: Mapping[str, Tensor]) -> Tensor:
    (first, value), *others = parents.items()
    for model, tensor in others:
        if tensor.dtype != value.dtype or not torch.equal(tensor, value):
            raise FormatRefused(
                f"{name} holds {value.dtype}, which has no mean, and {model} differs from {first}"
            )
    return value.clone()
