"""ReMDM: tokens that were decided are masked again, within what keeps the process's marginals."""

from typing import Literal, get_args

import torch
from torch import Tensor

from bloomery.core.errors import UnknownName
from bloomery.diffusion.processes.categorical import draw_tokens
from bloomery.diffusion.processes.masked import MaskedDiffusion
from bloomery.diffusion.processes.process import Process, Step, Stepper

from .ancestral import masked_only

Strategy = Literal["rescale", "cap", "confidence"]


def remasking(
    eta: float, strategy: Strategy = "rescale", *, begin_at: float = 1.0, end_at: float = 0.0
) -> Stepper:
    """The chance that a token is masked again: of the largest that keeps the marginals a share (rescale), no
    more than eta (cap), or the share dealt out to tokens that were drawn with little confidence (confidence).

    Outside of the times begin_at to end_at nothing is masked again. What is known must be put back by the
    sampler's `project`.

    Source: arXiv 2503.00307 (ReMDM), its strategies for sigma_t, and its switch
    Differs: the paper's softmax over confidence gives chances that sum to the share; here they are times the
        number of tokens, so that the mean chance is the share, and at most the largest that is allowed
    """
    if strategy not in get_args(Strategy):
        raise UnknownName("remasking strategy", strategy, get_args(Strategy))

    def begin(process: Process) -> Step:
        masked = masked_only(process, "remasking")
        sure: list[Tensor] = []  # the probability of each token when it was drawn

        def step(x: Tensor, guess: Tensor, t: Tensor, s: Tensor, generator: torch.Generator) -> Tensor:
            share = torch.where((t <= begin_at) & (t > end_at), eta, 0.0)
            drawn = draw_tokens(guess, generator)
            trust = sure[0] if sure else torch.zeros(x.shape, dtype=guess.dtype, device=x.device)
            again = _again(masked, strategy, share, x, trust, t, s)
            after = masked.moved(x, drawn, again, _reveal(masked, again, t, s), generator)
            chance = guess.gather(-1, drawn[..., None])[..., 0].exp()
            sure[:] = [torch.where(x == masked.mask, chance, trust)]
            return after

        return step

    return begin


def _again(
    process: MaskedDiffusion,
    strategy: Strategy,
    share: Tensor,
    x: Tensor,
    trust: Tensor,
    t: Tensor,
    s: Tensor,
) -> Tensor:
    """Shapes: share, t, s (B,); x, trust (B, L) -> (B, L)"""
    most, _ = process.chances(t, s, 1.0)
    most, share = most[:, None].to(trust), share[:, None].to(trust)
    if strategy == "cap":
        return torch.minimum(most, share).expand(x.shape)
    return (most * share).expand(x.shape) if strategy == "rescale" else _dealt(process, most, share, x, trust)


def _dealt(process: MaskedDiffusion, most: Tensor, share: Tensor, x: Tensor, trust: Tensor) -> Tensor:
    """Of known tokens by how little they are trusted; a mask, which is shown by it, has the mean."""
    known = x != process.mask
    count = known.sum(-1, keepdim=True)
    odds = torch.where(known, -trust, -torch.inf).softmax(-1)
    chances = torch.minimum(most * share * odds * count, most)
    mean = torch.where(known, chances, 0).sum(-1, keepdim=True) / count.clamp(min=1)
    return torch.where(known, chances, mean)


def _reveal(process: MaskedDiffusion, again: Tensor, t: Tensor, s: Tensor) -> Tensor:
    """The chance that a mask becomes a token, so that a share alpha_s of tokens is not masked."""
    now, then = (process.left(time)[:, None].to(again) for time in (t, s))
    return (then - (1 - again) * now) / (1 - now)
