"""Small families of models for the tests of merging: tensors by name, and tiny Llamas in folders."""

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from bloomery.forge.folders import save_model
from bloomery.tasks.tokenizer import train_tokenizer

SHAPES = {
    "embed.weight": (7, 6), "layers.0.up.weight": (8, 6), "layers.0.up.bias": (8,),
    "layers.1.up.weight": (8, 6), "layers.1.up.bias": (8,), "norm.weight": (6,),
}  # fmt: skip


def random_model(seed, dtype=torch.float32, shapes=SHAPES):
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(shape, generator=generator).to(dtype) for name, shape in shapes.items()}


def specialists(count, dtype=torch.float32, shapes=SHAPES):
    """A base and so many models near it."""
    base = random_model(0, dtype, shapes)
    moved = [random_model(1 + number, dtype, shapes) for number in range(count)]
    return base, [{name: base[name] + 0.1 * model[name] for name in base} for model in moved]


def equal(one, other):
    """Whether two models have the same tensors to the bit, in whatever order."""
    return set(one) == set(other) and all(
        torch.equal(one[k], other[k]) and one[k].dtype == other[k].dtype for k in one
    )


def tiny_llama(folder, *, seed=0, near=None, dtype=torch.float32, **changes):
    """A random Llama of two layers in a folder; `near` a folder, the sum of that model and a little."""
    tokenizer = train_tokenizer([], 259)
    torch.manual_seed(seed)
    sizes = {
        "vocab_size": 259, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 64, **changes,
    }  # fmt: skip
    model = LlamaForCausalLM(LlamaConfig(**sizes, bos_token_id=1, eos_token_id=2, pad_token_id=0))
    if near is not None:
        start = LlamaForCausalLM.from_pretrained(near).state_dict()
        model.load_state_dict({name: start[name] + 0.1 * x for name, x in model.state_dict().items()})
    save_model(model.to(dtype), tokenizer, folder)
    return folder
