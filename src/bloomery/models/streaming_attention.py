"""Sliding-window attention that carries its window from call to call; its first tokens may stay in sight."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from .attention import Sight, SlidingWindowAttention, Visibility
from .rotary import rotation


class WindowState(NamedTuple):
    """What attention carries from one call to the next.

    Shapes: keys, values (B, kept, heads, head_dim); positions, valid (B, kept); following (B,), the next
    token's position; positions count tokens that are not padding.
    """

    keys: Tensor
    values: Tensor
    positions: Tensor
    valid: Tensor
    following: Tensor

    def detach(self) -> WindowState:
        return WindowState(*(t.detach() for t in self))

    def select(self, rows: Tensor) -> WindowState:
        """The state of the given batch rows, in the given order (repeats allowed)."""
        return WindowState(*(t.index_select(0, rows) for t in self))


class StreamingAttention(nn.Module):
    """Each token sees the `window` last tokens, itself among them, and the `pinned` first ones of all.

    Splitting a sequence anywhere and passing `state` on gives what one call would give. Padding is seen by
    nobody but itself and moves no position.

    Shapes: x (B, T, D) -> (B, T, D); mask (B, T) bool
    Source: titans eq. 1, titans eq. 2, miras eq. 1, miras eq. 2
    """

    def __init__(self, dim: int, heads: int, window: int, *, pinned: int = 0, theta: float = 10000.0) -> None:
        super().__init__()
        if window < 1:
            raise ValueError(f"window must be at least 1 token, got {window}")
        self.attention = SlidingWindowAttention(dim, heads)
        self.window, self.pinned, self.theta = window, pinned, theta

    def initial_state(self, batch: int) -> WindowState:
        weight, heads, width = self.attention.k_proj.weight, self.attention.num_heads, self.attention.head_dim
        none = weight.new_zeros(batch, 0, heads, width)
        return WindowState(
            keys=none,
            values=none,
            positions=torch.zeros(batch, 0, dtype=torch.long, device=weight.device),
            valid=torch.zeros(batch, 0, dtype=torch.bool, device=weight.device),
            following=torch.zeros(batch, dtype=torch.long, device=weight.device),
        )

    def forward(
        self, x: Tensor, state: WindowState | None = None, *, mask: Tensor | None = None
    ) -> tuple[Tensor, WindowState]:
        state = self.initial_state(len(x)) if state is None else state
        valid = x.new_ones(x.shape[:2], dtype=torch.bool) if mask is None else mask
        positions = state.following.unsqueeze(1) + (valid.cumsum(1) - 1).clamp(min=0)
        every = torch.cat((state.positions, positions), dim=1)
        known = torch.cat((state.valid, valid), dim=1)
        seen = self._sight(every, known, x.shape[1], plain=mask is None)
        joined: list[Tensor] = []

        def look(q: Tensor, k: Tensor, v: Tensor) -> Sight:
            for kept, fresh in ((state.keys, k), (state.values, v)):
                joined.append(torch.cat((kept.to(fresh.dtype), fresh), dim=1))
            return Sight(q, joined[0], joined[1], seen)

        out = self.attention(x, rotation(positions, self.attention.head_dim, self.theta), look)
        after = WindowState(joined[0], joined[1], every, known, state.following + valid.sum(1))
        return out, self._forget(after)

    def _sight(self, positions: Tensor, valid: Tensor, queries: int, *, plain: bool) -> Visibility:
        keys = positions.shape[1]
        if plain and keys == queries <= self.window:
            return Visibility(None, queries > 1)
        slot = torch.arange(keys, device=positions.device)
        asking = slot[keys - queries :, None]
        near = positions[:, keys - queries :, None] - positions[:, None, :] < self.window
        allowed = (slot <= asking) & (near | (slot < self.pinned)) & valid[:, None, :]
        return Visibility((allowed | (slot == asking)).unsqueeze(1), False)

    def _forget(self, state: WindowState) -> WindowState:
        """Without the slots that no later token will see."""
        needed = state.valid & (state.following.unsqueeze(1) - state.positions < self.window)
        needed[:, : self.pinned] = True
        rows = needed.any(0).nonzero().flatten()
        if len(rows) == needed.shape[1]:
            return state
        keys, values, positions, valid = (t.index_select(1, rows) for t in state[:4])
        return WindowState(keys, values, positions, valid, state.following)
