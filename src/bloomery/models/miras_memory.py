"""MIRAS (arXiv 2504.13173): memories made of a network, a bias and a retention; Moneta, Yaad and Memora."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from .chunking import Grid, take
from .memory_layer import MemoryLayer, MemoryState, at_least_float32
from .miras_bias import L2, Bias, Dot, Huber, Lp, ValueShift
from .miras_retention import Decay, ElasticNet, Logistic, NormRetention, Retention, Softmax
from .miras_scan import Accumulators, MirasGates, MirasRule, boundaries, recall, scan

BIASES: dict[str, Callable[..., Bias]] = {
    "dot": Dot, "l2": L2, "lp": Lp, "huber": Huber, "value_shift": ValueShift,
}  # fmt: skip
RETENTIONS: dict[str, Callable[..., Retention]] = {
    "decay": Decay, "norm": NormRetention, "softmax": Softmax, "elastic_net": ElasticNet,
    "logistic": Logistic,
}  # fmt: skip
Named = str | Mapping[str, Any]
Made = TypeVar("Made")


class MirasMemory(MemoryLayer):
    """Writes each token by a step down its bias, keeps by its retention, reads the memory at its query.

    The memory is x + norm(W_L f(... W_1 x)), or without `residual_norm` the network alone, a matrix at depth
    1. It streams, pads and reads as `NeuralMemory` does. `MemoryState.weights` are the accumulators that
    `retention` maps to weights. Each token decides its step (at most `max_lr`), what it keeps and the bias's
    threshold, through a map of rank `gate_rank` (None: full rank), one number a head or, with `channelwise`,
    one a channel. `max_surprise` bounds a token's gradient norm per layer (None: no bound).

    Shapes: x (B, T, D) -> (B, T, D); mask (B, T) bool
    Source: miras eq. 4, miras eq. 5; sections 5.3 and 5.4
    """

    def __init__(
        self,
        dim: int,
        bias: Bias,
        retention: Retention,
        *,
        heads: int = 1,
        head_dim: int | None = None,
        depth: int = 2,
        expansion: float = 4.0,
        activation: Literal["gelu", "silu"] = "gelu",
        residual_norm: bool = True,
        chunk_size: int = 16,
        conv: int = 4,
        channelwise: bool = True,
        gate_rank: int | None = 32,
        max_lr: float = 0.02,
        max_surprise: float | None = 8.0,
        learn_initial: bool = True,
    ) -> None:
        if channelwise and depth > 2:
            raise ValueError(
                f"one gate a channel needs a depth of 1 or 2, got {depth}: give channelwise=False"
            )
        width = head_dim or dim // heads
        self.gates_each = width if channelwise else 1
        super().__init__(
            dim, heads=heads, head_dim=head_dim, depth=depth, expansion=expansion, activation=activation,
            scale=False, chunk_size=chunk_size, conv=conv, learn_initial=learn_initial,
            make_gates=lambda: low_rank(dim, 3 * heads * self.gates_each, gate_rank),
        )  # fmt: skip
        self.bias, self.retention, self.residual_norm = bias, retention, residual_norm
        self.max_lr, self.max_surprise = max_lr, max_surprise
        self.reset_parameters()

    def reset_parameters(self) -> None:
        self.reset_memory()
        if isinstance(self.retention, (Softmax, Logistic)):
            with torch.no_grad():  # logits of unit variance, or all weights would be alike
                for A in self._unflatten(self.initial.unsqueeze(0)):
                    A.mul_(A.shape[-1] ** 0.5)

    def _reset_gates(self) -> None:
        """Half the largest step, exp(-1) of the past after some 50 tokens, a threshold of 1."""
        last = self.to_gates[-1] if isinstance(self.to_gates, nn.Sequential) else self.to_gates
        assert isinstance(last, nn.Linear)
        bias = last.bias.unflatten(0, (self.heads, 3, -1))
        for index, logit in enumerate((0.0, 4.0, math.log(math.e - 1))):
            bias[:, index] = logit

    def initial_state(self, batch: int) -> MemoryState:
        state = super().initial_state(batch)
        settled = [self.retention.settled(A) for A in self._unflatten(state.weights)]
        weights = self._flatten(settled, batch)
        return state._replace(weights=weights, base=weights)

    def _gates(self, x: Tensor) -> Tensor:
        """eta, log(alpha) and the threshold: (B, T, H, 3, 1 or K)."""
        logits = at_least_float32(self.to_gates(x).unflatten(-1, (self.heads, 3, self.gates_each)))
        eta, alpha, threshold = logits.unbind(3)
        parts = (
            self.max_lr * torch.sigmoid(eta),
            functional.logsigmoid(alpha),
            functional.softplus(threshold),
        )
        return torch.stack(parts, dim=3)

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
        counts = torch.ones(q.shape[:2], dtype=torch.bool, device=q.device)
        tokens = [q.to(dtype), k.to(dtype), v.to(dtype), gates.to(dtype)]
        if layout.tokens is not None and layout.counts is not None:
            counts, tokens = layout.counts, [take(t, layout.tokens) for t in tokens]
        q, k, v, gates = (t.transpose(1, 2).flatten(0, 1) for t in tokens)  # (B H, G, ...)
        counts, position = counts.repeat_interleave(heads, 0), state.position.repeat_interleave(heads)
        eta, log_alpha, threshold = gates.unbind(2)
        if not isinstance(self.bias, Huber) or self.bias.form != "coordinate":
            threshold = threshold.mean(-1, keepdim=True)
        silent = counts.unsqueeze(-1).to(dtype)
        memory = Accumulators(self._unflatten(state.weights), self._unflatten(state.base))
        spans = boundaries(position, counts, self.chunk_size, self.retention.lag)
        decisions = MirasGates(eta * silent, log_alpha * silent, threshold)
        reads, memory = scan(q, k, v, decisions, memory, spans, self._rule)
        out = reads.unflatten(0, (batch, heads)).transpose(1, 2)  # (B, G, H, K)
        if layout.slots is not None:
            out = take(out, layout.slots)
        now, base = self._flatten(memory.now, batch), self._flatten(memory.start, batch)
        return out, state._replace(weights=now, base=base)

    @property
    def _rule(self) -> MirasRule:
        return MirasRule(self.activation, self.residual_norm, self.bias, self.retention, self.max_surprise)

    def _recall(self, q: Tensor, state: MemoryState) -> Tensor:
        rows = q.to(state.weights.dtype).transpose(1, 2).flatten(0, 1)  # (B H, T, K)
        layers = zip(self._unflatten(state.weights), self._unflatten(state.base), strict=True)
        weights = [self.retention.inside(A, start).unsqueeze(1) for A, start in layers]
        return recall(weights, rows, self._rule).unflatten(0, q.shape[:3:2]).transpose(1, 2)


def miras(dim: int, *, bias: Named = "l2", retention: Named = "decay", **options: Any) -> MirasMemory:
    """Any bias with any retention, each by its name, or with options, as {"name": "lp", "p": 3.0}.

    Source: arXiv 2504.13173 (MIRAS), section 5
    """
    return MirasMemory(dim, named(bias, BIASES, "bias"), named(retention, RETENTIONS, "retention"), **options)


def named(said: Named, known: Mapping[str, Callable[..., Made]], what: str) -> Made:
    """Raises: ValueError for an unknown name, TypeError for an option that the named one does not take."""
    options = {"name": said} if isinstance(said, str) else dict(said)
    name = str(options.pop("name", ""))
    if name not in known:
        raise ValueError(f"{what} must be one of {', '.join(known)}; got {name!r}")
    return known[name](**options)


def low_rank(dim: int, outputs: int, rank: int | None) -> nn.Module:
    """A linear map, with `rank` through so many numbers."""
    if rank is None:
        return nn.Linear(dim, outputs)
    return nn.Sequential(nn.Linear(dim, rank, bias=False), nn.Linear(rank, outputs))


def moneta(dim: int, *, p: float = 3.0, q: float = 4.0, exact: bool = False, **options: Any) -> MirasMemory:
    """The bias |e|_p^p with the q-norm's retention; `exact` for the link that the norm's optimum asks for.

    Source: miras eq. 24, miras eq. 25
    """
    return MirasMemory(dim, Lp(p), NormRetention(q, exact), **options)


def yaad(dim: int, *, form: str = "norm", **options: Any) -> MirasMemory:
    """The Huber bias, its threshold decided by each token, with decay.

    Source: miras eq. 26 (norm), miras eq. 26 (mixed)
    """
    return MirasMemory(dim, Huber(form), Decay(), **options)


def memora(
    dim: int, *, over: str = "row", total: float = 1.0, max_lr: float = 1.0, **options: Any
) -> MirasMemory:
    """The squared error with softmax retention: weights are shares; steps are those of logits, so larger.

    Source: miras eq. 27 (row), miras eq. 27 (matrix)
    """
    return MirasMemory(dim, L2(), Softmax(over, total), max_lr=max_lr, **options)
