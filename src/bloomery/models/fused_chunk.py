"""The chunk of `surprise.py` as one autograd node, its backward pass written out by hand.

Plain autograd would spend a third of its time on adding up gradients of the same weights and on zero-filled
gradients of slices; here every product accumulates in place. Letters as in `surprise.py`; in the backward
pass `d` before a name is the loss's gradient with respect to it. It can be differentiated once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .surprise import ACTIVATIONS, NORM_EPS, Coefficients, cap_factor

Grad = Tensor | None
TINY = 1e-30  # keeps 0 / 0 from tokens with no error at all


def fused_chunk(
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
) -> tuple[Tensor, Grad, list[Tensor], list[Tensor]]:
    """Read and write one chunk: the last layer's reads, the scale's gradients, next weights, next momentum.

    Empty `base` takes gradients at `weights`; empty `momentum` stands for zeros.

    Shapes: as in `surprise.surprise` and `surprise.read`
    """
    layers = len(weights)
    kinds = (layers, len(momentum), len(base))
    out = FusedChunk.apply(activation, cap, kinds, q, k, v, scale, *how, *weights, *momentum, *base)
    return out[0], out[1], list(out[2 : 2 + layers]), list(out[2 + layers :])


class FusedChunk(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, activation: str, cap: float | None, kinds: tuple[int, int, int], *tensors: Any
    ) -> Any:
        ctx.set_materialize_grads(False)
        q, k, v, scale = tensors[:4]
        how, (W, S, B) = Coefficients(*tensors[4:12]), _split(tensors[12:], kinds)
        f, df, _ = ACTIVATIONS[activation]
        L, base = kinds[0], B or W
        # the surprise, at the chunk's start
        a: list[Tensor] = [k]
        z: list[Tensor] = []
        slope: list[Tensor] = []
        p: list[Tensor] = []
        for w in base[:-1]:
            z.append(torch.bmm(a[-1], w.mT))
            slope.append(df(torch.ones_like(z[-1]), z[-1]))
            a.append(f(z[-1]))
        head = _head(torch.bmm(a[-1], base[-1].mT), k, v, scale)
        d = [head.delta]
        for layer in range(L - 2, -1, -1):
            p.insert(0, torch.bmm(d[0], base[layer + 1]))
            d.insert(0, p[0] * slope[layer])
        caps = [None if cap is None else cap_factor(x, inputs, cap) for x, inputs in zip(d, a, strict=True)]
        delta = [x if c is None else x * c for x, c in zip(d, caps, strict=True)]
        # reads, layer by layer
        b, s, G = [q], [], []
        for layer in range(L):
            G.append(torch.bmm(b[layer], a[layer].mT))
            s.append(_decayed_product(b[layer], W[layer], S[layer] if S else None, how))
            s[layer].baddbmm_(how.mix * G[layer], delta[layer], alpha=-1)
            if layer < L - 1:
                b.append(f(s[layer]))
        after_W, after_S = _advance(W, S, delta, a, how)
        ctx.save_for_backward(scale, *head, *how, *W, *S, *B, *a, *z, *slope, *p, *d, *caps, *b, *s[:-1], *G)
        ctx.activation, ctx.kinds = activation, kinds
        return s[-1], head.scale_gradient, *after_W, *after_S

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, ds: Grad, dscale_gradient: Grad, *dafter: Grad) -> Any:
        saved = Saved(ctx.saved_tensors, ctx.kinds)
        grads = Grads(saved)
        _advance_backward(saved, grads, dafter)
        if ds is not None:
            _read_backward(saved, grads, ds, ACTIVATIONS[ctx.activation].df)
        _surprise_backward(saved, grads, dscale_gradient, ACTIVATIONS[ctx.activation].ddf)
        return None, None, None, *grads.ordered()


class Head(NamedTuple):
    """The loss's gradient at the last layer's output y and at the scale, and what its backward needs."""

    delta: Tensor
    scale_gradient: Grad = None
    y: Grad = None
    n: Grad = None
    mean: Grad = None
    inverse_std: Grad = None
    error: Grad = None


def _head(y: Tensor, k: Tensor, v: Tensor, scale: Grad) -> Head:
    if scale is None:
        return Head(torch.sub(y, v).mul_(2))
    n, mean, inverse_std = torch.native_layer_norm(y, y.shape[-1:], None, None, NORM_EPS)
    error = torch.addcmul(k, 1 + scale, n).sub_(v).mul_(2)
    delta = _norm_backward((1 + scale) * error, y, mean, inverse_std)
    return Head(delta, error * n, y, n, mean, inverse_std, error)


def _head_backward(saved: Saved, grads: Grads, dd: Grad, dscale_gradient: Grad) -> tuple[Grad, Grad]:
    """Through the loss's own gradient: what reaches the last layer's output, and what reaches k directly."""
    if dd is None and dscale_gradient is None:
        return None, None
    delta, _, y, n, mean, r, error = saved.head
    if saved.scale is None:
        assert dd is not None
        dy = 2 * dd
        grads.v = -dy
        return dy, None
    dd = torch.zeros_like(delta) if dd is None else dd
    dgamma = torch.zeros_like(delta) if dscale_gradient is None else dscale_gradient
    gain = 1 + saved.scale
    g = gain * error
    dg = _norm_backward(dd, y, mean, r)  # delta = r (g - mean(g) - n mean(g n)) is a symmetric map of g
    derror = torch.addcmul(gain * dg, dgamma, n)
    dn = torch.addcmul(dgamma * error, gain, derror, value=2)
    dn -= r * torch.addcmul(dd * (g * n).mean(-1, keepdim=True), g, (dd * n).mean(-1, keepdim=True))
    grads.scale = torch.addcmul(dg * error, n, derror, value=2).sum(1, keepdim=True)
    dk = 2 * derror
    grads.v = -dk
    dy = _norm_backward(dn, y, mean, r)
    return dy.addcmul_(r * (dd * delta).mean(-1, keepdim=True), n, value=-1), dk


def _norm_backward(g: Tensor, y: Tensor, mean: Tensor, inverse_std: Tensor) -> Tensor:
    mask = [True, False, False]
    return torch.ops.aten.native_layer_norm_backward(g, y, y.shape[-1:], mean, inverse_std, None, None, mask)[
        0
    ]


class Saved:
    """What the forward pass kept, by layer; index 0 is the first layer."""

    def __init__(self, tensors: Sequence[Any], kinds: tuple[int, int, int]) -> None:
        L, momenta, bases = kinds
        self.scale: Grad = tensors[0]
        self.head: Any = Head(*tensors[1:8])  # its optional fields are there if and only if scale is,
        self.how: Any = Coefficients(*tensors[8:16])  # and these if and only if there is momentum
        sizes = (L, momenta, bases, L, L - 1, L - 1, L - 1, L, L, L, L - 1, L)
        (
            self.W,
            self.S,
            self.B,
            self.a,
            self.z,
            self.slope,
            self.p,
            self.d,
            self.caps,
            self.b,
            self.s,
            self.G,
        ) = _split(tensors[16:], sizes)
        self.base, self.layers = self.B or self.W, L
        self.delta = [x if c is None else x * c for x, c in zip(self.d, self.caps, strict=True)]


class Grads:
    """The gradients under construction; None is zero."""

    def __init__(self, saved: Saved) -> None:
        L = saved.layers
        self.q: Grad = None
        self.k: Grad = None
        self.v: Grad = None
        self.scale: Grad = None
        self.how: dict[str, Grad] = dict.fromkeys(Coefficients._fields)
        self.W: list[Grad] = [None] * L
        self.S: list[Grad] = [None] * len(saved.S)
        self.B: list[Grad] = [None] * len(saved.B)
        self.a: list[Grad] = [None] * L
        self.delta: list[Grad] = [None] * L

    def ordered(self) -> tuple[Grad, ...]:
        return self.q, self.k, self.v, self.scale, *self.how.values(), *self.W, *self.S, *self.B

    def add(self, coefficient: str, x: Tensor, y: Tensor, dim: int | tuple[int, int], alpha: int = 1) -> None:
        """Add alpha times the sum of x y over dim to the gradient of a coefficient."""
        self.how[coefficient] = _plus(self.how[coefficient], (x * y).sum(dim, keepdim=True), alpha)


def _advance_backward(saved: Saved, grads: Grads, dafter: Sequence[Grad]) -> None:
    how, L = saved.how, saved.layers
    for layer in range(L):
        parts = [(dafter[layer], "last_", how.last_mix, how.last_keep, saved.W, grads.W)]
        if how.momentum_mix is not None:
            parts.append(
                (dafter[L + layer], "momentum_", how.momentum_mix, how.momentum_keep, saved.S, grads.S)
            )
        for d_after, name, mix, keep, before, d_before in parts:
            if d_after is None:
                continue
            a, delta = saved.a[layer], saved.delta[layer]
            t = torch.bmm(a, d_after.mT)
            grads.add(f"{name}mix", delta, t, -1, alpha=-1)
            grads.delta[layer] = _plus(grads.delta[layer], t.mul_(mix), alpha=-1)
            grads.a[layer] = _add_product(grads.a[layer], mix * delta, d_after, alpha=-1)
            if before:
                grads.add(f"{name}keep", d_after, before[layer], (1, 2))
                d_before[layer] = _plus(d_before[layer], d_after * keep)
            if name == "last_" and saved.S:
                grads.add("last_carry", d_after, saved.S[layer], (1, 2))
                grads.S[layer] = d_after * how.last_carry


def _read_backward(saved: Saved, grads: Grads, ds: Tensor, df: Any) -> None:
    how = saved.how
    for layer in range(saved.layers - 1, -1, -1):
        a, b, delta, G = saved.a[layer], saved.b[layer], saved.delta[layer], saved.G[layer]
        M = torch.bmm(ds, delta.mT)
        mixed_M, mixed_G = how.mix * M, how.mix * G
        t = torch.bmm(ds, saved.W[layer])
        grads.add("keep", b, t, -1)
        db = t.mul_(how.keep)
        grads.W[layer] = _add_decayed_product(grads.W[layer], ds, b, how.keep)
        if saved.S:
            t = torch.bmm(ds, saved.S[layer])
            grads.add("carry", b, t, -1)
            db.addcmul_(how.carry, t)
            grads.S[layer] = _add_decayed_product(grads.S[layer], ds, b, how.carry)
        db.baddbmm_(mixed_M, a, alpha=-1)
        grads.a[layer] = _add_product(grads.a[layer], mixed_M.mT, b, alpha=-1)
        grads.delta[layer] = _add_product(grads.delta[layer], mixed_G.mT, ds, alpha=-1)
        grads.how["mix"] = _plus(grads.how["mix"], M.mul_(G), alpha=-1)
        if layer == 0:
            grads.q = db
        else:
            ds = df(db, saved.s[layer - 1])


def _surprise_backward(saved: Saved, grads: Grads, dscale_gradient: Grad, ddf: Any) -> None:
    """Back through the capped errors: first along them towards the last layer, then down the layers."""
    L, base, dbase = saved.layers, saved.base, grads.B or grads.W
    dd = _cap_backward(saved, grads)
    dz: list[Grad] = [None] * (L - 1)
    for layer in range(L - 1):
        g = dd[layer]
        if g is None:
            continue
        dz[layer] = ddf(saved.z[layer]).mul_(saved.p[layer]).mul_(g)
        dp = g * saved.slope[layer]
        dd[layer + 1] = _add_product(dd[layer + 1], dp, base[layer + 1].mT)
        dbase[layer + 1] = _add_product(dbase[layer + 1], saved.d[layer + 1].mT, dp)
    g, dk = _head_backward(saved, grads, dd[-1], dscale_gradient)
    for layer in range(L - 1, -1, -1):
        if g is None:
            break
        dbase[layer] = _add_product(dbase[layer], g.mT, saved.a[layer])
        da = _add_product(grads.a[layer], g, base[layer])
        if layer == 0:
            grads.k = da if dk is None else da.add_(dk)
        else:
            g = _plus(dz[layer - 1], da.mul_(saved.slope[layer - 1]))


def _cap_backward(saved: Saved, grads: Grads) -> list[Grad]:
    """delta = c d with c = cap / sqrt(max(|d|^2 |a|^2, cap^2)): only tokens over the cap have dc."""
    dd: list[Grad] = []
    for layer, (ddelta, c) in enumerate(zip(grads.delta, saved.caps, strict=True)):
        if ddelta is None or c is None:
            dd.append(ddelta)
            continue
        d, a = saved.d[layer], saved.a[layer]
        dlog = torch.where(c < 1, -c * (ddelta * d).sum(-1, keepdim=True), 0.0)
        dd.append(torch.addcmul(ddelta * c, dlog / d.square().sum(-1, keepdim=True).clamp(min=TINY), d))
        grads.a[layer] = _plus(grads.a[layer], dlog / a.square().sum(-1, keepdim=True).clamp(min=TINY) * a)
    return dd


def _decayed_product(b: Tensor, W: Tensor, S: Grad, how: Coefficients) -> Tensor:
    """keep_t W b_t + carry_t S b_t, the decays applied on whichever side of the weights is narrower."""
    if W.shape[2] <= W.shape[1]:
        out = torch.bmm(how.keep * b, W.mT)
        return out if S is None or how.carry is None else out.baddbmm_(how.carry * b, S.mT)
    out = torch.bmm(b, W.mT).mul_(how.keep)
    return out if S is None or how.carry is None else out.addcmul_(how.carry, torch.bmm(b, S.mT))


def _add_decayed_product(total: Grad, ds: Tensor, b: Tensor, decay: Tensor) -> Tensor:
    """total + sum over tokens of decay_t ds_t b_t^T."""
    if b.shape[2] <= ds.shape[2]:
        return _add_product(total, ds.mT, decay * b)
    return _add_product(total, (decay * ds).mT, b)


def _advance(
    W: Sequence[Tensor], S: Sequence[Tensor], delta: Sequence[Tensor], a: Sequence[Tensor], how: Coefficients
) -> tuple[list[Tensor], list[Tensor]]:
    after_W, after_S = [], []
    for layer, w in enumerate(W):
        after = w * how.last_keep
        if S and how.last_carry is not None:
            after.addcmul_(S[layer], how.last_carry)
        after_W.append(_add_product(after, (how.last_mix * delta[layer]).mT, a[layer], alpha=-1))
        if how.momentum_mix is not None and how.momentum_keep is not None:
            moved = (how.momentum_mix * delta[layer]).mT
            kept = S[layer] * how.momentum_keep if S else None
            after_S.append(_add_product(kept, moved, a[layer], alpha=-1))
    return after_W, after_S


def _add_product(total: Grad, x: Tensor, y: Tensor, alpha: int = 1) -> Tensor:
    """total + alpha x y, in place."""
    if total is None:
        product = torch.bmm(x, y)
        return product if alpha == 1 else product.neg_()
    return total.baddbmm_(x, y, alpha=alpha)


def _plus(total: Grad, term: Tensor, alpha: int = 1) -> Tensor:
    """total + alpha term, in place."""
    if total is None:
        return term if alpha == 1 else term.neg_()
    return total.add_(term, alpha=alpha)


def _split(tensors: Sequence[Any], sizes: Sequence[int]) -> list[list[Any]]:
    parts, start = [], 0
    for size in sizes:
        parts.append(list(tensors[start : start + size]))
        start += size
    return parts
