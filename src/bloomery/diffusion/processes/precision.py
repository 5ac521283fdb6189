"""Nets in low precision, processes in high: a net's own arithmetic is all that autocast reaches."""

import torch
from torch import Tensor

from .process import Net


def lowered(net: Net, dtype: torch.dtype = torch.bfloat16) -> Net:
    """The net under autocast; what it says is taken up by the process in the precision of the data."""

    def run(x: Tensor, t: Tensor) -> Tensor:
        with torch.autocast(x.device.type, dtype=dtype):
            return net(x, t)

    return run
