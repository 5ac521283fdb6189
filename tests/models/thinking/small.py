"""Two small models in float64, one that attends alone and one with a memory, and texts to think about."""

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from bloomery.models.configuration_cognate import cognate_tiny
from bloomery.models.modeling_cognate import CognateForCausalLM
from bloomery.models.thinking.layout import Spots, Texts

WORDS, START, END = 20, 18, 19
SIZES = {"hidden_size": 16, "intermediate_size": 24, "num_attention_heads": 2, "num_hidden_layers": 2}


def llama(**changes):
    torch.manual_seed(0)
    config = LlamaConfig(vocab_size=WORDS, num_key_value_heads=1, **SIZES, **changes)
    return spread(LlamaForCausalLM(config))


def cognate():
    torch.manual_seed(0)
    memory = {"memory_size": 8, "memory_chunk": 4, "sliding_window": 5}
    return spread(CognateForCausalLM(cognate_tiny(vocab_size=WORDS, **SIZES, **memory)))


def spread(model):
    """Weights so large that every token seen changes the logits far above rounding."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.copy_(torch.randn_like(parameter) * 0.5)
    return model.double().eval()


MODELS = {"llama": llama, "cognate": cognate}


def two_texts():
    """Of 9 and of 6 tokens."""
    ids = torch.randint(1, 18, (2, 9), generator=torch.Generator().manual_seed(3))
    mask = torch.tensor([[1] * 9, [1] * 6 + [0] * 3])
    return Texts(ids * mask, mask)


def six_spots():
    """Two at one place, one at a text's end, and three in the shorter text."""
    return Spots(torch.tensor([0, 0, 0, 1, 1, 1]), torch.tensor([2, 2, 8, 0, 3, 5]))
