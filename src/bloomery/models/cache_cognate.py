"""What a Cognate model carries between calls: attention windows, memories and the recursion's slots."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer

from .attention import Visibility, visibility


class WindowLayer(DynamicLayer):
    """Keys and values of the last `window` - 1 tokens and, beside them, a memory's state.

    A layer of the backbone uses both; a slot of the recursion only the first.
    Shapes: keys, values (B, heads, kept, head_dim); every tensor of `memory` has the batch first.
    """

    is_croppable = False

    def __init__(self, window: int) -> None:
        super().__init__()
        self.window = window
        self.seen = 0
        self.memory: Any = None

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Returns the kept and the new keys and values, and keeps the last of them."""
        keys, values = key_states, value_states
        if self.keys is not None and self.values is not None:
            keys, values = torch.cat((self.keys, keys), dim=-2), torch.cat((self.values, values), dim=-2)
        self.is_initialized = True
        self.seen += key_states.shape[-2]
        first = max(keys.shape[-2] - self.window + 1, 0)
        self.keys, self.values = keys[:, :, first:], values[:, :, first:]
        return keys, values

    def join(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """`update` for keys and values as attention makes them, (B, T, heads, head_dim)."""
        keys, values = self.update(k.transpose(1, 2), v.transpose(1, 2))
        return keys.transpose(1, 2), values.transpose(1, 2)

    def get_seq_length(self) -> int:
        return self.seen

    def get_max_length(self) -> int:
        return -1

    def reset(self) -> None:
        self.keys = self.values = self.memory = None
        self.is_initialized = False
        self.seen = 0

    def crop(self, tokens_to_remove: int) -> None:
        raise NotImplementedError(
            "a memory cannot unread tokens: start a new cache instead of cropping this one"
        )

    def reorder_cache(self, beam_idx: Tensor) -> None:
        self.batch_select_indices(beam_idx)

    def batch_repeat_interleave(self, repeats: int) -> None:
        if self.keys is not None:
            rows = torch.arange(self.keys.shape[0], device=self.keys.device)
            self.batch_select_indices(rows.repeat_interleave(repeats))

    def batch_select_indices(self, indices: Tensor) -> None:
        if self.keys is not None and self.values is not None:
            rows = _as_rows(indices, self.keys)
            self.keys, self.values = self.keys.index_select(0, rows), self.values.index_select(0, rows)
            self.memory = None if self.memory is None else self.memory.select(rows)


class Tokens(NamedTuple):
    """Where a call's tokens stand. `valid` is None when nothing is padded."""

    positions: Tensor  # (B or 1, T), counted without padding
    valid: Tensor | None  # (B, T)
    seen: Visibility


class CognateCache(Cache):
    """One `WindowLayer` for each backbone layer, then one for each call of each recursion step.

    It also remembers which kept tokens were padding and each row's next position, so that a caller needs
    to pass the attention mask of the new tokens only (the whole mask does as well).
    """

    def __init__(self, layers: int, slots: int, window: int) -> None:
        self.windows = [WindowLayer(window) for _ in range(layers + slots)]
        super().__init__(layers=list(self.windows))
        self.backbone_layers, self.window = layers, window
        self.valid: Tensor | None = None  # (B, kept)
        self.next_position: Tensor | None = None  # (B, 1)

    def slot(self, index: int) -> WindowLayer:
        return self.windows[self.backbone_layers + index]

    def read(self, attention_mask: Tensor | None, batch: int, count: int, device: torch.device) -> Tokens:
        """Places `count` new tokens after those that the cache has seen."""
        new = attention_mask[:, -count:].bool() if attention_mask is not None else None
        valid = torch.ones(batch, count, dtype=torch.bool, device=device) if new is None else new
        start = torch.zeros(batch, 1, dtype=torch.long, device=device)
        start = start if self.next_position is None else self.next_position
        kept = min(self.get_seq_length(), self.window - 1)
        known = valid if self.valid is None else torch.cat((self.valid, valid), dim=1)
        self.valid = known[:, max(known.shape[1] - self.window + 1, 0) :]
        positions = start + (valid.cumsum(1) - 1).clamp(min=0)
        self.next_position = start + valid.sum(1, keepdim=True)
        seen = visibility(count, kept, self.window, None if known.all() else known, device)
        return Tokens(positions, None if valid.all() else valid, seen)

    def reset(self) -> None:
        super().reset()
        self.valid = self.next_position = None

    def crop(self, tokens_to_remove: int) -> None:
        self.windows[0].crop(tokens_to_remove)

    def reorder_cache(self, beam_idx: torch.LongTensor) -> None:
        super().reorder_cache(beam_idx)
        self._map(lambda t: t.index_select(0, _as_rows(beam_idx, t)))

    def batch_repeat_interleave(self, repeats: int) -> None:
        super().batch_repeat_interleave(repeats)
        self._map(lambda t: t.repeat_interleave(repeats, dim=0))

    def batch_select_indices(self, indices: Tensor) -> None:
        super().batch_select_indices(indices)
        self._map(lambda t: t.index_select(0, _as_rows(indices, t)))

    def _map(self, change: Callable[[Tensor], Tensor]) -> None:
        if self.valid is not None and self.next_position is not None:
            self.valid, self.next_position = change(self.valid), change(self.next_position)


def read_uncached(attention_mask: Tensor | None, count: int, window: int, device: torch.device) -> Tokens:
    """Places the tokens of a call that carries nothing over."""
    if attention_mask is None or (not torch.compiler.is_compiling() and bool(attention_mask.all())):
        positions = torch.arange(count, device=device)[None]
        return Tokens(positions, None, visibility(count, 0, window, None, device))
    valid = attention_mask.bool()
    positions = (valid.cumsum(1) - 1).clamp(min=0)
    return Tokens(positions, valid, visibility(count, 0, window, valid, device))


def _as_rows(indices: Tensor, like: Tensor) -> Tensor:
    """Row numbers from row numbers or a mask."""
    indices = indices.to(like.device)
    return indices.nonzero().flatten() if indices.dtype == torch.bool else indices
