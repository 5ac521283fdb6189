"""Classifier-free guidance: a net with its condition, away from the same net without.

The answers are combined as they are. Noise, data and velocity are lines in each other, so that it does not
matter which of them a net says; logits combine to p_c^scale p_u^(1 - scale) once they are normalised.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from bloomery.diffusion.processes.process import Net

ConditionedNet = Callable[[Tensor, Tensor, Tensor], Tensor]  # x, t, condition (B, ...)


def guided(conditional: Net, unconditional: Net, scale: float) -> Net:
    """u + scale (c - u): 0 is the net without the condition, 1 the one with it, to the bit; in one pass each.

    Source: arXiv 2207.12598 (classifier-free guidance), eq. 6 with scale = 1 + w; for tokens arXiv 2412.10193
        (D-CFG); LLaDA's own scale is w
    """
    if scale in (0, 1):
        return conditional if scale else unconditional

    def net(x: Tensor, t: Tensor) -> Tensor:
        return combined(conditional(x, t), unconditional(x, t), scale)

    return net


def guided_together(net: ConditionedNet, condition: Tensor, nothing: Tensor, scale: float) -> Net:
    """As `guided`, both answers in one pass of twice the batch. Shapes: condition, nothing (B, ...)"""
    if scale in (0, 1):
        return lambda x, t: net(x, t, condition if scale else nothing)

    def run(x: Tensor, t: Tensor) -> Tensor:
        both = net(torch.cat([x, x]), torch.cat([t, t]), torch.cat([condition, nothing]))
        return combined(both[: len(x)], both[len(x) :], scale)

    return run


def combined(c: Tensor, u: Tensor, scale: float) -> Tensor:
    """What is impossible to either net stays so."""
    barred = torch.isneginf(c) | torch.isneginf(u)
    return torch.where(barred, -torch.inf, u + scale * (c - u))


def dropped(condition: Tensor, nothing: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """The condition, but for a share of the examples: what a net learns both answers from.

    Shapes: condition (B, ...), nothing as one of them

    Source: arXiv 2207.12598 (classifier-free guidance), algorithm 1
    """
    u = torch.rand(len(condition), generator=generator, device=generator.device).to(condition.device)
    drop = (u < share).reshape(-1, *[1] * (condition.dim() - 1))
    return torch.where(drop, nothing, condition)
