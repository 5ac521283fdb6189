"""What layers that memorize at test time share: projections, convolution, padding, streaming, the output."""

from __future__ import annotations

import itertools
import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from .chunking import Grid, grid, take


class MemoryState(NamedTuple):
    """What a memory carries from one call to the next; every tensor has the batch first.

    Shapes: weights, base (B, H, P) with P the memory's weights of one head, flat; momentum (B, H, P), or
    (B, H, 0) without momentum; position (B,) tokens written since the last chunk boundary; conv
    (B, kernel - 1, 3 H K), or (B, 0, 3 H K) without convolution
    """

    weights: Tensor  # after the last token
    momentum: Tensor
    base: Tensor  # at the start of the running chunk: where gradients are taken
    position: Tensor
    conv: Tensor

    def detach(self) -> MemoryState:
        return MemoryState(*(t.detach() for t in self))

    def select(self, rows: Tensor) -> MemoryState:
        """The state of the given batch rows, in the given order (repeats allowed)."""
        return MemoryState(*(t.index_select(0, rows) for t in self))

    def where(self, rows: Tensor, other: MemoryState) -> MemoryState:
        """This state in the rows (B,) that are True, the other one elsewhere."""
        return MemoryState(
            *(torch.where(rows.view(-1, *[1] * (a.ndim - 1)), a, b) for a, b in zip(self, other, strict=True))
        )


class MemoryLayer(nn.Module):
    """q, k, v with convolution, SiLU and unit queries and keys; the reads normalised, gated, projected.

    A subclass says what a token decides (`_gates`), how tokens are written and read (`_write`) and how they
    are read alone (`_recall`). `learn_initial` makes the weights before the first token parameters that
    training moves; without, they stay as they were drawn.

    Shapes: x (B, T, D) -> (B, T, D); mask (B, T) bool
    Source: titans eq. 6, titans eq. 7; section 4.4 (SiLU, unit norms, convolution, gate before the output)
    """

    momentum: bool = False

    def __init__(
        self,
        dim: int,
        *,
        heads: int,
        head_dim: int | None,
        depth: int,
        expansion: float,
        activation: Literal["gelu", "silu"],
        scale: bool,
        chunk_size: int,
        conv: int,
        learn_initial: bool,
        make_gates: Callable[[], nn.Module],
    ) -> None:
        """`scale`: whether the memory has a learned scale of its normalised output."""
        super().__init__()
        if depth < 1 or chunk_size < 1:
            raise ValueError(f"depth {depth} and chunk_size {chunk_size} must each be at least 1")
        self.heads, self.head_dim = heads, head_dim or dim // heads
        self.depth, self.chunk_size, self.kernel, self.activation = depth, chunk_size, conv, activation
        inner, width = heads * self.head_dim, int(self.head_dim * expansion)
        sizes = [self.head_dim, *[width] * (depth - 1), self.head_dim]
        self.shapes: list[tuple[int, ...]] = [(o, i) for i, o in itertools.pairwise(sizes)]
        if scale:
            self.shapes.append((self.head_dim,))
        flat = torch.empty(heads, sum(math.prod(s) for s in self.shapes))
        self.initial = nn.Parameter(flat, requires_grad=learn_initial)
        self.to_qkv = nn.Linear(dim, 3 * inner, bias=False)
        self.conv = nn.Parameter(torch.empty(3 * inner, 1, conv)) if conv > 1 else None
        self.to_gates = make_gates()
        self.read_norm = nn.RMSNorm(self.head_dim, eps=1e-5)
        self.output_gate = nn.Linear(dim, inner, bias=False)
        self.out = nn.Linear(inner, dim, bias=False)

    def reset_memory(self) -> None:
        """Draw initial weights and convolution; a key begins as a query, summed with the one before."""
        inner = self.heads * self.head_dim
        with torch.no_grad():
            flat = [
                torch.randn(self.heads, *s) / math.sqrt(s[-1]) if len(s) == 2 else torch.zeros(self.heads, *s)
                for s in self.shapes
            ]
            self.initial.copy_(torch.cat([t.flatten(1) for t in flat], dim=1))
            self._reset_gates()
            if self.conv is not None:
                nn.init.normal_(self.conv, std=0.02)
                self.conv[..., -1] += 1.0  # begins as the identity
                self.conv[inner : 2 * inner, :, -2] += 1.0  # and for keys as the last two tokens' sum
            self.to_qkv.weight[inner : 2 * inner] = self.to_qkv.weight[:inner]

    def initial_state(self, batch: int) -> MemoryState:
        weights = at_least_float32(self.initial).expand(batch, -1, -1)
        rows = self.to_qkv.weight
        return MemoryState(
            weights=weights,
            momentum=torch.zeros_like(weights) if self.momentum else weights[..., :0],
            base=weights,
            position=torch.zeros(batch, dtype=torch.long, device=rows.device),
            conv=rows.new_zeros(batch, max(self.kernel - 1, 0), rows.shape[0]),
        )

    def forward(
        self, x: Tensor, state: MemoryState | None = None, *, mask: Tensor | None = None, write: bool = True
    ) -> tuple[Tensor, MemoryState]:
        before = self.initial_state(len(x)) if state is None else state
        if x.shape[1] == 0:
            return x, before
        if mask is None:
            return self._run(x, before, None, write=write, fresh=state is None)
        real_first = (~mask).to(torch.uint8).argsort(dim=1, stable=True)
        out, after = self._run(take(x, real_first), before, mask.sum(1), write=write, fresh=False)
        return take(out, real_first.argsort(1)) * mask.unsqueeze(-1), after

    def _run(
        self, x: Tensor, state: MemoryState, lengths: Tensor | None, *, write: bool, fresh: bool
    ) -> tuple[Tensor, MemoryState]:
        """The whole layer for rows whose real tokens come first, `lengths` of them (None: all)."""
        q, k, v, conv = self._project(x, state.conv, lengths)
        with torch.autocast(x.device.type, enabled=False):
            if not write:
                reads, after = self._recall(q, state), state
            else:
                counted = torch.full_like(state.position, x.shape[1]) if lengths is None else lengths
                all_new = fresh and lengths is None
                layout = (
                    Grid(0, x.shape[1])
                    if all_new
                    else grid(state.position, counted, x.shape[1], self.chunk_size)
                )
                reads, after = self._write(q, k, v, self._gates(x), state, layout, fresh=fresh)
                position = (state.position + counted) % self.chunk_size
                after = after._replace(position=position, conv=conv)
        reads = self.read_norm(reads.to(x.dtype)).flatten(2)  # (B, T, H, K) -> (B, T, H K)
        return self.out(reads * torch.sigmoid(self.output_gate(x))), after

    def _project(
        self, x: Tensor, before: Tensor, lengths: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Queries, keys and values (B, T, H, K), and the convolution's next state.

        Source: titans eq. 11
        """
        raw, steps = self.to_qkv(x), x.shape[1]
        if self.conv is not None:
            window = torch.cat((before.to(raw.dtype), raw), dim=1)
            raw = functional.conv1d(window.mT, self.conv.to(raw.dtype), groups=raw.shape[-1]).mT
            if lengths is None:
                before = window[:, steps:]
            else:
                before = take(window, lengths.unsqueeze(1) + torch.arange(self.kernel - 1, device=x.device))
        q, k, v = functional.silu(raw).unflatten(-1, (3, self.heads, self.head_dim)).unbind(2)
        return functional.normalize(q, dim=-1), functional.normalize(k, dim=-1), v, before

    @abstractmethod
    def reset_parameters(self) -> None:
        """Begin anew."""

    @abstractmethod
    def _reset_gates(self) -> None: ...

    @abstractmethod
    def _gates(self, x: Tensor) -> Tensor: ...

    @abstractmethod
    def _write(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        gates: Tensor,
        state: MemoryState,
        layout: Grid,
        *,
        fresh: bool,
    ) -> tuple[Tensor, MemoryState]:
        """Run the tokens through the memory chunk by chunk: reads (B, T, H, K) and the weights they leave."""

    @abstractmethod
    def _recall(self, q: Tensor, state: MemoryState) -> Tensor: ...

    def _unflatten(self, flat: Tensor) -> list[Tensor]:
        """(B, H, P) -> the memory's layers, each (B H, out, in)."""
        sizes = [math.prod(s) for s in self.shapes]
        return [
            t.unflatten(1, s) for t, s in zip(flat.flatten(0, 1).split(sizes, 1), self.shapes, strict=True)
        ]

    def _flatten(self, layers: Sequence[Tensor], batch: int) -> Tensor:
        if not layers:
            return self.initial.new_zeros(batch, self.heads, 0)
        return torch.cat([t.flatten(1) for t in layers], dim=1).unflatten(0, (batch, self.heads))


def at_least_float32(x: Tensor) -> Tensor:
    return x if x.dtype == torch.float64 else x.float()
