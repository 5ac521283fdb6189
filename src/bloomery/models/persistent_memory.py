"""Persistent memory: learned tokens before the sequence, the same for every input."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PersistentMemory(nn.Module):
    """[p_1 ... p_N] || x. Seen by attention alone, they are a feed-forward layer with a softmax.

    Shapes: x (B, T, D), mask (B, T) -> (B, N + T, D) and (B, N + T)
    Source: titans eq. 19, titans eq. 20
    """

    def __init__(self, tokens: int, dim: int) -> None:
        super().__init__()
        self.tokens = nn.Parameter(torch.empty(tokens, dim))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Unit variance, as the normalised tokens that they stand before."""
        nn.init.normal_(self.tokens)

    def __len__(self) -> int:
        return self.tokens.shape[0]

    def forward(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        batch = x.shape[0]
        tokens = self.tokens.to(x.dtype).expand(batch, -1, -1)
        if mask is not None:
            mask = torch.cat((mask.new_ones(batch, len(self)), mask), dim=1)
        return torch.cat((tokens, x), dim=1), mask
