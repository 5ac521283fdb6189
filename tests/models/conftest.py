"""Small models, ready to be measured."""

import pytest
import torch

from bloomery.models.configuration_cognate import CognateConfig
from bloomery.models.modeling_cognate import CognateForCausalLM


@pytest.fixture
def make_model():
    """Builds a model of 2 layers, width 32, window 6, in evaluation mode; halting scores are spread out."""

    def make(**changes):
        numbers = {
            "vocab_size": 61, "embedding_rank": 8, "hidden_size": 32, "num_hidden_layers": 2,
            "num_attention_heads": 2, "intermediate_size": 48, "sliding_window": 6, "memory_size": 16,
            "memory_heads": 2, "memory_chunk": 4, "gate_hidden": 16, "pad_token_id": 0, "bos_token_id": 1,
        }  # fmt: skip
        torch.manual_seed(0)
        model = CognateForCausalLM(CognateConfig(**{**numbers, **changes})).eval()
        torch.nn.init.normal_(model.halting.score.weight, std=0.3)
        return model

    return make


@pytest.fixture(params=["titans", "exponential", "none"])
def model(request, make_model):
    return make_model(memory=request.param)
