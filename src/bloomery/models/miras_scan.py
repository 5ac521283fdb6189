"""A MIRAS memory over a sequence, chunk after chunk.

Letters: N rows (batch x heads), c tokens, A accumulators and W weights of the memory's layers, g gradients.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from .miras_bias import Bias
from .miras_retention import Retention
from .surprise import ACTIVATIONS, NORM_EPS, cap_factor, decay_matrix, normalize


class MirasGates(NamedTuple):
    """Per token: step size, log of what is kept, the bias's threshold.

    Shapes: (N, c, 1) or, one a channel, (N, c, K), each
    """

    eta: Tensor
    log_alpha: Tensor
    threshold: Tensor

    def part(self, span: slice) -> MirasGates:
        return MirasGates(*(t[:, span] for t in self))


class Accumulators(NamedTuple):
    """One (N, out, in) a layer: after the last token, and at the start of the running chunk."""

    now: list[Tensor]
    start: list[Tensor]


class MirasRule(NamedTuple):
    """The memory's form, what it minimises, what it keeps."""

    activation: str
    residual_norm: bool
    bias: Bias
    retention: Retention
    cap: float | None  # on the norm of a token's gradient, per layer


def boundaries(
    position: Tensor, counts: Tensor, chunk_size: int, lag: bool
) -> Iterator[tuple[slice, Tensor]]:
    """Spans of slots in which no row's chunk ends before the last slot, and whose chunk ends there.

    Shapes: position (N,) tokens in the running chunk; counts (N, G) bool -> rows (N,) bool with each span
    """
    place = (position.unsqueeze(1) + counts.long().cumsum(1) - 1) % chunk_size
    ends = place == chunk_size - 1
    if lag:
        ends = ends | (place == 0)
    ends = ends & counts
    stops = [s + 1 for s in ends.any(0).nonzero().flatten().tolist()]
    if not stops or stops[-1] < counts.shape[1]:
        stops.append(counts.shape[1])
    start = 0
    for stop in stops:
        yield slice(start, stop), ends[:, stop - 1]
        start = stop


def scan(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    gates: MirasGates,
    memory: Accumulators,
    spans: Iterator[tuple[slice, Tensor]],
    rule: MirasRule,
) -> tuple[Tensor, Accumulators]:
    """Write every token and read the memory at its query, after its own write.

    Gradients are taken at the weights of the running chunk's start. A token that ends a chunk reads the
    memory's weights; a token inside reads them by `Retention.inside`.

    Shapes: q, k, v (N, G, K) -> (N, G, K)
    Source: miras eq. 28, miras eq. 29, miras eq. 31, miras eq. 32
    """
    reads = []
    for span, ends in spans:
        read, memory = _span(q[:, span], k[:, span], v[:, span], gates.part(span), memory, ends, rule)
        reads.append(read)
    return torch.cat(reads, dim=1), memory


def _span(
    q: Tensor, k: Tensor, v: Tensor, gates: MirasGates, memory: Accumulators, ends: Tensor, rule: MirasRule
) -> tuple[Tensor, Accumulators]:
    keep = rule.retention
    at = [keep.inside(A, A) for A in memory.start]
    every = accumulated(memory.now, gradients(at, k, v, gates.threshold, rule), gates)
    weights = [keep.inside(A, start.unsqueeze(1)) for A, start in zip(every, memory.start, strict=True)]
    last = [A[:, -1] for A in every]
    row = ends.view(-1, 1, 1)
    settled = [torch.where(row, keep.settled(A), A) for A in last]
    for i, A in enumerate(last):
        final = torch.where(row, keep.weights(A), weights[i][:, -1]).unsqueeze(1)
        weights[i] = torch.cat((weights[i][:, :-1], final), dim=1)
    start = [torch.where(row, A, before) for A, before in zip(settled, memory.start, strict=True)]
    return recall(weights, q, rule), Accumulators(settled, start)


def gradients(
    weights: Sequence[Tensor], k: Tensor, v: Tensor, threshold: Tensor, rule: MirasRule
) -> list[Tensor]:
    """Each token's gradient of the bias at the given weights.

    Shapes: weights[l] (N, out, in), k, v (N, c, K) -> one (N, c, out, in) a layer
    Source: miras eq. 5
    Differs: with `rule.cap`, a token's gradient of a layer is scaled down to that Frobenius norm.
    """
    f, df, _ = ACTIVATIONS[rule.activation]
    inputs, zs = [k], []
    for W in weights[:-1]:
        zs.append(inputs[-1] @ W.mT)
        inputs.append(f(zs[-1]))
    y = inputs[-1] @ weights[-1].mT
    if rule.residual_norm:
        n, inverse_std = normalize(y)
        g = rule.bias.slope(k + n, v, threshold)
        delta = inverse_std * (g - g.mean(-1, keepdim=True) - n * (g * n).mean(-1, keepdim=True))
    else:
        delta = rule.bias.slope(y, v, threshold)
    deltas = [delta]
    for W, z in zip(reversed(weights[1:]), reversed(zs), strict=True):
        deltas.insert(0, df(deltas[0] @ W, z))
    if rule.cap is not None:
        deltas = [d * cap_factor(d, a, rule.cap) for d, a in zip(deltas, inputs, strict=True)]
    return [d.unsqueeze(-1) * a.unsqueeze(-2) for d, a in zip(deltas, inputs, strict=True)]


def accumulated(now: Sequence[Tensor], gradient: Sequence[Tensor], gates: MirasGates) -> list[Tensor]:
    """A_t = alpha_t A_{t-1} - eta_t g_t after each token, solved for all tokens at once.

    One gate a channel belongs to the memory's outputs in its last layer, and to its inputs in the first.

    Shapes: now[l] (N, out, in), gradient[l] (N, c, out, in) -> the same
    Source: miras eq. 24, miras eq. 26, miras eq. 27
    """
    log_alpha = gates.log_alpha.mT  # (N, 1 or K, c)
    mix = decay_matrix(log_alpha) * gates.eta.mT.unsqueeze(-2)  # (N, 1 or K, t, j)
    keep = log_alpha.cumsum(-1).exp()
    channels, after = log_alpha.shape[1], []
    for layer, (A, g) in enumerate(zip(now, gradient, strict=True)):
        if channels == 1:
            kept = torch.einsum("nt,noi->ntoi", keep[:, 0], A)
            after.append(kept - torch.einsum("ntj,njoi->ntoi", mix[:, 0], g))
        elif layer == len(now) - 1:
            after.append(torch.einsum("not,noi->ntoi", keep, A) - torch.einsum("notj,njoi->ntoi", mix, g))
        else:
            after.append(torch.einsum("nit,noi->ntoi", keep, A) - torch.einsum("nitj,njoi->ntoi", mix, g))
    return after


def recall(weights: Sequence[Tensor], q: Tensor, rule: MirasRule) -> Tensor:
    """M(q) with the weights of each token, or with one set for all.

    Shapes: weights[l] (N, c or 1, out, in), q (N, c, K) -> (N, c, K)
    """
    f, a = ACTIVATIONS[rule.activation].f, q
    for W in weights[:-1]:
        a = f((W @ a.unsqueeze(-1)).squeeze(-1))
    y = (weights[-1] @ a.unsqueeze(-1)).squeeze(-1)
    return q + functional.layer_norm(y, y.shape[-1:], eps=NORM_EPS) if rule.residual_norm else y
