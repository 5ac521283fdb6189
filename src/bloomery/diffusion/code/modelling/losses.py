"""What a code model learns from windows: the masked bound, asked for at the masked places only."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bloomery.core.errors import UserError
from bloomery.diffusion.code.lexemes.tokenizer import LexemeTokenizer
from bloomery.diffusion.code.modelling.model import MASK_ID
from bloomery.diffusion.code.modelling.signals import signals_of
from bloomery.diffusion.denoisers.teaching import Batch, Loss
from bloomery.diffusion.denoisers.tokens import TokenDenoiser
from bloomery.diffusion.processes.categorical import uniform

KEPT = ("condition", "condition_seen")


def masked(x0: Tensor, may: Tensor, share: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Canvases with so large a share of the places masked that may be, one at least; and how many are.

    Shapes: x0, may (B, L), share (B,) from 0 to 1 -> (B, L), (B,)
    Raises: UserError for a row without such places.
    """
    size = may.sum(-1)
    if bool((size == 0).any()):
        raise UserError("a window has no place where masks may fall: nothing can be learned of it")
    count = (share.to(x0.device) * size).long().clamp(max=size - 1) + 1
    place = torch.where(may, uniform(x0.shape, generator).to(x0.device), 2.0)
    rank = place.argsort(dim=-1).argsort(dim=-1)
    return torch.where(rank < count[:, None], MASK_ID, x0), count


def spread(count: int, generator: torch.Generator) -> Tensor:
    """Shares from 0 to 1, 1 excluded, evenly spread over a batch, shuffled. Shapes: -> (count,)"""
    offset, order = uniform(torch.Size([1]), generator), torch.randperm(count, generator=generator)
    return ((offset + torch.arange(count)) / count % 1)[order]


def bounds(
    net: nn.Module, tokenizer: LexemeTokenizer, batch: Batch, share: Tensor, generator: torch.Generator
) -> Tensor:
    """One draw of the bound of -log p of each window's guessed places, in nats: its mean, over shares that
    are uniform, is the mean over all orders of what an any-order model would need.

    Shapes: batch x, mask, seen (B, L), share (B,) -> (B,)
    Source: arXiv 2502.09992 (LLaDA), its estimator of the likelihood by a fixed number of masks
    """
    x0, may = batch["x"], batch["mask"]
    x, count = masked(x0, may, share, generator)
    hidden = x == MASK_ID
    names = net.signals if isinstance(net, TokenDenoiser) else ()
    told = signals_of(tokenizer, x, names) | {name: batch[name] for name in KEPT if name in batch}
    said = net(x, seen=_seen(batch), only=hidden, **told).float()
    said[:, MASK_ID] = -torch.inf
    cost = torch.zeros(x0.shape, device=x0.device).masked_scatter(
        hidden, F.cross_entropy(said, x0[hidden], reduction="none")
    )
    return cost.sum(-1) * (may.sum(-1) / count)


def masked_loss(tokenizer: LexemeTokenizer) -> Loss:
    """The bound in nats a token, of a batch of windows."""

    def loss(net: nn.Module, batch: Batch, generator: torch.Generator) -> Tensor:
        share = spread(len(batch["x"]), generator)
        return bounds(net, tokenizer, batch, share, generator) / batch["mask"].sum(-1).float().mean()

    return loss


def _seen(batch: Batch) -> Tensor | None:
    """Nothing where no window is padded: attention is faster so."""
    seen = batch.get("seen")
    return None if seen is None or bool(seen.all()) else seen
