"""Texts that a model writes itself, drawn from its distribution at a temperature."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core.errors import ConfigError
from bloomery.tasks.accuracy import evaluating
from bloomery.tasks.batches import pad_id
from bloomery.tasks.tokenizer import begin, encode


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
            rows = _added(model, tokenizer, [ids[place] for place in some], max_new_tokens, temperature)
            cut = [_until(row, tokenizer.eos_token_id, keep_end) for row in rows]
            added |= dict(zip(some, cut, strict=True))
    return [added[place] for place in range(len(ids))]


def texts_of(tokenizer: PreTrainedTokenizerBase, rows: Sequence[Sequence[int]]) -> list[str]:
    """What the ids say; special tokens are no text."""
    return [str(tokenizer.decode(list(row), skip_special_tokens=True)) for row in rows]


def _added(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[list[int]],
    max_new_tokens: int,
    temperature: float,
) -> list[list[int]]:
    device, pad, longest = next(model.parameters()).device, pad_id(tokenizer), max(map(len, prompts))
    ids = torch.tensor([[pad] * (longest - len(one)) + one for one in prompts], device=device)
    mask = torch.tensor([[0] * (longest - len(one)) + [1] * len(one) for one in prompts], device=device)
    generate: Callable[..., Any] = model.generate  # type: ignore[assignment]
    output = generate(
        input_ids=ids, attention_mask=mask, do_sample=True, temperature=temperature, top_k=0, top_p=1.0,
        max_new_tokens=max_new_tokens, pad_token_id=pad, eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    rows: list[list[int]] = output[:, longest:].tolist()
    return rows


def _forked(model: PreTrainedModel) -> list[int]:
    """The GPU whose random state is put back beside the CPU's."""
    device = next(model.parameters()).device
    return [device.index or 0] if device.type == "cuda" else []


def _until(ids: list[int], eos: int | None, keep_end: bool) -> list[int]:
    return ids[: ids.index(eos) + keep_end] if eos in ids else ids
