"""The nets that planners may have: the window net, which knows the maze's places, or a temporal U-Net or a
transformer, which know the numbers of the window alone.
"""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from bloomery.core.errors import FormatRefused, UnknownName
from bloomery.diffusion.denoisers.trajectories import (
    TemporalUNet,
    TemporalUNetConfig,
    TrajectoryTransformer,
    TrajectoryTransformerConfig,
)

from .mazes import Maze
from .window_net import WindowNet
from .windows import WIDTH, Scale, Spec

NetKind = Literal["window", "unet", "transformer"]
SIZES: Mapping[str, tuple[int, int]] = {"window": (512, 3), "unet": (32, 3), "transformer": (128, 3)}
"""Width and depth (of the U-Net: levels, each twice as wide as the one before), unless told."""


def built(
    maze: Maze, spec: Spec, kind: str = "window", hidden: int | None = None, depth: int | None = None
) -> nn.Module:
    """A net for windows of that maze, with random weights. Raises: UnknownName for another kind."""
    if kind not in SIZES:
        raise UnknownName("net of a planner", kind, SIZES)
    wide, deep = hidden or SIZES[kind][0], depth or SIZES[kind][1]
    if kind == "unet":
        multiples = tuple(2**level for level in range(deep))
        return TemporalUNet(TemporalUNetConfig(width=WIDTH, hidden_size=wide, multiples=multiples))
    if kind == "transformer":
        return TrajectoryTransformer(TrajectoryTransformerConfig(
            width=WIDTH, hidden_size=wide, num_hidden_layers=deep, intermediate_size=4 * wide
        ))  # fmt: skip
    scale = Scale.of(maze)
    places, apart = scale.inward(np.array(maze.cells, dtype=float)), torch.from_numpy(1 / scale.reach[:2])
    return WindowNet(spec.horizon, WIDTH, places=places, apart=apart.float(), hidden=wide, depth=deep)


def described(net: nn.Module) -> dict[str, Any]:
    """What `built` takes to build the same net. Raises: FormatRefused for a net of another kind."""
    if isinstance(net, WindowNet):
        return {"kind": "window", "hidden": net.hidden, "depth": net.depth}
    if isinstance(net, TemporalUNet):
        return {"kind": "unet", "hidden": net.config.hidden_size, "depth": len(net.config.multiples)}
    if isinstance(net, TrajectoryTransformer):
        return {
            "kind": "transformer", "hidden": net.config.hidden_size, "depth": net.config.num_hidden_layers
        }  # fmt: skip
    raise FormatRefused(f"a planner's net is one of {', '.join(SIZES)}, not a {type(net).__name__}")
