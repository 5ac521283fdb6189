"""One chunk of Titans' memory update, in closed form.

Gradients are taken at the weights of the chunk's start, so each token's gradient is a rank-1 outer product
per layer. Reading the memory at every token of a chunk is then a few masked, attention-like products, and no
token ever gets weight matrices of its own.

Letters: N rows (batch x heads), c tokens in the chunk, theta step size, eta momentum, alpha forgetting,
W memory weights, S momentum, a layer inputs, delta layer errors (dl/dz), g = delta a^T gradients.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


def _gelu_curvature(z: Tensor) -> Tensor:
    return (2 - z * z) * (z * z * -0.5).exp() * (2 * math.pi) ** -0.5


def _silu_backward(delta: Tensor, z: Tensor) -> Tensor:
    p = torch.sigmoid(z)
    return delta * p * (1 + z * (1 - p))


def _silu_curvature(z: Tensor) -> Tensor:
    p = torch.sigmoid(z)
    return p * (1 - p) * (2 + z * (1 - 2 * p))


class Activation(NamedTuple):
    """An activation f(z), its gradient delta f'(z), and its second derivative f''(z)."""

    f: Callable[[Tensor], Tensor]
    df: Callable[[Tensor, Tensor], Tensor]
    ddf: Callable[[Tensor], Tensor]


ACTIVATIONS = {
    "gelu": Activation(functional.gelu, torch.ops.aten.gelu_backward, _gelu_curvature),
    "silu": Activation(functional.silu, _silu_backward, _silu_curvature),
}
NORM_EPS = 1e-5


class Gates(NamedTuple):
    """Per token: step size, log of the momentum decay, log of what is kept, whether it counts (0 or 1).

    Shapes: each (..., c); log_eta is None without momentum, counts is None where every token counts.
    """

    theta: Tensor
    log_eta: Tensor | None
    log_keep: Tensor
    counts: Tensor | None = None

    def blocks(self, span: slice, length: int) -> Gates:
        eta, counts = self.log_eta, self.counts
        return Gates(
            theta=blocks(self.theta, span, length),
            log_eta=None if eta is None else blocks(eta, span, length),
            log_keep=blocks(self.log_keep, span, length),
            counts=None if counts is None else blocks(counts, span, length),
        )


class Coefficients(NamedTuple):
    """How a chunk's gradients g_i and its starting state enter each token's weights and the final momentum.

    W_t = keep_t W_0 + carry_t S_0 - sum_i mix_ti g_i, and S_c = momentum_keep S_0 - sum_i momentum_mix_i g_i.
    `last_` repeats the last token's, shaped to scale what `momentum_` scales. None without momentum.

    Shapes: keep, carry, last_mix, momentum_mix (..., c, 1); mix (..., c, c) lower triangular; last_keep,
    last_carry, momentum_keep (..., 1, 1)
    """

    keep: Tensor
    mix: Tensor
    last_keep: Tensor
    last_mix: Tensor
    carry: Tensor | None = None
    last_carry: Tensor | None = None
    momentum_keep: Tensor | None = None
    momentum_mix: Tensor | None = None

    def unbind(self) -> list[Coefficients]:
        """One for each chunk, chunks being the second dimension."""
        columns = [itertools.repeat(None) if t is None else t.unbind(1) for t in self]
        return [Coefficients(*row) for row in zip(*columns, strict=False)]


def blocks(t: Tensor, span: slice, length: int) -> Tensor:
    """The tokens of a span in chunks of one length: (N, T, ...) -> (N, chunks, length, ...)."""
    return t[:, span].unflatten(1, (-1, length))


def decay_matrix(log_decay: Tensor) -> Tensor:
    """exp(sum of log_decay over (j, t]) for j <= t, else 0; summed term by term, so nothing is ever divided.

    Shapes: (..., c) -> (..., c, c)
    """
    c = log_decay.shape[-1]
    after = torch.ones(c, c, dtype=torch.bool, device=log_decay.device).tril(-1)  # t > j
    steps = torch.where(after, log_decay.unsqueeze(-1), 0.0)
    return steps.cumsum(-2).exp().tril()


def coefficients(gates: Gates) -> Coefficients:
    """Solve the two gate recurrences of a chunk.

    Source: titans eq. 13, titans eq. 14
    """
    theta, log_eta, log_keep, counts = gates
    kept = decay_matrix(log_keep)  # (..., t, j)
    if counts is not None:
        kept = kept * counts.unsqueeze(-2)
    keep = log_keep.cumsum(-1).exp().unsqueeze(-1)
    if log_eta is None:
        mix = kept * theta.unsqueeze(-2)
        return Coefficients(keep, mix, keep[..., -1:, :], mix[..., -1, :, None])
    momentum = decay_matrix(log_eta)  # (..., j, i)
    from_start = log_eta.cumsum(-1).exp().unsqueeze(-1)
    mix, carry = (kept @ momentum) * theta.unsqueeze(-2), kept @ from_start
    return Coefficients(
        keep=keep,
        mix=mix,
        last_keep=keep[..., -1:, :],
        last_mix=mix[..., -1, :, None],
        carry=carry,
        last_carry=carry[..., -1:, :],
        momentum_keep=from_start[..., -1:, :],
        momentum_mix=(momentum[..., -1, :] * theta).unsqueeze(-1),
    )


class Surprise(NamedTuple):
    """Per-token gradients of the memory's loss, as factors: layer l has gradient deltas[l] inputs[l]^T.

    Shapes: inputs[l] (N, c, in_l); deltas[l] (N, c, out_l); scale (N, c, out) or None
    """

    inputs: list[Tensor]
    deltas: list[Tensor]
    scale: Tensor | None


def surprise(
    weights: Sequence[Tensor],
    scale: Tensor | None,
    k: Tensor,
    v: Tensor,
    activation: Activation,
    cap: float | None,
) -> Surprise:
    """Gradient of |M(k) - v|^2 for each token at the given weights.

    M(k) = W_L f(... f(W_1 k)), or k + (1 + scale) norm(that) where there is a `scale`.

    Source: titans eq. 12
    Differs: with `cap`, a token's gradient of a layer is scaled down to that Frobenius norm.
    """
    f, df, _ = activation
    inputs, zs = [k], []
    for W in weights[:-1]:
        zs.append(inputs[-1] @ W.mT)
        inputs.append(f(zs[-1]))
    delta, scale_gradient = loss_head(inputs[-1] @ weights[-1].mT, k, v, scale)
    deltas = [delta]
    for W, z in zip(reversed(weights[1:]), reversed(zs), strict=True):
        deltas.insert(0, df(deltas[0] @ W, z))
    if cap is not None:
        deltas = [d * cap_factor(d, a, cap) for d, a in zip(deltas, inputs, strict=True)]
    return Surprise(inputs, deltas, scale_gradient)


def loss_head(y: Tensor, k: Tensor, v: Tensor, scale: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Gradient of |M(k) - v|^2 for the last layer's output y, and for the scale where there is one."""
    if scale is None:
        return 2 * (y - v), None
    n, inverse_std = normalize(y)
    error = 2 * (k + (1 + scale) * n - v)
    g = (1 + scale) * error
    return inverse_std * (g - g.mean(-1, keepdim=True) - n * (g * n).mean(-1, keepdim=True)), error * n


def cap_factor(delta: Tensor, a: Tensor | None, cap: float) -> Tensor:
    """What scales the gradient delta a^T (delta alone without a) down to norm `cap`, if it is longer."""
    squared = delta.square().sum(-1, keepdim=True)
    if a is not None:
        squared = squared * a.square().sum(-1, keepdim=True)  # |delta a^T|^2 = |delta|^2 |a|^2
    return cap * squared.clamp(min=cap * cap).rsqrt()


def normalize(y: Tensor) -> tuple[Tensor, Tensor]:
    centred = y - y.mean(-1, keepdim=True)
    inverse_std = (centred.square().mean(-1, keepdim=True) + NORM_EPS).rsqrt()
    return centred * inverse_std, inverse_std


def chunk(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    scale: Tensor | None,
    weights: Sequence[Tensor],
    momentum: Sequence[Tensor],
    base: Sequence[Tensor],
    how: Coefficients,
    activation: str,
    cap: float | None,
) -> tuple[Tensor, Tensor | None, list[Tensor], list[Tensor]]:
    """Read and write one chunk: the last layer's reads, the scale's gradients, next weights, next momentum.

    Empty `base` takes gradients at `weights`; empty `momentum` stands for zeros.

    Shapes: q, k, v (N, c, K); scale (N, 1, K); weights[l] (N, out_l, in_l)
    """
    gradient = surprise(base or weights, scale, k, v, ACTIVATIONS[activation], cap)
    out = read(weights, momentum, gradient, how, q, ACTIVATIONS[activation])
    return out, gradient.scale, *advance(weights, momentum, gradient, how)


def read(
    weights: Sequence[Tensor],
    momentum: Sequence[Tensor],
    gradient: Surprise,
    how: Coefficients,
    q: Tensor,
    activation: Activation,
) -> Tensor:
    """M_t(q_t) for every token t of a chunk, W_t being the weights after token t's write.

    Shapes: as in `chunk`
    Source: titans eq. 15
    """
    a = q
    for layer, (inputs, delta) in enumerate(zip(gradient.inputs, gradient.deltas, strict=True)):
        z = how.keep * (a @ weights[layer].mT) - (how.mix * (a @ inputs.mT)) @ delta
        if momentum and how.carry is not None:
            z = z + how.carry * (a @ momentum[layer].mT)
        a = activation.f(z) if layer < len(gradient.deltas) - 1 else z
    return a


def advance(
    weights: Sequence[Tensor], momentum: Sequence[Tensor], gradient: Surprise, how: Coefficients
) -> tuple[list[Tensor], list[Tensor]]:
    """The weights and momentum after the chunk's last token.

    Source: titans eq. 13, titans eq. 14
    """
    after_W, after_S = [], []
    for layer, (delta, inputs) in enumerate(zip(gradient.deltas, gradient.inputs, strict=True)):
        W = how.last_keep * weights[layer] - (how.last_mix * delta).mT @ inputs
        if momentum and how.last_carry is not None:
            W = W + how.last_carry * momentum[layer]
        after_W.append(W)
        if how.momentum_mix is not None and how.momentum_keep is not None:
            S = -(how.momentum_mix * delta).mT @ inputs
            after_S.append(S + how.momentum_keep * momentum[layer] if momentum else S)
    return after_W, after_S


def recall(weights: Sequence[Tensor], scale: Tensor | None, q: Tensor, activation: Activation) -> Tensor:
    """M(q) at fixed weights: reading without writing.

    Shapes: as in `chunk`
    Source: titans eq. 15
    """
    a = q
    for W in weights[:-1]:
        a = activation.f(a @ W.mT)
    y = a @ weights[-1].mT
    return y if scale is None else residual(q, scale, y)


def residual(q: Tensor, scale: Tensor, y: Tensor) -> Tensor:
    """q + (1 + scale) norm(y): what a memory with residual and norm makes of its last layer's output."""
    return torch.addcmul(q, 1 + scale, functional.layer_norm(y, y.shape[-1:], eps=NORM_EPS))
