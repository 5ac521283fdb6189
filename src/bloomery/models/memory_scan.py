"""Titans' memory over a whole sequence: chunk after chunk, with the gates of equal chunks solved together."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .fused_chunk import fused_chunk
from .surprise import Coefficients, Gates, blocks, cap_factor, chunk, coefficients, residual


class Memory(NamedTuple):
    """The memory's running weights, momentum and base (the weights where gradients are taken).

    Each is a list of layers (N, out, in), with a last (N, K) for the scale where the memory has a residual
    and norm. An empty `momentum` stands for zeros (or for no momentum), an empty `base` for `weights`.
    """

    weights: list[Tensor]
    momentum: list[Tensor]
    base: list[Tensor]


class Rule(NamedTuple):
    """M(k) = W_L f(... f(W_1 k)), or with `residual_norm` k + (1 + scale) norm(that)."""

    activation: str
    residual_norm: bool
    cap: float | None  # on the norm of a token's gradient, per layer
    fused: bool = True  # one autograd node a chunk; False: plain autograd, differentiable twice
    max_norm: float | None = None  # of a layer at the end of a chunk, in units of sqrt(out)


def scan(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    gates: Gates,
    memory: Memory,
    chunks: Iterable[tuple[slice, Tensor | bool]],
    rule: Rule,
) -> tuple[Tensor, Memory]:
    """Write every token and read the memory at its query: M_t(q_t), and the memory after the last token.

    `chunks` are the slots of each chunk and whether (or which rows) it is complete by its end.

    Shapes: q, k, v (N, G, K); each of gates (N, G) -> (N, G, K)
    Without `log_eta` and decay it is plain gradient descent; a linear memory is the delta rule, and from
    zero at theta = 1/2 in one chunk, linear attention.

    Source: titans eq. 13, titans eq. 14, titans eq. 15, titans eq. 16, titans eq. 17, titans eq. 18,
        titans eq. 4, titans eq. 5, titans eq. 8, titans eq. 9, titans eq. 10, titans eq. 32, titans eq. 33,
        titans eq. 34, titans eq. 35
    """
    reads, scales = [], []
    for length, equal in itertools.groupby(chunks, key=lambda c: c[0].stop - c[0].start):
        parts = list(equal)
        span = slice(parts[0][0].start, parts[-1][0].stop)

        tokens = zip(*(blocks(t, span, length).unbind(1) for t in (q, k, v)), strict=True)
        solved = coefficients(gates.blocks(span, length))
        for (_, full), token, how in zip(parts, tokens, solved.unbind(), strict=True):
            read, scale, weights, momentum = _chunk(token, how, memory, rule)
            weights = bounded(weights, full, rule.max_norm)
            memory = Memory(weights, momentum, _next_base(memory, weights, full))
            reads.append(read)
            scales.append(scale)
    out = torch.cat(reads, dim=1)
    return residual(q, torch.cat(scales, dim=1), out) if rule.residual_norm else out, memory


def _chunk(
    qkv: Sequence[Tensor], how: Coefficients, memory: Memory, rule: Rule
) -> tuple[Tensor, Tensor, list[Tensor], list[Tensor]]:
    """The last layer's reads, each token's scale (the reads again without one), and the next state."""
    run, (q, k, v) = fused_chunk if rule.fused else chunk, qkv
    weights, momentum, base = memory
    if not rule.residual_norm:
        out, _, weights, momentum = run(q, k, v, None, *memory, how, rule.activation, rule.cap)
        return out, out, weights, momentum
    start = (base or weights)[-1].unsqueeze(1)
    layers = weights[:-1], momentum[:-1], base[:-1]
    y, gradient, next_weights, next_momentum = run(q, k, v, start, *layers, how, rule.activation, rule.cap)
    assert gradient is not None
    if rule.cap is not None:
        gradient = gradient * cap_factor(gradient, None, rule.cap)
    scales = how.keep * weights[-1].unsqueeze(1) - how.mix @ gradient  # (N, c, K)
    if momentum and how.carry is not None:
        scales = scales + how.carry * momentum[-1].unsqueeze(1)
    if how.momentum_mix is not None and how.momentum_keep is not None:
        S = -(how.momentum_mix.mT @ gradient).squeeze(1)
        next_momentum.append(S + how.momentum_keep.squeeze(1) * momentum[-1] if momentum else S)
    return y, scales, [*next_weights, scales[:, -1]], next_momentum


def _next_base(memory: Memory, after: Sequence[Tensor], full: Tensor | bool) -> list[Tensor]:
    """Gradients move to the new weights where the chunk is complete; elsewhere they stay."""
    if full is True:
        return []
    base = memory.base or memory.weights
    if full is False:
        return base
    return [torch.where(full.view(-1, *[1] * (b.ndim - 1)), w, b) for w, b in zip(after, base, strict=True)]


def bounded(weights: list[Tensor], full: Tensor | bool, max_norm: float | None) -> list[Tensor]:
    """The weights, where a chunk is complete scaled down to a Frobenius norm of max_norm sqrt(out)."""
    if max_norm is None or full is False:
        return weights
    with torch.no_grad():
        over = torch.stack([_norm(w) > max_norm * w.shape[1] ** 0.5 for w in weights])
    if not torch.compiler.is_compiling() and not over.any():
        return weights
    scaled = [
        w
        * (max_norm * w.shape[1] ** 0.5 / _norm(w).clamp(min=max_norm * w.shape[1] ** 0.5)).view(
            -1, *[1] * (w.ndim - 1)
        )
        for w in weights
    ]
    if full is True:
        return scaled
    assert isinstance(full, Tensor)
    return [
        torch.where(full.view(-1, *[1] * (w.ndim - 1)), s, w) for s, w in zip(scaled, weights, strict=True)
    ]


def _norm(w: Tensor) -> Tensor:
    return torch.linalg.vector_norm(w.flatten(1), dim=1)  # (N,)
