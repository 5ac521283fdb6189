"""GGUF files read by transformers in this process: what another process does, without the wait."""

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from bloomery.forge.exporting.gguf_tokenizer import PROBES
from bloomery.forge.exporting.plain import logits_of


def model_in(path):
    return AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32).eval()


def tokenizer_in(path):
    return AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)


def read_here(path, rows):
    tokenizer = tokenizer_in(path)
    return logits_of(model_in(path), rows), [tokenizer.encode(text) for text in PROBES]
