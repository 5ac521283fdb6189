"""Windows that an adaptation remembered, for plans of the ways that they went."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

NEAR = 0.5  # in the units of windows: as far a start or a goal may be from a remembered one
AMONG = 8  # of the nearest windows one is drawn


class Known(NamedTuple):
    """Shapes: windows (B, H, W), there (B,) whether the way is remembered at all"""

    windows: Tensor
    there: Tensor


@dataclass(frozen=True)
class Recalled:
    """`share` of the plans of a known way grow out of its windows, noised to the time `depth`.

    Shapes: windows (N, H, W), scaled
    Source: arXiv 2108.01073 (SDEdit), its start in the middle
    """

    windows: Tensor
    share: float
    depth: float

    def nearest(self, starts: Tensor, goals: Tensor, generator: torch.Generator) -> Known:
        """One of the nearest windows for each way. Shapes: starts (B, >= 2), goals (B, 2), scaled"""
        first, last = self.windows[:, 0, :2], self.windows[:, -1, :2]
        away = torch.maximum(torch.cdist(starts[:, :2], first), torch.cdist(goals, last))  # (B, N)
        near = away.topk(min(AMONG, len(self.windows)), largest=False)
        drawn = torch.randint(near.indices.shape[1], (len(starts), 1), generator=generator)
        there = near.values.gather(1, drawn)[:, 0] <= NEAR
        there &= torch.rand(len(starts), generator=generator) < self.share
        return Known(self.windows[near.indices.gather(1, drawn)[:, 0]], there)
