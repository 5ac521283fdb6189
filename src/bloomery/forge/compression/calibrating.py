"""What a model's linear layers are fed: the second moments of their inputs, by which coders weigh errors."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from bloomery.core.errors import UserError

TOKENS_A_COLUMN = (
    2  # fewer, and the second moment of so many inputs says more of the sample than of the layer
)


def second_moments(model: PreTrainedModel, batches: Iterable[Tensor]) -> dict[str, Tensor]:
    """For each linear layer, by its weight's name, the mean of x x^T over its inputs, in float64.

    Shapes: batches of token ids (B, T) -> (in_features, in_features).
    Source: GPTQ, arXiv 2210.17323, section 3 (H = 2 X X^T, here without the 2 and as a mean).
    Raises: UserError where a layer saw too few tokens.
    """
    layers = {name: layer for name, layer in model.named_modules() if isinstance(layer, nn.Linear)}
    sums = {name: torch.zeros(layer.in_features, layer.in_features, dtype=torch.float64)
            for name, layer in layers.items()}  # fmt: skip
    seen = dict.fromkeys(layers, 0)

    def watch(name: str) -> torch.utils.hooks.RemovableHandle:
        def add(_layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            x = inputs[0].detach().reshape(-1, sums[name].shape[0]).double()
            sums[name] += x.T @ x
            seen[name] += len(x)

        return layers[name].register_forward_pre_hook(add)

    handles = [watch(name) for name in layers]
    try:
        with torch.inference_mode():
            for ids in batches:
                model(input_ids=ids, use_cache=False)
    finally:
        for handle in handles:
            handle.remove()
    _check(layers, seen)
    return {f"{name}.weight": sums[name] / seen[name] for name in layers if seen[name]}


def _check(layers: dict[str, nn.Linear], seen: dict[str, int]) -> None:
    """A layer that is read as a matrix is never called; its errors count as they are."""
    for name, layer in layers.items():
        if 0 < seen[name] < (needed := TOKENS_A_COLUMN * layer.in_features):
            raise UserError(
                f"the calibration set is too small: {name} has {layer.in_features} inputs and saw "
                f"{seen[name]} tokens, at least {needed} are needed; give more examples"
            )
