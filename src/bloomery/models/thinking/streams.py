"""Lines of tokens that go on from spots of texts, one token of each at a time."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .layout import Spots, Texts
from .mask import causal_mask, diagonal_mask, places_of, slots_of
from .reading import block_positions, features, run, takes


class RowStream:
    """Each line is a row of a batch, behind a copy of its text's first tokens, padded on the left.

    `logits` and `hidden` are those of each line's last token. Shapes: (R, V), (R, D)
    """

    cache: Any = None

    def __init__(self, model: nn.Module, texts: Texts, spots: Spots, thoughts: int = 1) -> None:
        before = (spots.place + 1)[:, None]
        longest = int(before.max())
        at = torch.arange(longest, device=before.device) - (longest - before)
        ids = texts.ids[spots.text].gather(1, at.clamp(min=0))
        self.model, self.placed = model, takes(model, "position_ids")
        self.mask = (at >= 0).long()
        self.logits, self.hidden = self._read(ids)
        if thoughts > 1:
            self.cache.batch_repeat_interleave(thoughts)
            self.mask, self.logits, self.hidden = (
                tensor.repeat_interleave(thoughts, 0) for tensor in (self.mask, self.logits, self.hidden)
            )

    def add(self, tokens: Tensor) -> None:
        """Read one more token in each line. Shapes: (R,)"""
        self.mask = torch.cat([self.mask, self.mask.new_ones(len(tokens), 1)], dim=1)
        self.logits, self.hidden = self._read(tokens[:, None])

    def _read(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        given: dict[str, Any] = {} if self.cache is None else {"past_key_values": self.cache}
        if self.placed:
            given["position_ids"] = (self.mask.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        output = run(self.model, input_ids=ids, attention_mask=self.mask, use_cache=True, **given)
        self.cache = output.past_key_values
        return output.logits[:, -1], features(output)[:, -1]


class MaskStream:
    """All lines of a text go on behind it in one sequence, by the diagonal mask; the text is read once."""

    def __init__(self, model: nn.Module, texts: Texts, spots: Spots, thoughts: int = 1) -> None:
        batch, self.length = texts.ids.shape
        self.model, self.steps = model, 0
        self.spots = spots.times(thoughts)
        self.slots, most = slots_of(self.spots)
        self.places = places_of(self.spots, self.slots, batch, most)
        self.kind = next(model.parameters()).dtype
        mask = causal_mask(batch, self.length, self.length, self.kind, texts.ids.device)
        output = run(model, input_ids=texts.ids, attention_mask=mask, use_cache=True)
        self.cache = output.past_key_values
        self.logits = output.logits[self.spots.text, self.spots.place]
        self.hidden = features(output)[self.spots.text, self.spots.place]

    def add(self, tokens: Tensor) -> None:
        """Read one more token in each line. Shapes: (R,)"""
        here, there = self.steps, self.steps + 1
        ids = tokens.new_zeros(self.places.shape)
        ids[self.spots.text, self.slots] = tokens
        output = run(
            self.model,
            input_ids=ids,
            attention_mask=diagonal_mask(self.places, self.length, here, there, self.kind),
            position_ids=block_positions(self.places, here, there),
            past_key_values=self.cache,
            use_cache=True,
        )
        self.steps, self.cache = there, output.past_key_values
        self.logits = output.logits[self.spots.text, self.slots]
        self.hidden = features(output)[self.spots.text, self.slots]


Stream = RowStream | MaskStream
