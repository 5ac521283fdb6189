"""Titans' memory as a context (MAC): each segment attends to what the memory recalls for it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from .attention import Sight, SlidingWindowAttention, Visibility
from .chunking import grid, take
from .gated_product import GatedProduct
from .memory_layer import MemoryLayer, MemoryState
from .persistent_memory import PersistentMemory
from .rotary import rotate, rotation


class ContextState(NamedTuple):
    """What MAC carries from one call to the next.

    Shapes: keys, values (B, kept, heads, head_dim) of the running segment, two a token; valid (B, kept);
    position (B,) tokens in the running segment.
    """

    memory: MemoryState  # after the last token
    before: MemoryState  # at the start of the running segment: where it recalls from
    keys: Tensor
    values: Tensor
    valid: Tensor
    position: Tensor

    def detach(self) -> ContextState:
        keys, values, valid, position = (t.detach() for t in self[2:])
        return ContextState(self.memory.detach(), self.before.detach(), keys, values, valid, position)

    def select(self, rows: Tensor) -> ContextState:
        """The state of the given batch rows, in the given order (repeats allowed)."""
        keys, values, valid, position = (t.index_select(0, rows) for t in self[2:])
        memory, before = self.memory.select(rows), self.before.select(rows)
        return ContextState(memory, before, keys, values, valid, position)


class MemoryAsContext(nn.Module):
    """h = M*(q) from before the segment, y = Attn([P || h || S]), the memory learns y, o = y (x) M*(y).

    Splitting a sequence anywhere and passing `state` on gives what one call would give.

    Shapes: x (B, T, D) -> (B, T, D); mask (B, T) bool
    Source: titans eq. 21, titans eq. 22, titans eq. 23, titans eq. 24, titans eq. 25
    Differs: token i sees only h_1 .. h_i, and M* in eq. 25 is the memory after token i's own write: as
    printed, both would hold the segment's later tokens. The memory has no convolution, since it is asked by
    the tokens and written by the attention's output.
    """

    def __init__(
        self,
        memory: MemoryLayer,
        persistent: PersistentMemory,
        attention: SlidingWindowAttention,
        gate: GatedProduct,
        *,
        segment: int,
        theta: float = 10000.0,
    ) -> None:
        super().__init__()
        if segment < 1:
            raise ValueError(f"segment must be at least 1 token, got {segment}")
        if memory.conv is not None:
            raise ValueError(f"the memory of MAC takes conv=0; this one has a kernel of {memory.kernel}")
        self.memory, self.persistent, self.attention, self.gate = memory, persistent, attention, gate
        self.segment, self.theta = segment, theta

    def initial_state(self, batch: int) -> ContextState:
        memory, device = self.memory.initial_state(batch), self.attention.k_proj.weight.device
        shape = (batch, 0, self.attention.num_heads, self.attention.head_dim)
        none = self.attention.k_proj.weight.new_zeros(shape)
        valid = torch.zeros(batch, 0, dtype=torch.bool, device=device)
        return ContextState(memory, memory, none, none, valid, memory.position)

    def forward(
        self, x: Tensor, state: ContextState | None = None, *, mask: Tensor | None = None
    ) -> tuple[Tensor, ContextState]:
        state = self.initial_state(len(x)) if state is None else state
        if x.shape[1] == 0:
            return x, state
        if mask is None:
            return self._run(x, state, torch.full_like(state.position, x.shape[1]))
        real_first = (~mask).to(torch.uint8).argsort(dim=1, stable=True)
        out, state = self._run(take(x, real_first), state, mask.sum(1))
        return take(out, real_first.argsort(1)) * mask.unsqueeze(-1), state

    def _run(self, x: Tensor, state: ContextState, lengths: Tensor) -> tuple[Tensor, ContextState]:
        """Segment by segment, for rows whose real tokens come first, `lengths` of them."""
        layout, outputs = grid(state.position, lengths, x.shape[1], self.segment), []
        if layout.tokens is not None:
            x = take(x, layout.tokens)
        for span, full in layout.chunks(self.segment, 1):
            counts = None if layout.counts is None else layout.counts[:, span]
            out, state = self._segment(x[:, span], counts, state, full)
            outputs.append(out)
        joined = torch.cat(outputs, dim=1)
        return joined if layout.slots is None else take(joined, layout.slots), state

    def _segment(
        self, x: Tensor, counts: Tensor | None, state: ContextState, full: Tensor | bool
    ) -> tuple[Tensor, ContextState]:
        """Tokens of one segment, or of a part of it."""
        valid = x.new_ones(x.shape[:2], dtype=torch.bool) if counts is None else counts
        h, _ = self.memory(x, state.before, write=False)
        y, keys, values = self._attend(x, h, valid, state)
        m, memory = self.memory(y, state.memory, mask=counts)
        known = torch.cat((state.valid, valid, valid), dim=1)
        position = state.position + valid.sum(1)
        after = ContextState(memory, state.before, keys, values, known, position)
        return self.gate(y, m), self._close(after, full)

    def _attend(
        self, x: Tensor, h: Tensor, valid: Tensor, state: ContextState
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Attn([P || h || S]) at the tokens of S; and the segment's keys and values so far."""
        persistent = len(self.persistent)
        where = state.position.unsqueeze(1) + (valid.cumsum(1) - 1).clamp(min=0)
        first = torch.arange(persistent, device=x.device).unsqueeze(0)
        fixed = self._keys(self.persistent.tokens.unsqueeze(0), first)
        recalled = self._keys(h, persistent + where)
        turn = rotation(persistent + self.segment + where, self.attention.head_dim, self.theta)
        joined: list[Tensor] = []

        def look(q: Tensor, k: Tensor, v: Tensor) -> Sight:
            for kept, old, fresh in zip(state[2:4], recalled, (k, v), strict=True):
                joined.append(torch.cat((kept.to(fresh.dtype), old, fresh), dim=1))
            all_k, all_v = (
                torch.cat((f.expand(len(x), -1, -1, -1), t), dim=1)
                for f, t in zip(fixed, joined, strict=True)
            )
            return Sight(q, all_k, all_v, self._sight(valid, state.valid, persistent))

        y = self.attention(x, turn, look)
        keys, values = joined
        return y, keys, values

    def _keys(self, x: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values (B, T, heads, head_dim) of what only is looked at."""
        heads = (self.attention.num_heads, self.attention.head_dim)
        turn = rotation(positions, heads[1], self.theta)
        k, v = self.attention.k_proj(x).unflatten(-1, heads), self.attention.v_proj(x).unflatten(-1, heads)
        return rotate(k, turn), v

    def _sight(self, valid: Tensor, kept: Tensor, persistent: int) -> Visibility:
        """All of P and of the segment so far, and of its new h and S all up to the token's own."""
        batch, steps = valid.shape
        earlier = torch.ones(steps, steps, dtype=torch.bool, device=valid.device).tril()
        new = earlier & valid.unsqueeze(1)
        itself = torch.eye(steps, dtype=torch.bool, device=valid.device)
        always = valid.new_ones(batch, steps, persistent)
        before = kept.unsqueeze(1).expand(-1, steps, -1)
        return Visibility(torch.cat((always, before, new, new | itself), dim=2).unsqueeze(1), False)

    def _close(self, state: ContextState, full: Tensor | bool) -> ContextState:
        """Where the segment is complete the next begins, with nothing in sight and the memory as it is."""
        if full is False:
            return state
        if full is True:
            keys, values, valid = (t[:, :0] for t in state[2:5])
            start = torch.zeros_like(state.position)
            return ContextState(state.memory, state.memory, keys, values, valid, start)
        return state._replace(
            before=state.memory.where(full, state.before),
            valid=state.valid & ~full.unsqueeze(1),
            position=torch.where(full, 0, state.position),
        )
