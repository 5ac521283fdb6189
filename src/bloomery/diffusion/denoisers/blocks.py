"""Transformer blocks that see in all directions, read conditions by cross-attention and are told the time.

Norms come first. The time scales and shifts what a norm gives and opens the gate of what a block adds; all of
these start at 0, so that every block starts as the identity. A net that is told no time has them as plain
parameters.

Source: arXiv 2212.09748 (DiT), section 3.2, adaLN-Zero
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bloomery.models.rotary import Rotation, rotate

FASTEST = 1000.0  # radians in the whole time, of the quickest feature


class ZeroLinear(nn.Linear):
    """A linear map that starts as nothing."""

    def reset_parameters(self) -> None:
        nn.init.zeros_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class TimeEmbedding(nn.Module):
    """A time of [0, 1] as a vector. Shapes: t (B,) -> (B, dim)"""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.inward, self.outward = nn.Linear(2 * (dim // 2), dim), nn.Linear(dim, dim)

    def forward(self, t: Tensor) -> Tensor:
        power = torch.linspace(0, math.log(FASTEST), self.dim // 2, device=t.device, dtype=torch.float64)
        phase = t[:, None].double() * power.exp()
        features = torch.cat([phase.sin(), phase.cos()], 1).to(self.inward.weight.dtype)
        return self.outward(F.silu(self.inward(features)))


class Modulation(nn.Module):
    """So many vectors of the time, all 0 at first; without a time the same ones for all.

    By threes they are a shift, a scale and a gate; a gate starts as `gate` says.

    Shapes: time (B, dim) -> count times (B, 1, dim); None -> count times (dim,)
    """

    def __init__(self, dim: int, count: int, timed: bool = True, gate: float = 0.0) -> None:
        super().__init__()
        self.count, self.gate = count, gate
        self.linear = ZeroLinear(dim, count * dim, bias=False) if timed else None
        self.bias = nn.Parameter(torch.empty(count * dim))
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        nn.init.zeros_(self.bias)
        self.bias.view(self.count, -1)[2::3] = self.gate

    def forward(self, time: Tensor | None) -> tuple[Tensor, ...]:
        if time is None or self.linear is None:
            return self.bias.chunk(self.count, -1)
        return (self.linear(F.silu(time)) + self.bias)[:, None].chunk(self.count, -1)


class KeyValues:
    """The keys and values of one layer over a whole canvas, kept while a part of it is worked on."""

    def __init__(self) -> None:
        self.k: Tensor | None = None
        self.v: Tensor | None = None

    def joined(self, k: Tensor, v: Tensor, start: int) -> tuple[Tensor, Tensor]:
        """All of them, with the new ones in their place from `start` on. Shapes: (B, T, heads, head_dim)"""
        if self.k is None or self.v is None:
            self.k, self.v = k, v
            return k, v
        end = start + k.shape[1]
        return (
            torch.cat([self.k[:, :start], k, self.k[:, end:]], 1),
            torch.cat([self.v[:, :start], v, self.v[:, end:]], 1),
        )


class Attention(nn.Module):
    """Every query sees every key that is there. A query that may see none gets 0.

    Shapes: x (B, T, dim), source (B, S, dim), seen (B, S), False where there is nothing -> (B, T, dim)
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        if dim % heads or dim // heads % 2:
            raise ValueError(f"heads are equal and of even size: {dim} does not divide so by {heads}")
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(dim, dim, bias=False) for _ in range(3))
        self.o_proj = nn.Linear(dim, dim, bias=False)

    def forward(
        self,
        x: Tensor,
        source: Tensor,
        seen: Tensor | None = None,
        rotation: Rotation | None = None,
        kept: KeyValues | None = None,
        start: int = 0,
    ) -> Tensor:
        q, k, v = (
            self._split(self.q_proj(x)),
            self._split(self.k_proj(source)),
            self._split(self.v_proj(source)),
        )
        if rotation is not None:
            q, k = rotate(q, rotation), rotate(k, rotation)
        if kept is not None:
            k, v = kept.joined(k, v, start)
        if seen is None:
            mixed = self._attend(q, k, v, None)
        else:
            some = seen.any(-1)[:, None, None]  # nothing seen: look at all of it, and forget it
            mixed = self._attend(q, k, v, (seen[:, None, None] | ~some[..., None])) * some
        return self.o_proj(mixed)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1))

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, allowed: Tensor | None) -> Tensor:
        q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
        return F.scaled_dot_product_attention(q, k, v, attn_mask=allowed).transpose(1, 2).flatten(2)


class FeedForward(nn.Module):
    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.up_proj, self.down_proj = nn.Linear(dim, hidden), nn.Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.gelu(self.up_proj(x)))


class TransformerBlock(nn.Module):
    """Self-attention and a feed-forward net. Shapes: x (B, T, dim), time (B, dim), seen (B, T) -> as x"""

    def __init__(self, dim: int, heads: int, hidden: int, timed: bool = True, gate: float = 0.0) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(dim, elementwise_affine=False) for _ in range(2))
        self.modulation = Modulation(dim, 6, timed, gate)
        self.attention, self.feed_forward = Attention(dim, heads), FeedForward(dim, hidden)

    def forward(
        self,
        x: Tensor,
        time: Tensor | None = None,
        *,
        seen: Tensor | None = None,
        rotation: Rotation | None = None,
        kept: KeyValues | None = None,
        start: int = 0,
    ) -> Tensor:
        shift, scale, gate, shift_2, scale_2, gate_2 = self.modulation(time)
        h = self.norms[0](x) * (1 + scale) + shift
        x = x + gate * self.attention(h, h, seen, rotation, kept, start)
        return x + gate_2 * self.feed_forward(self.norms[1](x) * (1 + scale_2) + shift_2)


class CrossAttentionBlock(nn.Module):
    """Reads a condition. Where nothing of it is seen it adds nothing.

    Shapes: x (B, T, dim), condition (B, C, dim), time (B, dim), seen (B, C) -> as x
    """

    def __init__(self, dim: int, heads: int, timed: bool = True, gate: float = 0.0) -> None:
        super().__init__()
        self.norm, self.norm_condition = nn.LayerNorm(dim, elementwise_affine=False), nn.LayerNorm(dim)
        self.modulation, self.attention = Modulation(dim, 3, timed, gate), Attention(dim, heads)

    def forward(
        self, x: Tensor, condition: Tensor, time: Tensor | None = None, *, seen: Tensor | None = None
    ) -> Tensor:
        shift, scale, gate = self.modulation(time)
        h = self.norm(x) * (1 + scale) + shift
        return x + gate * self.attention(h, self.norm_condition(condition), seen)
