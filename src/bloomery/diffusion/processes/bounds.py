"""Other draws of the masked bound: by the number of masks instead of the time, and in a number of steps."""

from itertools import pairwise

import torch
from torch import Tensor

from bloomery.core.errors import UserError

from .categorical import uniform
from .masked import MaskedDiffusion
from .process import Net, filled
from .sampling import even_times


def any_order_loss(
    process: MaskedDiffusion,
    net: Net,
    x0: Tensor,
    generator: torch.Generator,
    *,
    weight: Tensor | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """The same mean as `process.loss`, and less spread: so many masks, each number as likely, in any places.

    The net is told the share of masks as its time. `mask` is true where masks may fall.

    Shapes: x0 (B, L) -> (B,)
    Source: arXiv 2502.09992 (LLaDA), its estimator of the likelihood by a fixed number of masks
    """
    may = torch.ones_like(x0, dtype=torch.bool) if mask is None else mask.expand(x0.shape)
    size = may.sum(-1)
    if bool((size == 0).any()):
        raise UserError("an example has no place where masks may fall: nothing can be learned of it")
    u = uniform(torch.Size([len(x0)]), generator).to(x0.device)
    count = (u * size).long() + 1
    place = torch.where(may, uniform(x0.shape, generator).to(x0.device), 2.0)
    x = torch.where(place.argsort(dim=-1).argsort(dim=-1) < count[:, None], process.mask, x0)
    cost = process.cost(net(x, (count / size).float()), x, x0, weight)
    return cost * (size / count).to(cost)


@torch.no_grad()
def steps_bound(
    process: MaskedDiffusion, net: Net, x0: Tensor, steps: int, generator: torch.Generator
) -> Tensor:
    """One draw of the bound of -log p(x_0) of sampling in so many even steps, in nats.

    Shapes: x0 (B, L) -> (B,)
    Source: arXiv 2406.07524 (MDLM), its discrete-time bound
    """
    times, total = even_times(steps), torch.zeros(len(x0), dtype=torch.float64, device=x0.device)
    for now, then in pairwise(times):
        t, s = filled(len(x0), now), filled(len(x0), then)
        x = process.corrupt(x0, t, generator)
        _, shown = process.chances(t, s, 0.0)
        cost = process.cost(net(x, t.to(x0.device, torch.float32)), x, x0)
        total = total + shown.to(x0.device) * cost.double()
    return total
