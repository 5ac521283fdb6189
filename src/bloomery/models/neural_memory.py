"""Titans' neural memory (arXiv 2501.00663): a small network whose weights learn what it reads."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from .chunking import Grid, grid, take
from .memory_scan import Memory, Rule, scan
from .surprise import ACTIVATIONS, Gates, recall


class MemoryState(NamedTuple):
    """What a `NeuralMemory` carries from one call to the next; every tensor has the batch first.

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


class NeuralMemory(nn.Module):
    """Writes each token's key-value pair by its surprise and reads the memory at its query.

    A token reads the memory as it is after its own write; nothing depends on later tokens. Splitting a
    sequence anywhere and passing `state` on gives what one call would give. Masked-out tokens (left padding)
    neither write nor count towards a chunk; their outputs are zero. With `write=False` the state is read by
    every token and returned unchanged.

    `max_lr` bounds theta; `max_surprise` bounds each token's gradient norm per layer (None: no bound);
    `capacity` is in tokens: alpha = sigmoid(logit - log(capacity)), so that at logit 0 what was written fades
    to 1/e after about `capacity` tokens. It shapes no weight and may change at any time.

    Queries and keys begin as the same projection, and a key as the sum of its own and the previous token's:
    from the first step on, a token is answered by what followed it before. From independent projections,
    associative recall takes many hundreds of steps to appear.

    Shapes: x (B, T, D) -> (B, T, D); mask (B, T) bool
    Source: titans eq. 11, titans eq. 12, titans eq. 13, titans eq. 14, titans eq. 15
    Differs: theta is bounded and single-token gradients are capped, because unbounded memories diverge;
    the beginning above, the shift that H3 (arXiv 2212.14052) has as a layer of its own.
    """

    def __init__(
        self,
        dim: int,
        *,
        heads: int = 1,
        head_dim: int | None = None,
        depth: int = 2,
        expansion: float = 2.0,
        activation: Literal["gelu", "silu"] = "gelu",
        residual_norm: bool = False,
        chunk_size: int = 64,
        momentum: bool = True,
        conv: int = 4,
        max_lr: float = 0.1,
        max_surprise: float | None = 8.0,
        capacity: float | None = None,
        fused: bool = True,
    ) -> None:
        super().__init__()
        self.heads, self.head_dim = heads, head_dim or dim // heads
        self.depth, self.chunk_size, self.momentum, self.kernel = depth, chunk_size, momentum, conv
        self.residual_norm, self.activation = residual_norm, activation
        self.max_lr, self.max_surprise, self.capacity, self.fused = max_lr, max_surprise, capacity, fused
        inner, width = heads * self.head_dim, int(self.head_dim * expansion)
        sizes = [self.head_dim, *[width] * (depth - 1), self.head_dim]
        self.shapes: list[tuple[int, ...]] = [(o, i) for i, o in itertools.pairwise(sizes)]
        if residual_norm:
            self.shapes.append((self.head_dim,))
        self.initial = nn.Parameter(torch.empty(heads, sum(math.prod(s) for s in self.shapes)))
        self.to_qkv = nn.Linear(dim, 3 * inner, bias=False)
        self.conv = nn.Parameter(torch.empty(3 * inner, 1, conv)) if conv > 1 else None
        self.to_gates = nn.Linear(dim, (3 if momentum else 2) * heads)  # theta, alpha, eta
        self.read_norm = nn.RMSNorm(self.head_dim, eps=1e-5)
        self.output_gate = nn.Linear(dim, inner, bias=False)
        self.out = nn.Linear(inner, dim, bias=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        inner = self.heads * self.head_dim
        with torch.no_grad():
            flat = [
                torch.randn(self.heads, *s) / math.sqrt(s[-1]) if len(s) == 2 else torch.zeros(self.heads, *s)
                for s in self.shapes
            ]
            self.initial.copy_(torch.cat([t.flatten(1) for t in flat], dim=1))
            nn.init.zeros_(self.to_gates.bias)
            if self.capacity is None:
                self.to_gates.bias[self.heads : 2 * self.heads].fill_(-4.0)
            if self.conv is not None:
                nn.init.normal_(self.conv, std=0.02)
                self.conv[..., -1] += 1.0  # begins as the identity
                self.conv[inner : 2 * inner, :, -2] += 1.0  # and for keys as the last two tokens' sum
            self.to_qkv.weight[inner : 2 * inner] = self.to_qkv.weight[:inner]

    def initial_state(self, batch: int) -> MemoryState:
        weights = _at_least_float32(self.initial).expand(batch, -1, -1)
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
                reads, after = self._recall(q, state.weights), state
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

    def _gates(self, x: Tensor) -> Tensor:
        """theta, log(1 - alpha) and, with momentum, log(eta): (B, T, 2 or 3, H)."""
        logits = _at_least_float32(self.to_gates(x).unflatten(-1, (-1, self.heads)))
        offset = 0.0 if self.capacity is None else math.log(self.capacity)
        theta = self.max_lr * torch.sigmoid(logits[:, :, :1])
        return torch.cat(
            (
                theta,
                functional.logsigmoid(offset - logits[:, :, 1:2]),
                functional.logsigmoid(logits[:, :, 2:]),
            ),
            dim=2,
        )

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
        batch, heads, dtype = len(q), self.heads, state.weights.dtype
        tokens = [t.to(dtype) for t in (q, k, v)]
        counts = None
        if layout.tokens is not None and layout.counts is not None:
            tokens, gates = [take(t, layout.tokens) for t in tokens], take(gates, layout.tokens)
            gates = gates * layout.counts[:, :, None, None]
            counts = layout.counts.to(dtype).repeat_interleave(heads, dim=0)
        rows = gates.permute(2, 0, 3, 1).flatten(1, 2)  # (2 or 3, B H, G)
        q, k, v = (t.transpose(1, 2).flatten(0, 1) for t in tokens)  # (B H, G, K)
        reads, memory = scan(
            q,
            k,
            v,
            Gates(rows[0], rows[2] if self.momentum else None, rows[1], counts),
            self._memory(state, layout, fresh=fresh),
            layout.chunks(self.chunk_size, heads),
            self._rule,
        )
        out = reads.unflatten(0, (batch, heads)).transpose(1, 2)  # (B, G, H, K)
        if layout.slots is not None:
            out = take(out, layout.slots)
        weights = self._flatten(memory.weights, batch)
        base = self._flatten(memory.base, batch) if memory.base else weights
        return out, state._replace(weights=weights, momentum=self._flatten(memory.momentum, batch), base=base)

    def _memory(self, state: MemoryState, layout: Grid, *, fresh: bool) -> Memory:
        at_boundary = layout.first == 0 and layout.ends is None
        return Memory(
            weights=self._unflatten(state.weights),
            momentum=[] if fresh or not self.momentum else self._unflatten(state.momentum),
            base=[] if at_boundary else self._unflatten(state.base),
        )

    @property
    def _rule(self) -> Rule:
        return Rule(self.activation, self.residual_norm, self.max_surprise, self.fused)

    def _recall(self, q: Tensor, flat: Tensor) -> Tensor:
        rows, weights = q.to(flat.dtype).transpose(1, 2).flatten(0, 1), self._unflatten(flat)  # (B H, T, K)
        scale = weights.pop().unsqueeze(1) if self.residual_norm else None
        return (
            recall(weights, scale, rows, ACTIVATIONS[self.activation])
            .unflatten(0, q.shape[:3:2])
            .transpose(1, 2)
        )

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


def _at_least_float32(x: Tensor) -> Tensor:
    return x if x.dtype == torch.float64 else x.float()
