"""Denoisers of trajectories: rows of states and actions over time."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .blocks import TimeEmbedding
from .stack import Context, Denoiser, Stack, StackConfig
from .temporal import UNet


class TrajectoryTransformerConfig(StackConfig):
    """What a transformer of trajectories is made of."""

    model_type = "bloomery_trajectory_transformer"

    def __init__(self, *, width: int = 6, condition_size: int = 0, **kwargs: Any) -> None:
        """`width` is the numbers of a step; a condition is vectors of `condition_size`; 0: there is none."""
        self.width, self.condition_size = width, condition_size
        super().__init__(**kwargs)
        self.expect_at_least(1, "width", "num_hidden_layers")
        self.expect_at_least(0, "condition_size")


class TemporalUNetConfig(StackConfig):
    """What a temporal U-Net is made of; the defaults are Diffuser's for mazes, but for the width."""

    model_type = "bloomery_temporal_unet"

    def __init__(
        self,
        *,
        width: int = 6,
        condition_size: int = 0,
        hidden_size: int = 32,
        multiples: tuple[int, ...] = (1, 4, 8),
        kernel: int = 5,
        **kwargs: Any,
    ) -> None:
        """`multiples` of `hidden_size` are the channels of each level, half as long as the one before."""
        self.width, self.condition_size = width, condition_size
        self.multiples, self.kernel = tuple(multiples), kernel
        super().__init__(hidden_size=hidden_size, **kwargs)
        self.expect_at_least(1, "width", "hidden_size")
        self.expect_at_least(0, "condition_size")
        if not self.multiples or kernel % 2 == 0:
            raise ValueError(
                f"a U-Net has levels and an odd kernel; got {len(self.multiples)} levels and kernel {kernel}"
            )


class TrajectoryTransformer(Denoiser):
    """What is under the noise of each step; 0 at first. Conditions are read by cross-attention.

    Shapes: x (B, H, D), t (B,), condition (B, C, F) or (B, F) -> (B, H, D);
        condition_seen (B, C) and seen (B, H) are False where there is only padding
    """

    config_class = TrajectoryTransformerConfig

    def __init__(self, config: TrajectoryTransformerConfig) -> None:
        super().__init__(config)
        self.inward = nn.Linear(config.width, config.hidden_size)
        self.time = TimeEmbedding(config.hidden_size) if config.timed else None
        self.reader = _reader(config.condition_size, config.hidden_size)
        self.stack = Stack(config, config.width, conditional=bool(config.condition_size))
        self.post_init()

    def forward(
        self,
        x: Tensor,
        t: Tensor,
        condition: Tensor | None = None,
        *,
        condition_seen: Tensor | None = None,
        seen: Tensor | None = None,
    ) -> Tensor:
        context = None
        if condition is not None:
            context = Context(_read(self.reader, condition), condition_seen)
        time = None if self.time is None else self.time(t)
        return self.stack(self.inward(x), time, context, seen=seen)


class TemporalUNet(Denoiser):
    """Diffuser's net, of any horizon: rows are padded to whole halvings, which changes no number of theirs.

    A condition's vectors are embedded, their mean joins the time, as returns do in Decision Diffuser.

    Shapes: x (B, H, D), t (B,), condition (B, C, F) or (B, F) -> (B, H, D);
        condition_seen (B, C) and seen (B, H) are False where there is only padding
    Source: arXiv 2205.09991 (Diffuser), appendix C; condition: arXiv 2211.15657 (Decision Diffuser)
    Differs: padded steps enter no convolution and no norm; the head starts at 0
    """

    config_class = TemporalUNetConfig

    def __init__(self, config: TemporalUNetConfig) -> None:
        super().__init__(config)
        dim = config.hidden_size
        self.time = TimeEmbedding(dim)
        self.reader = _reader(config.condition_size, dim)
        self.net = UNet(config.width, dim, tuple(config.multiples), config.kernel)
        self.post_init()

    def forward(
        self,
        x: Tensor,
        t: Tensor,
        condition: Tensor | None = None,
        *,
        condition_seen: Tensor | None = None,
        seen: Tensor | None = None,
    ) -> Tensor:
        time = self.time(t)
        if condition is not None:
            time = time + _mean(_read(self.reader, condition), condition_seen)
        horizon = x.shape[1]
        short = -horizon % 2 ** (len(self.config.multiples) - 1)
        if short and seen is None:
            seen = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        rows = F.pad(x, (0, 0, 0, short)).mT
        if seen is None:
            return self.net(rows, time, None).mT
        there = F.pad(seen, (0, short))[:, None]
        return self.net(rows * there, time, there).mT[:, :horizon]


def _reader(size: int, dim: int) -> nn.Sequential | None:
    return nn.Sequential(nn.Linear(size, dim), nn.SiLU(), nn.Linear(dim, dim)) if size else None


def _read(reader: nn.Module | None, condition: Tensor) -> Tensor:
    """Shapes: (B, C, F) or (B, F) -> (B, C, dim)"""
    if reader is None:
        raise ValueError("this net takes no condition; build it with condition_size above 0")
    return reader(condition if condition.dim() == 3 else condition[:, None])


def _mean(states: Tensor, seen: Tensor | None) -> Tensor:
    """Over what is seen; 0 where nothing is. Shapes: (B, C, dim), (B, C) -> (B, dim)"""
    if seen is None:
        return states.mean(1)
    weight = seen[..., None].to(states)
    return (states * weight).sum(1) / weight.sum(1).clamp(min=1)
