"""TRM's net: a few layers that see a whole grid at once, by attention or by a perceptron over its places."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attention import SlidingWindowAttention, Visibility
from .feedforward import SwiGLU
from .rotary import rotation

EVERYTHING = Visibility(None, False)


class OverPlaces(nn.Module):
    """A SwiGLU whose inputs are the places of the grid, the same for every channel; it fixes their number.

    Shapes: (B, L, D) -> the same
    Source: arXiv 2510.04871 (TRM), section 4.5
    """

    def __init__(self, places: int, hidden: int) -> None:
        super().__init__()
        self.feedforward = SwiGLU(places, hidden)

    def forward(self, h: Tensor) -> Tensor:
        return self.feedforward(h.mT).mT


class OverAll(nn.Module):
    """Attention of every place to every place, with rotary positions.

    Shapes: (B, L, D) -> the same
    """

    def __init__(self, dim: int, heads: int, theta: float) -> None:
        super().__init__()
        self.attention, self.theta = SlidingWindowAttention(dim, heads), theta

    def forward(self, h: Tensor) -> Tensor:
        places = torch.arange(h.shape[1], device=h.device).unsqueeze(0)
        return self.attention(h, rotation(places, self.attention.head_dim, self.theta), EVERYTHING)


class TinyBlock(nn.Module):
    """u = norm(h + mixer(h)); norm(u + SwiGLU(u)); norms without weights, nothing with a bias.

    Shapes: (B, L, D) -> the same
    Source: trm eq. 2.1
    """

    def __init__(self, mixer: nn.Module, dim: int, hidden: int, eps: float) -> None:
        super().__init__()
        self.mixer, self.feedforward, self.eps = mixer, SwiGLU(dim, hidden), eps

    def forward(self, h: Tensor) -> Tensor:
        u = self._norm(h + self.mixer(h))
        return self._norm(u + self.feedforward(u))

    def _norm(self, h: Tensor) -> Tensor:
        return F.rms_norm(h, h.shape[-1:], eps=self.eps)
