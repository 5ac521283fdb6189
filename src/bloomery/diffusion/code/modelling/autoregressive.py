"""The same net read from left to right: what a masked model is compared with."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bloomery.diffusion.code.lexemes.tokenizer import LexemeTokenizer
from bloomery.diffusion.code.modelling.measuring import Cost
from bloomery.diffusion.code.modelling.model import MASK_ID
from bloomery.diffusion.code.modelling.signals import signals_of
from bloomery.diffusion.denoisers.blocks import Attention
from bloomery.diffusion.denoisers.teaching import Batch, Loss
from bloomery.diffusion.denoisers.tokens import Neighbours, TokenDenoiser


class CausalAttention(Attention):
    """Sees what is before a query, and itself; padding comes last, so that nobody sees it."""

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, allowed: Tensor | None) -> Tensor:
        q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
        return F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)


class CausalNeighbours(Neighbours):
    """Those before a place only; the weights of the others are not used."""

    def forward(self, x: Tensor, left: Tensor, right: Tensor) -> Tensor:
        count = len(self.weight) // 2
        wide = F.pad(x, (0, 0, count, 0))
        return sum(self.weight[at] * wide[:, at : at + x.shape[1]] for at in range(count))  # type: ignore[return-value]


def causal(net: TokenDenoiser) -> TokenDenoiser:
    """The net itself, with the same weights, which from now on sees no token after a place."""
    for block in net.stack.blocks:
        block.attention.__class__ = CausalAttention
    if net.neighbours is not None:
        net.neighbours.__class__ = CausalNeighbours
    return net


def costs(net: TokenDenoiser, tokenizer: LexemeTokenizer, batch: Batch) -> Tensor:
    """-log p of each window's guessed places, each given those before it, in nats.

    Shapes: batch x, mask (B, L) -> (B,)
    """
    x0, may = batch["x"], batch["mask"]
    x = torch.cat([torch.full_like(x0[:, :1], MASK_ID), x0[:, :-1]], 1)
    said = net(x, only=may, **signals_of(tokenizer, x, net.signals)).float()
    said[:, MASK_ID] = -torch.inf
    nats = F.cross_entropy(said, x0[may], reduction="none")
    return torch.zeros(x0.shape, device=x0.device).masked_scatter(may, nats).sum(-1)


def next_token_loss(tokenizer: LexemeTokenizer) -> Loss:
    """In nats a token, of a batch of windows."""

    def loss(net: nn.Module, batch: Batch, generator: torch.Generator) -> Tensor:
        return costs(net, tokenizer, batch) / batch["mask"].sum(-1).float().mean()  # type: ignore[arg-type]

    return loss


def cost_of(net: TokenDenoiser, tokenizer: LexemeTokenizer) -> Cost:
    """Exact, as `bits_per_byte` takes it: one draw is enough."""
    return lambda batch, share, generator: costs(net, tokenizer, batch)
