"""Token embedding as a thin table and one projection, used in both directions."""

from __future__ import annotations

import math

from torch import Tensor, nn


class FactorizedEmbedding(nn.Module):
    """Embeds tokens by E[id] P^T and reads logits by (y P) E^T: V * r + r * d weights instead of V * d.

    The head is the same two matrices, not a tied copy, so there is nothing to tie when saving.
    Embeddings are scaled by sqrt(d): with E ~ N(0, 1/d) and P ~ N(0, 1/r), inputs and logits both begin
    with unit variance.

    Source: arXiv 1909.11942, section 3.1 (factorized embedding parameterization).
    """

    def __init__(self, vocab_size: int, rank: int, dim: int) -> None:
        super().__init__()
        self.table = nn.Embedding(vocab_size, rank)
        self.table.init_std = dim**-0.5
        self.up_proj = nn.Linear(rank, dim, bias=False)
        self.scale = math.sqrt(dim)

    def forward(self, input_ids: Tensor) -> Tensor:
        """Shapes: (B, T) -> (B, T, D), in the weights' precision under autocast too."""
        return (self.up_proj(self.table(input_ids)) * self.scale).to(self.table.weight.dtype)

    def logits(self, y: Tensor) -> Tensor:
        """Shapes: (..., D) -> (..., V)."""
        return (y @ self.up_proj.weight) @ self.table.weight.T
