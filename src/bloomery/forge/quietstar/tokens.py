"""Two tokens between which a model thinks, added to any causal language model and its tokenizer."""

from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core.errors import FormatRefused

START, END = "<|thought|>", "<|/thought|>"
NOISE = 0.1  # of the known embeddings' standard deviation


def add_thought_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, seed: int) -> None:
    """Makes room for the tokens and begins them near the mean of all others; does nothing where they are.

    The logits of the known tokens stay as they were, where no thought stands before them: to the bit, as far
    as a matrix product adds in the same order whatever its width.
    Source: J. Hewitt, Initializing new word embeddings for pretrained language models, 2021
    Differs: noise of a tenth of the known rows' deviation, instead of samples from their distribution.
    """
    known = len(tokenizer)
    tokenizer.add_tokens([START, END], special_tokens=True)
    if len(tokenizer) > model.config.vocab_size:  # some models keep spare rows
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    generator = torch.Generator().manual_seed(seed)
    for table in _tables(model):
        _begin(table, known, len(tokenizer), generator)


def knows_thoughts(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether the tokenizer has both tokens."""
    return {START, END} <= set(tokenizer.get_vocab())


def thought_ids(tokenizer: PreTrainedTokenizerBase) -> tuple[int, int]:
    """The ids of the tokens that begin and end a thought. Raises: FormatRefused where there are none."""
    known = tokenizer.get_vocab()
    if not knows_thoughts(tokenizer):
        raise FormatRefused(
            f"the tokenizer has no {START} and {END}; add them, with their embeddings, by add_thought_tokens"
        )
    return known[START], known[END]


def _tables(model: PreTrainedModel) -> list[Tensor]:
    """The weights with a row for each token: one tensor where input and output share it."""
    head: Any = model.get_output_embeddings()
    found: list[Tensor] = [model.get_input_embeddings().weight]  # type: ignore[list-item]
    if head is not None and head.weight is not found[0]:
        found.append(head.weight)
    if getattr(head, "bias", None) is not None:
        found.append(head.bias)
    return found


@torch.no_grad()
def _begin(table: Tensor, known: int, size: int, generator: torch.Generator) -> None:
    """Shapes: table (V, D) or (V,)"""
    rows = table[:known].float()
    noise = torch.randn((size - known, *rows.shape[1:]), generator=generator)
    table[known:size] = rows.mean(0) + NOISE * rows.std() * noise.to(rows.device)
