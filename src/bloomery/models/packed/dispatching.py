"""The first of two passes: which expert a prompt belongs to, from what one layer reads of it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn


class Dispatcher(NamedTuple):
    """A linear classifier over what `layer` is given.

    Shapes: weight (N, 2 K), bias (N,).
    """

    layer: str
    weight: Tensor
    bias: Tensor

    def probabilities(self, features: Tensor) -> Tensor:
        """Shapes: (B, 2 K) -> (B, N)."""
        return (features.double() @ self.weight.double().mT + self.bias.double()).softmax(-1)


def prompt_features(model: nn.Module, layer: str, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
    """What `layer` is first given of each prompt: its mean over the tokens, and the last token's.

    Shapes: input_ids, attention_mask (B, T) -> (B, 2 K) float32.
    Raises: ValueError where the layer is not called, or not with the tokens of the prompts in their order.
    """
    seen: list[Tensor] = []
    handle = model.get_submodule(layer).register_forward_pre_hook(
        lambda _, given: None if seen else seen.append(given[0].detach())
    )
    try:
        with torch.no_grad():
            model(input_ids=input_ids, attention_mask=attention_mask, use_cache=False)
    finally:
        handle.remove()
    if not seen or seen[0].shape[:-1] != input_ids.shape:
        raise ValueError(f"layer {layer!r} is not given a prompt's tokens one by one; name another layer")
    x, real = seen[0].float(), attention_mask[..., None].to(seen[0].device)
    places = torch.arange(1, input_ids.shape[1] + 1, device=attention_mask.device)
    last = (attention_mask * places).argmax(dim=1).to(x.device)
    mean = (x * real).sum(dim=1) / real.sum(dim=1)
    return torch.cat([mean, x[torch.arange(len(x), device=x.device), last]], dim=-1)
