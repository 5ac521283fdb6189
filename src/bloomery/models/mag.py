"""Memory as a gate (MAG): a learned mix of what attention saw and what memory recalls."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional


class Gated(NamedTuple):
    """Shapes: output (B, T, D); gate (B, T, D), 1 where attention alone passes; entropy (B, T), in nats."""

    output: Tensor
    gate: Tensor
    entropy: Tensor


class MagGate(nn.Module):
    """o = g * y + (1 - g) * m with g = sigmoid(W2 relu(W1 [y; m])).

    The entropy is the mean over channels of the gate's Bernoulli entropy; a loss that subtracts a small
    multiple of it keeps the gate from saturating.

    Shapes: y, m (B, T, D)
    Differs: Titans' own MAG normalises both branches with learned vectors and multiplies them.
    """

    def __init__(self, dim: int, *, hidden: int = 256) -> None:
        super().__init__()
        self.hidden = nn.Linear(2 * dim, hidden)
        self.logit = nn.Linear(hidden, dim)

    def forward(self, y: Tensor, m: Tensor) -> Gated:
        logit = self.logit(functional.relu(self.hidden(torch.cat((y, m), dim=-1))))
        g = torch.sigmoid(logit)
        dtype = torch.promote_types(torch.promote_types(y.dtype, m.dtype), g.dtype)  # autocast may mix them
        mixed = torch.lerp(m.to(dtype), y.to(dtype), g.to(dtype))
        return Gated(mixed, g, bernoulli_entropy(logit).mean(-1))


def bernoulli_entropy(logit: Tensor) -> Tensor:
    """Entropy in nats of Bernoulli(sigmoid(logit)), exact far out too, with a finite gradient everywhere."""
    size = logit.abs()  # the entropy is even; on this side nothing cancels
    return functional.softplus(-size) + size * torch.sigmoid(-size)
