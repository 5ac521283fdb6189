"""A small causal language model of every kind that the library has, in evaluation mode."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch

from bloomery.models.causal_model import CausalModel
from bloomery.models.configuration_cognate import CognateConfig
from bloomery.models.configuration_hope import HopeConfig
from bloomery.models.configuration_titans import VARIANTS, TitansConfig
from bloomery.models.modeling_cognate import CognateForCausalLM
from bloomery.models.modeling_hope import HopeForCausalLM
from bloomery.models.modeling_titans import TitansForCausalLM

VOCABULARY = 61
COGNATE = {
    "vocab_size": VOCABULARY, "embedding_rank": 8, "hidden_size": 32, "num_hidden_layers": 2,
    "num_attention_heads": 2, "intermediate_size": 48, "sliding_window": 6, "memory_size": 16,
    "memory_heads": 2, "memory_chunk": 4, "gate_hidden": 16, "pad_token_id": 0, "bos_token_id": 1,
}  # fmt: skip
HOPE: dict[str, dict[str, Any]] = {
    "hope": {"memory_chunk": 6, "memory_heads": 2, "generator_chunk": 12},
    "hope independent": {
        "cms_variant": "independent",
        "memory_options": {"read": "after", "adaptive_query": True},
    },
    "hope attention": {"mixer": "attention"},
    "hope in context": {"memory_chunk": 6, "cms_rates": [0.02, 0.01], "cms_variant": "nested"},
}
ANY_MIRAS = {"bias": {"name": "lp", "p": 2.5}, "retention": "elastic_net"}


class Kind(NamedTuple):
    """How a model is made, whether it takes padding, and whether its loss is that of the labels alone."""

    make: Callable[[], CausalModel]
    pads: bool = True
    plain_loss: bool = True


def ids(rows: int = 2, steps: int = 13) -> torch.Tensor:
    return torch.randint(2, VOCABULARY, (rows, steps), generator=torch.Generator().manual_seed(1))


def cognate(**changes: Any) -> CognateForCausalLM:
    """Two layers of width 32, window 6; halting scores are spread out."""
    torch.manual_seed(0)
    model = CognateForCausalLM(CognateConfig(**{**COGNATE, **changes})).eval()
    torch.nn.init.normal_(model.halting.score.weight, std=0.3)
    return model


def halting(**changes: Any) -> CognateForCausalLM:
    """In float64; half of the tokens halt early."""
    model = cognate(**changes).double()
    q = model(ids(), recursion_steps=1).halt_probabilities.flatten().sort().values
    model.config.halt_threshold = q[len(q) // 2 : len(q) // 2 + 2].mean().item()
    return model


def titans(variant: str, memory: str = "titans", **options: Any) -> TitansForCausalLM:
    """Two layers of width 32 in float64, so that no tie in the last bits decides a token."""
    torch.manual_seed(0)
    model = TitansForCausalLM(TitansConfig(
        variant=variant, memory=memory, vocab_size=VOCABULARY, embedding_rank=16, hidden_size=32,
        intermediate_size=48, segment_size=5, sliding_window=6, memory_chunk=5,
        memory_heads=2, memory_size=16, pad_token_id=0, memory_options=options,
    )).double().eval()  # fmt: skip
    moved(model)
    with torch.no_grad():
        for layer in model.layers:  # or each token would be followed by itself
            layer.feedforward.down_proj.weight.mul_(6.0)
    return model


def hope(**changes: Any) -> HopeForCausalLM:
    """Two layers of width 16 in float64, so that no tie in the last bits decides a token."""
    torch.manual_seed(0)
    sizes = {"embedding_rank": 16, "hidden_size": 16, "cms_size": 24, "cms_chunks": (8, 4)}
    config = HopeConfig(vocab_size=VOCABULARY, **sizes, pad_token_id=0, **changes)
    model = HopeForCausalLM(config).double().eval()
    moved(model)
    with torch.no_grad():
        for layer in model.layers:  # or each token would be followed by itself
            for up, down in zip(layer.cms.up, layer.cms.down, strict=True):
                up.weight.mul_(2.0)
                down.weight.mul_(4.0)
    return model


@torch.no_grad()
def moved(model: torch.nn.Module) -> None:
    """Every parameter away from where it begins."""
    for parameter in model.parameters():
        parameter.add_(0.1 * torch.randn_like(parameter))


KINDS = {
    **{f"titans {variant}": Kind(partial(titans, variant)) for variant in VARIANTS},
    "titans lmm moneta": Kind(partial(titans, "lmm", "moneta")),
    "titans mac yaad": Kind(partial(titans, "mac", "yaad")),
    "titans mag memora": Kind(partial(titans, "mag", "memora")),
    "titans lmm miras": Kind(partial(titans, "lmm", "miras", **ANY_MIRAS)),
    **{name: Kind(partial(hope, **given), pads="cms_rates" not in given) for name, given in HOPE.items()},
    **{
        f"cognate {memory}": Kind(partial(halting, memory=memory), plain_loss=False)
        for memory in ("titans", "exponential", "none")
    },
}
