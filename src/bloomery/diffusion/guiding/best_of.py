"""The best of n samples: for rewards that only say how good."""

from typing import NamedTuple

import torch
from torch import Tensor

from bloomery.core.errors import UserError

from .rewards import Reward, asked


class Choice(NamedTuple):
    """What was chosen of each group of n samples."""

    samples: Tensor  # (G, ...)
    place: Tensor  # (G,) which of the n
    rewards: Tensor  # (G, n)
    ranked: Tensor  # (G,) false where all n are worth the same: the first is given, nothing was chosen


def best_of(samples: Tensor, reward: Reward, groups: int = 1, timeout_s: float | None = None) -> Choice:
    """The sample with the highest reward in each group, the first of equals.

    Shapes: samples (G n, ...), those of a group side by side
    """
    if groups < 1 or len(samples) % groups or not len(samples):
        raise UserError(f"{len(samples)} samples do not make {groups} groups of one size")
    rewards = asked(reward, samples, timeout_s).reshape(groups, -1)
    place = rewards.argmax(1)
    rows = torch.arange(groups, device=samples.device) * rewards.shape[1] + place
    ranked = (rewards != rewards[:, :1]).any(1)
    return Choice(samples[rows], place, rewards, ranked)
