"""Small models in folders, with random weights and a tokenizer of bytes: what the verbs are tried on."""

import torch
from transformers import AutoTokenizer

from bloomery.forge.folders import load_model, save_model
from bloomery.models.configuration_cognate import cognate_tiny
from bloomery.models.modeling_cognate import CognateForCausalLM
from bloomery.tasks.tokenizer import train_tokenizer
from tests.forge.merging.families import tiny_llama


def llama(folder):
    return tiny_llama(folder)


def tied_llama(folder):
    return tiny_llama(folder, tie_word_embeddings=True)


def cognate(folder):
    tokenizer = train_tokenizer([])
    torch.manual_seed(0)
    words = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    sizes = {"hidden_size": 16, "intermediate_size": 24, "num_attention_heads": 2, "num_hidden_layers": 2}
    model = CognateForCausalLM(cognate_tiny(vocab_size=len(tokenizer), **words, **sizes, memory_layers=[1]))
    save_model(model, tokenizer, folder)
    return folder


FOLDERS = {"llama": llama, "tied llama": tied_llama, "cognate": cognate}


def broken_llama(folder):
    """One weight is NaN."""
    model, tokenizer = load_model(tiny_llama(folder))
    with torch.no_grad():
        model.model.layers[1].mlp.up_proj.weight[0, 0] = float("nan")
    save_model(model, tokenizer, folder)
    return folder


def files_of(folder):
    """Every file's bytes by its name."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def tokenizer_of(folder):
    return AutoTokenizer.from_pretrained(folder, local_files_only=True)
