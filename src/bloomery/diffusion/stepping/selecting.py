"""Which of the guessed tokens are kept: confidence instead of chance.

A `Selector` is no posterior sample. It keeps what the net is sure of, or what comes next, so that few passes
do; the tokens that it makes are not distributed as the process's, and no bound of their likelihood holds.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from bloomery.core.errors import UnknownName, UserError
from bloomery.diffusion.processes.categorical import draw_tokens
from bloomery.diffusion.processes.process import Process, Step, Stepper

from .ancestral import masked_only

Confidence = Literal["probability", "margin", "entropy"]


class Candidates(NamedTuple):
    """What a selector sees of each position."""

    log_p: Tensor  # (B, L, V), double precision
    drawn: Tensor  # (B, L) the token that would be kept
    masked: Tensor  # (B, L) where there is one to keep
    share: Tensor  # (B,) of the masks, that the schedule would show in this step


Selector = Callable[[Candidates], Tensor]  # -> (B, L), true where the token is kept


def selecting(selector: Selector, temperature: float = 0.0) -> Stepper:
    """Tokens are drawn at a temperature (0: the likeliest), and kept where the selector says so.

    Where none of an example is, the surest is; at s = 0 all are.
    """

    def begin(process: Process) -> Step:
        masked = masked_only(process, "selecting")

        def step(x: Tensor, guess: Tensor, t: Tensor, s: Tensor, generator: torch.Generator) -> Tensor:
            _, share = masked.chances(t, s, 0.0)
            drawn = draw_tokens(guess, generator, temperature)
            found = Candidates(guess, drawn, x == masked.mask, share.to(x.device))
            kept = selector(found) & found.masked
            one = best(confidence(found), found.masked, 1)
            kept = torch.where(kept.any(1, keepdim=True), kept, one) | (s == 0).to(x.device)[:, None]
            return torch.where(kept & found.masked, drawn, x)

        return step

    return begin


def confidence(found: Candidates, kind: Confidence = "probability") -> Tensor:
    """The higher the surer: the token's probability, its lead over the next, or minus the entropy in nats.

    Shapes: -> (B, L) in double precision
    """
    if kind == "probability":
        return found.log_p.gather(-1, found.drawn[..., None])[..., 0].exp()
    p = found.log_p.exp()
    if kind == "margin":
        top = p.topk(min(2, p.shape[-1]), -1).values
        return top[..., 0] - top[..., 1:].sum(-1)
    if kind == "entropy":
        return torch.special.entr(p).sum(-1).neg()
    raise UnknownName("confidence", kind, get_args(Confidence))


def best(score: Tensor, masked: Tensor, count: int | Tensor) -> Tensor:
    """The masks with the highest scores, so many of each example; of equals the first.

    Shapes: (B, L), count one number or (B,) -> (B, L)
    """
    order = torch.where(masked, score, -torch.inf).argsort(dim=-1, descending=True, stable=True)
    rank = order.argsort(dim=-1)
    most = count[:, None] if isinstance(count, Tensor) else count
    return (rank < most) & masked


def quota(found: Candidates) -> Tensor:
    """How many the schedule would show, rounded up. Shapes: -> (B,)"""
    return (found.masked.sum(-1) * found.share - 1e-9).ceil()


def surest(count: int | None = None, kind: Confidence = "probability") -> Selector:
    """The surest tokens: so many, or as many as the schedule shows.

    Source: arXiv 2502.09992 (LLaDA), low-confidence remasking; arXiv 2202.04200 (MaskGIT)
    """
    if count is not None and count < 1:
        raise UserError(f"a step keeps 1 token or more, not {count}")
    return lambda found: best(confidence(found, kind), found.masked, quota(found) if count is None else count)


def leftmost(count: int = 1) -> Selector:
    """The first masks from the left: the order of an autoregressive model."""
    return lambda found: best(-found.masked.cumsum(-1).double(), found.masked, count)


def threshold(least: float = 0.9) -> Selector:
    """All tokens of at least this probability.

    Source: arXiv 2505.22618 (Fast-dLLM), confidence-aware parallel decoding
    """
    if not 0 < least <= 1:
        raise UserError(f"a threshold of confidence is above 0 and at most 1, not {least:g}")
    return lambda found: (confidence(found) >= least) & found.masked


def factor(most: float = 1.0) -> Selector:
    """The n surest tokens with (n + 1) (1 - confidence of the n-th) below `most`.

    Source: arXiv 2505.22618 (Fast-dLLM), its factor-based strategy
    """
    if not most > 0:
        raise UserError(f"a factor is above 0, not {most:g}")

    def select(found: Candidates) -> Tensor:
        score = torch.where(found.masked, confidence(found), -torch.inf)
        ranked = score.sort(-1, descending=True).values
        n = torch.arange(1, score.shape[-1] + 1, device=score.device)
        return best(score, found.masked, _leading((n + 1) * (1 - ranked) < most))

    return select


def entropy_bound(most: float = 0.1) -> Selector:
    """The tokens of least entropy while their entropies, without the largest, sum to at most `most` nats.

    That sum bounds the mutual information which drawing them apart leaves out.

    Source: arXiv 2505.24857 (EB-Sampler), its entropy-bounded unmasking
    """
    if not most >= 0:
        raise UserError(f"an entropy bound is 0 nats or above, not {most:g}")

    def select(found: Candidates) -> Tensor:
        entropy = torch.where(found.masked, -confidence(found, "entropy"), torch.inf)
        ranked = entropy.sort(-1).values
        return best(-entropy, found.masked, _leading(ranked.cumsum(-1) - ranked <= most))

    return select


def _leading(holds: Tensor) -> Tensor:
    """How many hold from the first on. Shapes: (B, L) -> (B,)"""
    return holds.long().cumprod(-1).sum(-1)
