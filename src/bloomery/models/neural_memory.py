"""Titans' neural memory (arXiv 2501.00663): a small network whose weights learn what it reads."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from .chunking import Grid, take
from .memory_layer import MemoryLayer, at_least_float32
from .memory_layer import MemoryState as MemoryState
from .memory_scan import Memory, Rule, scan
from .surprise import ACTIVATIONS, Gates, recall


class NeuralMemory(MemoryLayer):
    """Writes each token's key-value pair by its surprise and reads the memory at its query.

    A token reads the memory as it is after its own write; nothing depends on later tokens. Splitting a
    sequence anywhere and passing `state` on gives what one call would give. Masked-out tokens (left padding)
    neither write nor count towards a chunk; their outputs are zero. With `write=False` the state is read by
    every token and returned unchanged.

    Three guards keep a memory bounded. `max_lr` bounds theta; `max_surprise` bounds each token's gradient
    norm per layer (None: no bound); `max_norm` bounds each layer's Frobenius norm at the ends of chunks, in
    norms of a fresh layer, sqrt(out) (None: no bound). `capacity` is in tokens: alpha = sigmoid(logit -
    log(capacity)), so that at logit 0 what was written fades to 1/e after about `capacity` tokens. It shapes
    no weight and may change at any time. `learn_initial=False` keeps the weights before the first token as
    they were drawn.

    Queries and keys begin as the same projection, and a key as the sum of its own and the previous token's:
    from the first step on, a token is answered by what followed it before. From independent projections,
    associative recall takes many hundreds of steps to appear.

    Shapes: x (B, T, D) -> (B, T, D); mask (B, T) bool
    Source: titans eq. 11, titans eq. 12, titans eq. 13, titans eq. 14, titans eq. 15
    Differs: theta is bounded, single-token gradients and weights are capped, because unbounded memories
    diverge; the beginning above, the shift that H3 (arXiv 2212.14052) has as a layer of its own.
    """

    to_gates: nn.Linear

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
        max_norm: float | None = 16.0,
        capacity: float | None = None,
        learn_initial: bool = True,
        fused: bool = True,
    ) -> None:
        super().__init__(
            dim, heads=heads, head_dim=head_dim, depth=depth, expansion=expansion, activation=activation,
            scale=residual_norm, chunk_size=chunk_size, conv=conv, learn_initial=learn_initial,
            make_gates=lambda: nn.Linear(dim, (3 if momentum else 2) * heads),  # theta, alpha, eta
        )  # fmt: skip
        self.residual_norm, self.momentum = residual_norm, momentum
        self.max_lr, self.max_surprise, self.max_norm = max_lr, max_surprise, max_norm
        self.capacity, self.fused = capacity, fused
        self.reset_parameters()

    def reset_parameters(self) -> None:
        self.reset_memory()

    def _reset_gates(self) -> None:
        nn.init.zeros_(self.to_gates.bias)
        if self.capacity is None:
            self.to_gates.bias[self.heads : 2 * self.heads].fill_(-4.0)

    def _gates(self, x: Tensor) -> Tensor:
        """theta, log(1 - alpha) and, with momentum, log(eta): (B, T, 2 or 3, H)."""
        logits = at_least_float32(self.to_gates(x).unflatten(-1, (-1, self.heads)))
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
        return Rule(self.activation, self.residual_norm, self.max_surprise, self.fused, self.max_norm)

    def _recall(self, q: Tensor, state: MemoryState) -> Tensor:
        weights = self._unflatten(state.weights)
        rows = q.to(state.weights.dtype).transpose(1, 2).flatten(0, 1)  # (B H, T, K)
        scale = weights.pop().unsqueeze(1) if self.residual_norm else None
        return (
            recall(weights, scale, rows, ACTIVATIONS[self.activation])
            .unflatten(0, q.shape[:3:2])
            .transpose(1, 2)
        )
