"""Rotary position embedding: a position becomes a rotation of each pair of a head's coordinates."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Rotation(NamedTuple):
    """Cosines and sines of each position's angles, in float32: positions stay apart in half precision."""

    cos: Tensor  # (B or 1, T, head_dim / 2)
    sin: Tensor

    def rows(self, batch: Tensor, time: Tensor) -> Rotation:
        """The rotations of chosen tokens, (N, head_dim / 2)."""
        row = batch if self.cos.shape[0] > 1 else torch.zeros_like(batch)
        return Rotation(self.cos[row, time], self.sin[row, time])


def rotation(positions: Tensor, head_dim: int, theta: float) -> Rotation:
    """Angles p * theta^(-2i / head_dim) of each position p and each pair i.

    Shapes: positions (B, T) -> cos, sin (B, T, head_dim / 2).
    """
    pairs = torch.arange(0, head_dim, 2, device=positions.device, dtype=torch.float32)
    angles = positions[..., None].float() * theta ** (-pairs / head_dim)
    return Rotation(angles.cos(), angles.sin())


def rotate(x: Tensor, by: Rotation) -> Tensor:
    """Turns coordinate i and i + head_dim / 2 together, as one complex number times exp(i * angle).

    Shapes: x (..., heads, head_dim), rotation (..., head_dim / 2).
    """
    cos, sin = by.cos.unsqueeze(-2).to(x.dtype), by.sin.unsqueeze(-2).to(x.dtype)
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), dim=-1)
