"""Recursive refinement of each token's answer by one small network, with halting per token."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from .attention import Sight, SlidingWindowAttention, Visibility
from .cache_cognate import CognateCache, Tokens
from .feedforward import SwiGLU
from .halting import HaltingHead
from .rotary import Rotation


class Refinement(NamedTuple):
    """Shapes: each of `answers` (B, T, D), y after a step; `halt_logits` (B, T, S); `steps_taken` (B, T)."""

    answers: list[Tensor]
    halt_logits: Tensor
    steps_taken: Tensor


class Rows(NamedTuple):
    """Tokens that go on, flat for the dense maths and padded per batch row for attention."""

    batch: Tensor  # (N,)
    time: Tensor  # (N,)
    rank: Tensor  # (N,) place among its batch row's tokens
    times: Tensor  # (B, A) time of each place; unused places repeat token 0 and are never read

    @classmethod
    def of(cls, active: Tensor) -> Rows:
        batch, time = active.nonzero(as_tuple=True)
        rank = (active.cumsum(1) - 1)[batch, time]
        times = time.new_zeros(active.shape[0], int(active.sum(1).max()))
        times[batch, rank] = time
        return cls(batch, time, rank, times)


class Slots:
    """Keys and values that each call of a step attends to, of tokens that go on and tokens that halted.

    Step s, call j has a slot of its own. A halted token's entry in a later step's slot j is that of the last
    step that it executed.
    """

    def __init__(self, tokens: Tokens, cache: CognateCache | None, calls: int) -> None:
        self.seen, self.cache, self.calls = tokens.seen, cache, calls
        self.latest: list[
            tuple[Tensor, Tensor]
        ] = []  # each call's, of this pass's tokens (B, T, heads, head_dim)

    def look(self, step: int, call: int, rows: Rows | None, q: Tensor, k: Tensor, v: Tensor) -> Sight:
        """Stores a call's keys and values and returns what it attends to; `rows` come flat and leave padded.

        Shapes: q, k, v (B, T, heads, head_dim), or (N, heads, head_dim) with `rows`.
        """
        if rows is None:
            self.latest[call : call + 1] = [(k, v)]
            return Sight(q, *self._update(step, call), self.seen)
        where = (rows.batch, rows.time)
        old_k, old_v = (t.detach() for t in self.latest[call])  # as y and z are, from step to step
        self.latest[call] = (old_k.index_put(where, k), old_v.index_put(where, v))
        keys, values = self._update(step, call)
        q = q.new_zeros(*rows.times.shape, *q.shape[1:]).index_put((rows.batch, rows.rank), q)
        return Sight(q, keys, values, self.seen.rows(rows.times, keys.shape[1]))

    def fill(self, first_step: int, steps: int) -> None:
        """Writes what halted tokens keep into the cache's slots of steps that were not executed."""
        for step in range(first_step, steps if self.cache is not None else 0):
            for call in range(self.calls):
                self._update(step, call)

    def _update(self, step: int, call: int) -> tuple[Tensor, Tensor]:
        k, v = self.latest[call]
        return (k, v) if self.cache is None else self.cache.slot(step * self.calls + call).join(k, v)


class RecursiveNet(nn.Module):
    """One causal attention block: h <- norm(h + attention(h)); h <- norm(h + SwiGLU(h)).

    Source: arXiv 2510.04871 (TRM), section 2.1; as printed in `tiny_net`
    Differs: attention is causal and windowed, the norms have weights, one layer instead of two.
    """

    def __init__(self, dim: int, heads: int, hidden: int, eps: float) -> None:
        super().__init__()
        self.attention = SlidingWindowAttention(dim, heads)
        self.attention_norm = nn.RMSNorm(dim, eps=eps)
        self.feedforward = SwiGLU(dim, hidden)
        self.feedforward_norm = nn.RMSNorm(dim, eps=eps)

    def forward(
        self, h: Tensor, rotation: Rotation, look: Visibility | Callable[..., Sight], rows: Rows | None = None
    ) -> Tensor:
        """Shapes: (B, T, D) -> the same; or (N, D), with `rows` and a `look` that pads them."""
        mixed = self.attention(h, rotation, look)
        h = self.attention_norm(h + (mixed if rows is None else mixed[rows.batch, rows.rank]))
        return self.feedforward_norm(h + self.feedforward(h))


class Recursion(nn.Module):
    """T steps of n updates z <- net(x + y + z) and one y <- net(y + z), from y_0 = W_y x and z_0 = W_z x.

    y is the answer, z the latent; both are detached between steps, so each step learns from its own loss.
    With a threshold, token i halts after step s when q_s(i) > threshold: it leaves the computation, keeps y
    and leaves its keys and values behind.

    Source: arXiv 2510.04871 (TRM), section 4
    Differs: no gradient-free rounds inside a step; y_0 and z_0 are projections of x (the seed's) instead of
    learned constants; halting is per token; the seed's nets (two attentions and an MLP over concatenations,
    attention without a mask) are TRM's single net, causal.
    """

    def __init__(
        self, dim: int, heads: int, hidden: int, *, steps: int, micro_steps: int, eps: float
    ) -> None:
        super().__init__()
        self.steps, self.micro_steps, self.calls = steps, micro_steps, micro_steps + 1
        self.answer_proj = nn.Linear(dim, dim, bias=False)
        self.latent_proj = nn.Linear(dim, dim, bias=False)
        self.net = RecursiveNet(dim, heads, hidden, eps)

    def forward(
        self,
        x: Tensor,
        rotation: Rotation,
        tokens: Tokens,
        head: HaltingHead,
        *,
        steps: int,
        threshold: float | None = None,
        cache: CognateCache | None = None,
        recompute: bool = False,
    ) -> Refinement:
        """Refines the answer of every token `steps` times, or until it halts where a threshold is given.

        Shapes: x (B, T, D).
        Source: trm eq. 2.4, trm eq. 4.6b
        """
        slots = Slots(tokens, cache, self.calls)
        y, z = self.answer_proj(x), self.latent_proj(x)
        answers, logits = [], []
        rows: Rows | None = None
        active = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        taken = torch.zeros(x.shape[:2], dtype=torch.long, device=x.device)
        for step in range(steps):
            y, z = (y, z) if step == 0 else (y.detach(), z.detach())
            arguments = (step, x, y, z, rotation, slots)
            if rows is not None:
                y, z = self._step_rows(*arguments, rows)
            elif recompute:
                y, z = checkpoint(self._step, *arguments, use_reentrant=False)
            else:
                y, z = self._step(*arguments)
            answers.append(y)
            logits.append(head(y))
            taken += active
            if threshold is None or step == steps - 1:
                continue
            goes_on = head.probability(logits[-1], step) <= threshold
            active = active & (goes_on if tokens.valid is None else goes_on & tokens.valid)
            if not active.any():
                break
            rows = None if active.all() else Rows.of(active)
        slots.fill(len(answers), self.steps)
        return Refinement(answers, torch.stack(logits, dim=-1), taken)

    def _step(
        self, step: int, x: Tensor, y: Tensor, z: Tensor, rotation: Rotation, slots: Slots,
        rows: Rows | None = None,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """n times z <- net(x + y + z), then y <- net(y + z).

        Source: trm eq. 4.1a
        """
        for call in range(self.micro_steps):
            z = self.net(x + y + z, rotation, partial(slots.look, step, call, rows), rows)
        return self.net(y + z, rotation, partial(slots.look, step, self.micro_steps, rows), rows), z

    def _step_rows(
        self, step: int, x: Tensor, y: Tensor, z: Tensor, rotation: Rotation, slots: Slots, rows: Rows
    ) -> tuple[Tensor, Tensor]:
        """The same step for the chosen tokens; the others keep y and z."""
        where = (rows.batch, rows.time)
        chosen = self._step(step, x[where], y[where], z[where], rotation.rows(*where), slots, rows)
        return y.index_put(where, chosen[0]), z.index_put(where, chosen[1])
