"""Texts and the blocks of their thoughts, read by a causal language model, in one of two ways.

By rows: each block behind a copy of its text's first tokens. By mask: all in one sequence. The mask needs a
model that attends alone and takes a 4-D mask; rows need nothing, so that models with a memory think too.
"""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from .layout import Blocks, Spots, Texts
from .mask import causal_mask, diagonal_mask, places_of, slots_of

LEAST_AGREEMENT = 1e-3  # of the logits' spread: far above rounding, far below what an ignored mask does


class Reading(NamedTuple):
    """Shapes: base_logits (B, L, V), base_hidden (B, L, D), logits (R, M, V), hidden (R, M, D)"""

    base_logits: Tensor
    base_hidden: Tensor
    logits: Tensor
    hidden: Tensor


def run(model: nn.Module, **given: Any) -> Any:
    """One forward pass that also gives hidden states."""
    return model(output_hidden_states=True, **given)


def features(output: Any) -> Tensor:
    """What the mixing head sees of a pass: the last of the hidden states. Shapes: (B, T, D)"""
    return output.hidden_states[-1]


def takes(model: nn.Module, argument: str) -> bool:
    return argument in inspect.signature(model.forward).parameters


def read_by_rows(model: nn.Module, texts: Texts, spots: Spots, blocks: Blocks) -> Reading:
    """One pass over the texts and one over a row for each block."""
    base = run(model, input_ids=texts.ids, attention_mask=texts.mask, use_cache=False)
    before = spots.place + 1
    rows = joined(texts, spots, blocks)
    output = run(model, input_ids=rows.ids, attention_mask=rows.mask, use_cache=False)
    last = rows.ids.shape[1] - 1
    at = (before[:, None] + torch.arange(blocks.ids.shape[1], device=before.device)).clamp(max=last)
    return Reading(base.logits, features(base), _take(output.logits, at), _take(features(output), at))


def joined(texts: Texts, spots: Spots, blocks: Blocks) -> Texts:
    """Each block behind its text's tokens up to its spot."""
    before = (spots.place + 1)[:, None]
    lengths = before[:, 0] + blocks.lengths
    at = torch.arange(int(lengths.max()), device=before.device)
    source = torch.cat([texts.ids[spots.text], blocks.ids], dim=1)
    index = torch.where(at < before, at, texts.ids.shape[1] + at - before).clamp(max=source.shape[1] - 1)
    return Texts(source.gather(1, index), (at < lengths[:, None]).long())


def read_by_mask(model: nn.Module, texts: Texts, spots: Spots, blocks: Blocks) -> Reading:
    """One pass over the texts with all their blocks behind them."""
    (batch, length), width = texts.ids.shape, blocks.ids.shape[1]
    slots, most = slots_of(spots)
    places = places_of(spots, slots, batch, most)
    added = blocks.ids.new_zeros(batch, width, most)
    added[spots.text, :, slots] = blocks.ids
    kind = next(model.parameters()).dtype
    mask = torch.cat(
        [
            causal_mask(batch, length, length + most * width, kind, places.device),
            diagonal_mask(places, length, 0, width, kind),
        ],
        dim=2,
    )
    output = run(
        model,
        input_ids=torch.cat([texts.ids, added.flatten(1)], dim=1),
        attention_mask=mask,
        position_ids=torch.cat([_text_positions(texts), block_positions(places, 0, width)], dim=1),
        use_cache=False,
    )
    return Reading(
        output.logits[:, :length],
        features(output)[:, :length],
        _blocks(output.logits[:, length:], width, spots.text, slots),
        _blocks(features(output)[:, length:], width, spots.text, slots),
    )


def foretold(reading: Reading, spots: Spots, blocks: Blocks, ahead: int) -> Reading:
    """What is said of the next `ahead` tokens after each spot, without and behind the thought, side by side.

    Shapes: logits (R, A, V) and hidden states (R, A, D), both times; past a text's end they mean nothing
    """
    steps = torch.arange(ahead, device=spots.place.device)
    base = (spots.place[:, None] + steps).clamp(max=reading.base_logits.shape[1] - 1)
    thought = (blocks.end[:, None] + steps).clamp(max=reading.logits.shape[1] - 1)
    text = spots.text[:, None]
    return Reading(
        reading.base_logits[text, base],
        reading.base_hidden[text, base],
        _take(reading.logits, thought),
        _take(reading.hidden, thought),
    )


def block_positions(places: Tensor, first: int, last: int) -> Tensor:
    """Positions of the blocks' tokens `first` to `last` - 1, counted on from their spots.

    Shapes: (B, N) -> (B, N (last - first))
    """
    steps = torch.arange(first, last, device=places.device)[:, None]
    return (places[:, None] + 1 + steps).flatten(1)


@torch.no_grad()
def takes_mask(model: nn.Module) -> bool:
    """Whether the model reads blocks by mask as it does by rows: found out on two short texts.

    A model whose config names a window has layers with masks of their own, and reads by rows.
    """
    if not takes(model, "position_ids") or _has_window(model):
        return False
    words, device = int(model.config.vocab_size), next(model.parameters()).device  # type: ignore[arg-type, union-attr]
    ids = (torch.arange(12, device=device) * 7 + 1).reshape(2, 6) % words
    texts = Texts(ids, torch.ones_like(ids))
    spots = Spots(torch.tensor([0, 0, 1], device=device), torch.tensor([1, 4, 2], device=device))
    three = torch.full((3,), 3, device=device)
    blocks = Blocks(ids.flip(0, 1).reshape(-1, 3)[:3] % words, three, three - 1)
    one, other = (read(model, texts, spots, blocks).logits.float() for read in (read_by_mask, read_by_rows))
    return bool((one - other).abs().max() <= LEAST_AGREEMENT * other.std())


def _has_window(model: nn.Module) -> bool:
    config: Any = model.config
    kinds = getattr(config, "layer_types", None) or ["full_attention"]
    return bool(getattr(config, "sliding_window", None)) or set(kinds) != {"full_attention"}


def _text_positions(texts: Texts) -> Tensor:
    return torch.arange(texts.ids.shape[1], device=texts.ids.device).expand_as(texts.ids)


def _take(values: Tensor, at: Tensor) -> Tensor:
    """Shapes: (R, T, ...), (R, M) -> (R, M, ...)"""
    return values[torch.arange(len(at), device=at.device)[:, None], at]


def _blocks(values: Tensor, width: int, text: Tensor, slots: Tensor) -> Tensor:
    """Shapes: (B, M N, X) -> (R, M, X)"""
    return values.unflatten(1, (width, -1))[text, :, slots]
