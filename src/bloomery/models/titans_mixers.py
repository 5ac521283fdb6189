"""Titans' ways to put a memory into a layer: alone (LMM), as a gate (MAG), as a layer (MAL).

Each maps (B, T, D) to (B, T, D), carries a state from call to call, and begins a sequence with persistent
tokens of its own. Memory as a context (MAC) is in `memory_as_context.py`.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from .gated_product import GatedProduct
from .memory_layer import MemoryLayer, MemoryState
from .persistent_memory import PersistentMemory
from .streaming_attention import StreamingAttention, WindowState


class MixerState(NamedTuple):
    """What a mixer carries from one call to the next."""

    memory: MemoryState
    window: WindowState | None

    def detach(self) -> MixerState:
        return MixerState(self.memory.detach(), None if self.window is None else self.window.detach())

    def select(self, rows: Tensor) -> MixerState:
        """The state of the given batch rows, in the given order (repeats allowed)."""
        window = None if self.window is None else self.window.select(rows)
        return MixerState(self.memory.select(rows), window)


class MemoryAlone(nn.Module):
    """o = M(x~) with x~ = [P || x]: the memory is the whole mixer.

    Shapes: x (B, T, D) -> (B, T, D); mask (B, T) bool
    Source: titans section 4.3 (LMM)
    """

    def __init__(self, memory: MemoryLayer, persistent: PersistentMemory) -> None:
        super().__init__()
        self.memory, self.persistent = memory, persistent

    def forward(
        self, x: Tensor, state: MixerState | None = None, *, mask: Tensor | None = None
    ) -> tuple[Tensor, MixerState]:
        steps = x.shape[1]
        if state is None:
            x, mask = self.persistent(x, mask)
        out, memory = self.memory(x, None if state is None else state.memory, mask=mask)
        return out[:, out.shape[1] - steps :], MixerState(memory, None)


class MemoryAsGate(nn.Module):
    """o = y (x) M(x~) with x~ = [P || x] and y = SW-Attn*(x~), whose every token sees all of P.

    Shapes: x (B, T, D) -> (B, T, D); mask (B, T) bool
    Source: titans eq. 26, titans eq. 27, titans eq. 28
    """

    def __init__(
        self,
        memory: MemoryLayer,
        persistent: PersistentMemory,
        attention: StreamingAttention,
        gate: GatedProduct,
    ) -> None:
        super().__init__()
        if attention.pinned != len(persistent):
            raise ValueError(f"attention pins {attention.pinned} tokens; there are {len(persistent)} to pin")
        self.memory, self.persistent, self.attention, self.gate = memory, persistent, attention, gate

    def forward(
        self, x: Tensor, state: MixerState | None = None, *, mask: Tensor | None = None
    ) -> tuple[Tensor, MixerState]:
        steps = x.shape[1]
        if state is None:
            x, mask = self.persistent(x, mask)
        y, window = self.attention(x, None if state is None else state.window, mask=mask)
        m, memory = self.memory(x, None if state is None else state.memory, mask=mask)
        first = x.shape[1] - steps
        return self.gate(y[:, first:], m[:, first:]), MixerState(memory, window)


class MemoryAsLayer(nn.Module):
    """o = SW-Attn(M(x~)) with x~ = [P || x]: attention sees what the memory recalled.

    Shapes: x (B, T, D) -> (B, T, D); mask (B, T) bool
    Source: titans eq. 29, titans eq. 30, titans eq. 31
    """

    def __init__(
        self, memory: MemoryLayer, persistent: PersistentMemory, attention: StreamingAttention
    ) -> None:
        super().__init__()
        self.memory, self.persistent, self.attention = memory, persistent, attention

    def forward(
        self, x: Tensor, state: MixerState | None = None, *, mask: Tensor | None = None
    ) -> tuple[Tensor, MixerState]:
        steps = x.shape[1]
        if state is None:
            x, mask = self.persistent(x, mask)
        y, memory = self.memory(x, None if state is None else state.memory, mask=mask)
        out, window = self.attention(y, None if state is None else state.window, mask=mask)
        return out[:, x.shape[1] - steps :], MixerState(memory, window)
