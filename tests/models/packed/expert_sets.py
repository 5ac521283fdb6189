"""Experts drawn at random, to be put beside a model."""

import torch

from bloomery.models.packed.dispatching import Dispatcher, prompt_features
from bloomery.models.packed.experts import ExpertSet, stored
from bloomery.models.packed.svf import Attached, linear_layers

PROMPT = "1+2+3="


def expert_set(model, tokenizer, **changes):
    """Two experts with vectors drawn at random, and a dispatcher likewise, behind layers that they turn."""
    attached = Attached(model, dict.fromkeys(linear_layers(model)))
    ranks = attached.sizes()
    attached.remove()
    ids = torch.tensor([tokenizer.encode(PROMPT)])
    layer = [name for name in ranks if "q_proj" in name][-1]
    width = prompt_features(model, layer, ids, torch.ones_like(ids)).shape[1]
    generator = torch.Generator().manual_seed(1)
    words = {
        "names": ("one", "two"), "ranks": ranks, "mixture": torch.tensor([1.0, 0.0]),
        "deltas": stored(0.4 * torch.randn(2, sum(ranks.values()), generator=generator)),
        "strengths": torch.ones(len(ranks)),
        "dispatcher": Dispatcher(layer, torch.randn(2, width, generator=generator), torch.zeros(2)),
    }  # fmt: skip
    return ExpertSet(**{**words, **changes})
