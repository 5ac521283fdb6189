"""Swapping a model's linear layers for ternary ones, in place, and turning up the quantized share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase

import torch
from torch import nn

from .packed_linear import PackedTernaryLinear
from .ternary import Scaling, TernaryLinear


def convert(
    model: nn.Module,
    *,
    skip: Sequence[str] = (),
    share: float = 1.0,
    threshold: float = 0.5,
    per_row: bool = False,
    scaling: Scaling = "absmean",
) -> list[str]:
    """Make every `nn.Linear` a `TernaryLinear` of the same parameters; returns the names of those it changed.

    Parameters stay the same objects under the same names, so optimizers, tied weights and checkpoints hold.
    `skip` holds patterns of module names as `fnmatch` reads them, such as "lm_head" or "embedding.*".

    Raises: ValueError for a pattern that no linear layer matches, or where nothing is left to convert.
    """
    found = [name for name, module in _places(model) if type(module) is nn.Linear]
    for pattern in skip:
        if not any(fnmatchcase(name, pattern) for name in found):
            raise ValueError(f"no linear layer is named {pattern!r}; there are {', '.join(found) or 'none'}")
    chosen = [name for name in found if name and not any(fnmatchcase(name, pattern) for pattern in skip)]
    if not chosen:
        raise ValueError("no linear layer inside the model is left to make ternary")

    def ternary(layer: nn.Linear) -> TernaryLinear:
        with torch.device("meta"):
            made = TernaryLinear(
                layer.in_features, layer.out_features, layer.bias is not None,
                share=_checked(share), threshold=threshold, per_row=per_row, scaling=scaling,
            )  # fmt: skip
        made.weight, made.bias = layer.weight, layer.bias
        return made.train(layer.training)

    _replace(model, chosen, ternary)
    return chosen


def ternary_layers(model: nn.Module) -> dict[str, TernaryLinear]:
    """The layers that `convert` made, by name; a layer in two places stands once."""
    return {name: module for name, module in model.named_modules() if isinstance(module, TernaryLinear)}


def set_share(model: nn.Module, share: float) -> None:
    """Quantize this share, from 0 to 1, in every ternary layer."""
    for layer in ternary_layers(model).values():
        layer.share = _checked(share)


def pack_layers(model: nn.Module) -> list[str]:
    """Make every `TernaryLinear` a `PackedTernaryLinear`, which computes the same bits as at share 1."""
    names = [name for name, module in _places(model) if isinstance(module, TernaryLinear)]
    _replace(model, names, PackedTernaryLinear.from_ternary)
    return names


def _places(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Every name of every module: one that stands in two places has two."""
    return model.named_modules(remove_duplicate=False)


def _checked(share: float) -> float:
    if not 0 <= share <= 1:
        raise ValueError(f"the quantized share is from 0 to 1, got {share}")
    return share


def _replace(model: nn.Module, names: Sequence[str], make: Callable[..., nn.Module]) -> None:
    """A module in several places stays one module."""
    made: dict[int, nn.Module] = {}
    found = {name: model.get_submodule(name) for name in names}
    for name, old in found.items():
        if id(old) not in made:
            made[id(old)] = make(old)
        model.set_submodule(name, made[id(old)])
