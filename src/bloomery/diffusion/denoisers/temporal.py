"""Convolutions over time that padding does not reach: a trajectory in a longer row gives the same numbers."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .blocks import ZeroLinear

GROUPS = 8
EPSILON = 1e-5


class MaskedGroupNorm(nn.GroupNorm):
    """Group norm whose means are over what is there. Shapes: x (B, C, H), seen (B, 1, H) -> as x, else 0"""

    def forward(self, x: Tensor, seen: Tensor | None = None) -> Tensor:
        if seen is None:
            return super().forward(x)
        rows, weight = x.unflatten(1, (self.num_groups, -1)), seen[:, None].to(x)
        count = weight.sum((2, 3), keepdim=True) * rows.shape[2]
        mean = (rows * weight).sum((2, 3), keepdim=True) / count
        variance = ((rows - mean).square() * weight).sum((2, 3), keepdim=True) / count
        normed = ((rows - mean) / (variance + self.eps).sqrt()).flatten(1, 2)
        return (normed * self.weight[:, None] + self.bias[:, None]) * seen


class ConvBlock(nn.Module):
    """Convolution, norm, mish."""

    def __init__(self, inward: int, outward: int, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inward, outward, width, padding=width // 2)
        self.norm = MaskedGroupNorm(min(GROUPS, outward), outward, eps=EPSILON)

    def forward(self, x: Tensor, seen: Tensor | None) -> Tensor:
        return F.mish(self.norm(self.conv(x), seen))


class ResidualBlock(nn.Module):
    """Two convolutions; the time comes between. Shapes: x (B, C, H), time (B, dim), seen (B, 1, H)

    Source: arXiv 2205.09991 (Diffuser), appendix C
    """

    def __init__(self, inward: int, outward: int, dim: int, width: int) -> None:
        super().__init__()
        self.first, self.second = ConvBlock(inward, outward, width), ConvBlock(outward, outward, width)
        self.time = nn.Linear(dim, outward)
        self.straight = nn.Conv1d(inward, outward, 1) if inward != outward else nn.Identity()

    def forward(self, x: Tensor, time: Tensor, seen: Tensor | None) -> Tensor:
        h = masked(self.first(x, seen) + self.time(F.mish(time))[..., None], seen)
        return masked(self.second(h, seen) + self.straight(x), seen)


class UNet(nn.Module):
    """Down by halves and up again, with what was seen on the way down. Shapes: (B, D, H) -> (B, D, H)"""

    def __init__(self, width: int, dim: int, multiples: tuple[int, ...], kernel: int) -> None:
        super().__init__()
        sizes = [width, *(dim * multiple for multiple in multiples)]
        pairs = list(pairwise(sizes))
        self.down = nn.ModuleList(_two(a, b, dim, kernel) for a, b in pairs)
        self.shorter = nn.ModuleList(nn.Conv1d(b, b, 3, stride=2, padding=1) for _, b in pairs[:-1])
        self.middle = _two(sizes[-1], sizes[-1], dim, kernel)
        self.up = nn.ModuleList(_two(2 * b, a, dim, kernel) for a, b in reversed(pairs[1:]))
        self.longer = nn.ModuleList(
            nn.ConvTranspose1d(a, a, 4, stride=2, padding=1) for a, _ in reversed(pairs[1:])
        )
        self.last = ConvBlock(sizes[1], sizes[1], kernel)
        self.head = ZeroLinear(sizes[1], width)

    def forward(self, x: Tensor, time: Tensor, seen: Tensor | None) -> Tensor:
        masks, kept = [seen], []
        for number, blocks in enumerate(self.down):
            x = _through(blocks, x, time, masks[-1])
            if number < len(self.shorter):
                kept.append(x)
                masks.append(None if seen is None else masks[-1][..., ::2])  # type: ignore[index]
                x = masked(self.shorter[number](x), masks[-1])
        kept.append(x)
        x = _through(self.middle, x, time, masks[-1])
        for blocks, longer in zip(self.up, self.longer, strict=True):
            x = _through(blocks, torch.cat([x, kept.pop()], 1), time, masks.pop())
            x = masked(longer(x), masks[-1])
        x = self.last(x, masks[-1])
        return masked(self.head(x.mT).mT, masks[-1])


def masked(x: Tensor, seen: Tensor | None) -> Tensor:
    return x if seen is None else x * seen


def _two(inward: int, outward: int, dim: int, kernel: int) -> nn.ModuleList:
    return nn.ModuleList(
        [ResidualBlock(inward, outward, dim, kernel), ResidualBlock(outward, outward, dim, kernel)]
    )


def _through(blocks: nn.Module, x: Tensor, time: Tensor, seen: Tensor | None) -> Tensor:
    for block in blocks:  # type: ignore[attr-defined]
        x = block(x, time, seen)
    return x
