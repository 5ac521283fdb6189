"""What a Titans model carries between calls: one state a layer, whatever its mixer keeps in it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer


class StateLayer(DynamicLayer):
    """A mixer's state; it has `select(rows)`."""

    is_croppable = False

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0
        self.state: Any = None

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        raise NotImplementedError("a Titans layer keeps a state of its own, not keys and values")

    def keep(self, state: Any, tokens: int) -> None:
        self.state, self.seen, self.is_initialized = state, self.seen + tokens, True

    def get_seq_length(self) -> int:
        return self.seen

    def get_max_length(self) -> int:
        return -1

    def reset(self) -> None:
        self.state, self.seen, self.is_initialized = None, 0, False

    def crop(self, tokens_to_remove: int) -> None:
        raise NotImplementedError(
            "a memory cannot unread tokens: start a new cache instead of cropping this one"
        )

    def reorder_cache(self, beam_idx: Tensor) -> None:
        self.batch_select_indices(beam_idx)

    def batch_repeat_interleave(self, repeats: int) -> None:
        if self.state is not None:
            position = self.state.memory.position
            rows = torch.arange(len(position), device=position.device)
            self.batch_select_indices(rows.repeat_interleave(repeats))

    def batch_select_indices(self, indices: Tensor) -> None:
        if self.state is not None:
            rows = indices.nonzero().flatten() if indices.dtype == torch.bool else indices
            self.state = self.state.select(rows.to(self.state.memory.position.device))


class TitansCache(Cache):
    """One `StateLayer` for each layer of the model."""

    def __init__(self, layers: int) -> None:
        self.states = [StateLayer() for _ in range(layers)]
        super().__init__(layers=list(self.states))

    def crop(self, tokens_to_remove: int) -> None:
        self.states[0].crop(tokens_to_remove)
