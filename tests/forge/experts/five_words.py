"""A learner so small that all that it may say can be counted."""

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from bloomery.forge.experts.cells import freeze
from bloomery.models.packed.svf import Attached, linear_layers

WORDS = 5


def learner() -> tuple[LlamaForCausalLM, Attached]:
    """A frozen Llama of five words, with an expert's z away from 1."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=WORDS, **sizes, initializer_range=0.6))
    freeze(model)
    attached = Attached(model, dict.fromkeys(linear_layers(model)))
    attached.learn(0.3 * torch.randn(sum(attached.sizes().values())))
    return model, attached
