"""Texts that a model writes itself, drawn from its distribution at a temperature."""

from collections.abc import Sequence

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core.errors import ConfigError
from bloomery.tasks.accuracy import evaluating
from bloomery.tasks.batches import pad_id
from bloomery.tasks.generation import continued
from bloomery.tasks.tokenizer import begin, encode, end


def sampled(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[str],
    *,
    max_new_tokens: int,
    temperature: float,
    seed: int,
    keep_end: bool = False,
    batch_size: int = 64,
) -> list[list[int]]:
    """The token ids that the model adds to each prompt, up to eos or `max_new_tokens`, by this seed alone.

    `keep_end` leaves the eos among them.

    Raises: ConfigError for a temperature of 0 or less.
    """
    if not temperature > 0:
        raise ConfigError(f"a temperature is above 0, got {temperature}; take greedy decoding instead")
    ids = [begin(tokenizer) + encode(tokenizer, prompt) for prompt in prompts]
    order = sorted(range(len(ids)), key=lambda place: len(ids[place]))
    added: dict[int, list[int]] = {}
    with evaluating(model), torch.random.fork_rng(_forked(model)):
        torch.manual_seed(seed)
        for start in range(0, len(order), batch_size):
            some = order[start : start + batch_size]
            rows = continued(
                model, [ids[place] for place in some], max_new_tokens,
                pad=pad_id(tokenizer), ends=end(tokenizer), temperature=temperature, keep_end=keep_end,
            )  # fmt: skip
            added |= dict(zip(some, rows, strict=True))
    return [added[place] for place in range(len(ids))]


def texts_of(tokenizer: PreTrainedTokenizerBase, rows: Sequence[Sequence[int]]) -> list[str]:
    """What the ids say; special tokens are no text."""
    return [str(tokenizer.decode(list(row), skip_special_tokens=True)) for row in rows]


def _forked(model: PreTrainedModel) -> list[int]:
    """The GPU whose random state is put back beside the CPU's."""
    device = next(model.parameters()).device
    return [device.index or 0] if device.type == "cuda" else []
