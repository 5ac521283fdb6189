"""Shifted, turned, scaled and elastically bent images.

Source: LeCun et al. 1998, section III.A (planar distortions); Simard, Steinkraus, Platt 2003 (elastic ones)
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from .augmentation import AugmentConfig
from .counted import uniform

PLANAR = 4  # numbers for the two shifts, the angle and the scale


def distorted(
    images: Tensor, config: AugmentConfig, *, seed: int, epoch: int, indices: Sequence[int], fill: float
) -> Tensor:
    """The images, each with the distortion of its index in this epoch, whatever images stand beside it.

    Shapes: images (B, 1, H, W) -> the same; what comes from outside of an image is `fill`.
    """
    if config.off or not len(images):
        return images
    height, width = images.shape[-2:]
    x, y = planar(config, seed=seed, epoch=epoch, indices=indices, height=height, width=width)
    if config.elastic:
        dx, dy = elastic(config, seed=seed, epoch=epoch, indices=indices, height=height, width=width)
        x, y = x + dx, y + dy
    places = torch.stack([2 * x / width, 2 * y / height], dim=-1).to(images.dtype)
    return F.grid_sample(images - fill, places, align_corners=False) + fill


def planar(
    config: AugmentConfig, *, seed: int, epoch: int, indices: Sequence[int], height: int, width: int
) -> tuple[Tensor, Tensor]:
    """Where each point of each image comes from, in points from the middle. Shapes: x, y (B, H, W)"""
    drawn = torch.from_numpy(2 * uniform(seed, epoch, indices, PLANAR) - 1)
    dx, dy, turn, growth = (column[:, None, None] for column in drawn.unbind(1))
    angle, factor = turn * math.radians(config.rotate), 1 + growth * config.scale
    down, right = torch.meshgrid(_centred(height), _centred(width), indexing="ij")
    cos, sin = angle.cos() / factor, angle.sin() / factor
    x = cos * right + sin * down - dx * config.shift
    y = cos * down - sin * right - dy * config.shift
    return x, y


def elastic(
    config: AugmentConfig, *, seed: int, epoch: int, indices: Sequence[int], height: int, width: int
) -> tuple[Tensor, Tensor]:
    """How far each point moves by itself: smoothed noise of `elastic` points, root mean square.

    Shapes: dx, dy (B, H, W)
    Differs: scaled by what smoothing leaves of the noise, so that its size does not depend on sigma.
    """
    kernel = _gaussian(config.elastic_sigma)
    tall, wide = height + len(kernel) - 1, width + len(kernel) - 1  # smoothing reaches over the edges
    drawn = uniform(seed, epoch, indices, PLANAR + 2 * tall * wide)[:, PLANAR:]
    noise = torch.from_numpy(2 * drawn - 1).view(len(indices), 2, tall, wide)
    rows = torch.stack([w * noise[..., i : i + width] for i, w in enumerate(kernel)]).sum(0)
    smooth = torch.stack([w * rows[..., i : i + height, :] for i, w in enumerate(kernel)]).sum(0)
    left = kernel.square().sum() / math.sqrt(3)  # of the noise's standard deviation, 1 / sqrt(3)
    moved = smooth * (config.elastic / left)
    return moved[:, 0], moved[:, 1]


def _centred(length: int) -> Tensor:
    return torch.arange(length, dtype=torch.float64) - (length - 1) / 2


def _gaussian(sigma: float) -> Tensor:
    reach = math.ceil(3 * sigma)
    weights = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, dtype=torch.float64) / sigma) ** 2)
    return weights / weights.sum()
