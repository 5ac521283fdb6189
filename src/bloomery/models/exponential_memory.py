"""The seed's factorized exponential memory: a low-rank leaky average of everything read so far."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn


class ExponentialState(NamedTuple):
    """What an `ExponentialMemory` carries from one call to the next.

    Shapes: average (B, M).
    """

    average: Tensor

    def detach(self) -> ExponentialState:
        return ExponentialState(self.average.detach())

    def select(self, rows: Tensor) -> ExponentialState:
        """The state of the given batch rows, in the given order (repeats allowed)."""
        return ExponentialState(self.average.index_select(0, rows))


class ExponentialMemory(nn.Module):
    """Reads W_up m_t, where m_t = decay m_{t-1} + (1 - decay) W_down x_t.

    Shapes: x (B, T, D) -> (B, T, D); mask (B, T) bool, False where a token neither decays nor writes.
    """

    def __init__(
        self, dim: int, *, memory_dim: int = 256, decay: float = 0.99, chunk_size: int = 128
    ) -> None:
        super().__init__()
        if not 0.0 <= decay < 1.0:
            raise ValueError(f"decay must be in [0, 1), got {decay}")
        self.memory_dim, self.decay, self.chunk_size = memory_dim, decay, chunk_size
        self.down = nn.Linear(dim, memory_dim, bias=False)
        self.up = nn.Linear(memory_dim, dim, bias=False)

    def initial_state(self, batch: int) -> ExponentialState:
        return ExponentialState(self.down.weight.new_zeros(batch, self.memory_dim))

    def forward(
        self,
        x: Tensor,
        state: ExponentialState | None = None,
        *,
        mask: Tensor | None = None,
        write: bool = True,
    ) -> tuple[Tensor, ExponentialState]:
        state = self.initial_state(len(x)) if state is None else state
        if not write:
            return self.up(state.average).unsqueeze(1).expand_as(x), state
        written = self.down(x)  # (B, T, M)
        counts = torch.ones_like(x[..., 0], dtype=torch.bool) if mask is None else mask
        average, reads = state.average, []
        for start in range(0, x.shape[1], self.chunk_size):
            part = slice(start, start + self.chunk_size)
            m = self._averages(written[:, part], counts[:, part], average)
            average = m[:, -1]
            reads.append(m)
        out = self.up(torch.cat(reads, dim=1)) if reads else torch.zeros_like(x)
        return out, ExponentialState(average)

    def _averages(self, written: Tensor, counts: Tensor, before: Tensor) -> Tensor:
        """All m_t of a chunk at once: token t sees token j by decay^(n_t - n_j), n counting real tokens."""
        n = counts.cumsum(1)
        age = (n[:, :, None] - n[:, None, :]).clamp(min=0).to(written.dtype)  # (B, t, j)
        weights = (1.0 - self.decay) * self.decay**age * counts[:, None, :]
        return weights.tril() @ written + self.decay ** n.to(written.dtype).unsqueeze(-1) * before.unsqueeze(
            1
        )
