"""Perplexity: how surprised a model is by a text."""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel


def perplexity(model: PreTrainedModel, rows: Iterable[Tensor]) -> float | None:
    """exp of the mean surprise in nats at each row's tokens after its first; None where there is no row.

    Shapes: rows (B, T) each. Comparable only between models of one tokenizer and rows of one length.
    """
    model.eval()
    nats, tokens = 0.0, 0
    with torch.inference_mode():
        for ids in rows:
            logits = model(input_ids=ids, use_cache=False).logits[:, :-1]
            nats += float(cross_entropy(logits.flatten(0, 1).double(), ids[:, 1:].flatten(), reduction="sum"))
            tokens += ids[:, 1:].numel()
    return float(torch.tensor(nats / tokens, dtype=torch.float64).exp()) if tokens else None
