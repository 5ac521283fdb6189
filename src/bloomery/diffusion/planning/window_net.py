"""A denoiser of whole windows: a residual network over all entries at once.

Beside the entries it is told the time, and which places of the maze the first and the last token are near:
the way between two places is no smooth function of their coordinates, but of these it is almost a table.
"""

import math

import torch
from torch import Tensor, nn

FEATURES = 32  # of the time
FASTEST = 1000.0  # of the time's frequencies
SPREAD = 0.4  # of a place, in distances between places


class WindowNet(nn.Module):
    """`places` are those of the maze's cells, in units in which tokens begin with theirs; `apart` how far two
    neighbours are on each axis.

    Shapes: x (B, horizon, width), t (B,) -> as x; places (N, 2), apart (2,)
    """

    def __init__(
        self, horizon: int, width: int, *, places: Tensor, apart: Tensor, hidden: int, depth: int
    ) -> None:
        super().__init__()
        self.hidden, self.depth = hidden, depth
        self.inward = nn.Linear(horizon * width + 2 * len(places), hidden)
        self.places: Tensor
        self.apart: Tensor
        self.register_buffer("places", places, persistent=False)
        self.register_buffer("apart", apart, persistent=False)
        self.time = nn.Sequential(nn.Linear(FEATURES, hidden), nn.SiLU(), nn.Linear(hidden, hidden))
        self.blocks = nn.ModuleList(_Block(hidden) for _ in range(depth))
        self.outward = nn.Sequential(nn.LayerNorm(hidden), nn.Linear(hidden, horizon * width))
        self.rates: Tensor
        self.register_buffer("rates", torch.logspace(0, math.log10(FASTEST), FEATURES // 2), persistent=False)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        phase = t[:, None] * self.rates
        time = self.time(torch.cat([phase.sin(), phase.cos()], dim=1))
        h = self.inward(torch.cat([x.flatten(1), self.near(x[:, 0]), self.near(x[:, -1])], dim=1))
        for block in self.blocks:
            h = block(h, time)
        return self.outward(h).view_as(x)

    def near(self, token: Tensor) -> Tensor:
        """How near each place is, from 0 to 1. Shapes: (B, width) -> (B, N)"""
        away = (token[:, None, :2] - self.places) / (SPREAD * self.apart)
        return (-0.5 * away.square().sum(-1)).exp()


class _Block(nn.Module):
    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(hidden)
        self.one, self.other = nn.Linear(hidden, hidden), nn.Linear(hidden, hidden)

    def forward(self, h: Tensor, time: Tensor) -> Tensor:
        return h + self.other(nn.functional.silu(self.one(self.norm(h) + time)))
