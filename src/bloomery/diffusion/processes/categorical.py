"""Draws of tokens, in double precision.

In single precision a Gumbel number has a largest value, which cuts the tail of what is unlikely as a lower
temperature does (arXiv 2409.02908, section 4; corrected in arXiv 2503.00307's sampler).
"""

import torch
from torch import Tensor

from bloomery.core.errors import UserError


def log_probabilities(logits: Tensor, forbidden: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Of each token; the forbidden one has none. Shapes: (..., V) -> (..., V)"""
    logits = logits.to(dtype)
    if forbidden < logits.shape[-1]:
        banned = torch.arange(logits.shape[-1], device=logits.device) == forbidden
        logits = logits.masked_fill(banned, -torch.inf)
    return logits.log_softmax(-1)


def draw_tokens(log_p: Tensor, generator: torch.Generator, temperature: float = 1.0) -> Tensor:
    """A token of each distribution: the Gumbel trick; at temperature 0 the likeliest, the first of equals.

    Shapes: (..., V) in double precision -> (...)
    Raises: UserError where a distribution holds no number
    """
    if bool(torch.isnan(log_p).any()):
        raise UserError("a net said NaN of a token, or that every token is impossible: nothing can be drawn")
    if temperature < 0:
        raise UserError(f"a temperature is 0 or above, not {temperature:g}")
    if temperature == 0:
        return log_p.argmax(-1)
    u = uniform(log_p.shape, generator).to(log_p.device)
    return (log_p / temperature - torch.log(-torch.log(u))).argmax(-1)


def uniform(shape: torch.Size, generator: torch.Generator) -> Tensor:
    """From 0, 1 excluded, on the generator's device."""
    return torch.rand(shape, generator=generator, device=generator.device, dtype=torch.float64)
