"""Data whose distribution is known, and the net that is perfect for them: samplers without training."""

from dataclasses import dataclass

import torch
from torch import Tensor

from bloomery.core.errors import UserError
from bloomery.diffusion.normal import noise_like
from bloomery.diffusion.predictions import target
from bloomery.diffusion.schedules import over

from .continuous import GaussianDiffusion
from .process import Net


@dataclass(frozen=True)
class NormalMixture:
    """Round normal distributions in D dimensions, in double precision."""

    weights: Tensor  # (K,) sum to 1
    means: Tensor  # (K, D)
    deviations: Tensor  # (K,)

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Shapes: -> (count, D)"""
        k = torch.multinomial(self.weights, count, replacement=True, generator=generator)
        return self.means[k] + self.deviations[k, None] * noise_like(self.means[k], generator)

    def expected(self, x: Tensor, left: Tensor) -> Tensor:
        """E[x_0 | x_t] where a share `left` of the variance is the data's. Shapes: x (B, D), left (B,)"""
        a, rest = left.sqrt()[:, None], (1 - left)[:, None]
        variance = a.square() * self.deviations.square() + rest  # (B, K)
        gap = x[:, None] - a[..., None] * self.means  # (B, K, D)
        odds = self.weights.log() - x.shape[1] / 2 * variance.log() - gap.square().sum(-1) / (2 * variance)
        gain = a * self.deviations.square() / variance
        return torch.einsum("bk,bkd->bd", odds.softmax(1), self.means + gain[..., None] * gap)

    def net(self, process: GaussianDiffusion) -> Net:
        """What a perfect net says, in the terms that the process has of it."""

        def say(x: Tensor, t: Tensor) -> Tensor:
            left = process.left(t)
            x0 = self.expected(x.double(), left)
            schedule, index = process.at(t)
            noise = (x.double() - over(left.sqrt(), x0) * x0) / over((1 - left).sqrt(), x0)
            return target(x0, noise, index, schedule, process.predicts).to(x)

        return say


@dataclass(frozen=True)
class TokenTable:
    """A probability for each sequence of L of V tokens, few enough to be listed."""

    p: Tensor  # (V, ..., V) sums to 1, double precision

    @property
    def sequences(self) -> Tensor:
        """Shapes: (V^L, L), in the order of the table laid flat"""
        return torch.cartesian_prod(*[torch.arange(size) for size in self.p.shape]).reshape(-1, self.p.dim())

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        return self.sequences[
            torch.multinomial(self.p.flatten(), count, replacement=True, generator=generator)
        ]

    def net(self, mask: int) -> Net:
        """Logits of each token given those that are no masks; of what cannot be, those of chance.

        Shapes: (B, L) -> (B, L, V)
        """
        if mask < max(self.p.shape):
            raise UserError(f"the mask's id, {mask}, is a token of the table's {max(self.p.shape)}")
        sequences, p = self.sequences, self.p.flatten()
        shown = torch.nn.functional.one_hot(sequences, max(self.p.shape)).double()

        def say(x: Tensor, t: Tensor) -> Tensor:
            code = (x * (mask + 1) ** torch.arange(x.shape[1])).sum(1)
            codes, which = code.unique(return_inverse=True)  # few, in a batch of many
            seen = codes[:, None] // (mask + 1) ** torch.arange(x.shape[1]) % (mask + 1)
            agree = ((seen[:, None] == sequences) | (seen[:, None] == mask)).all(-1)
            odds = torch.einsum("bn,nlv->blv", agree * p, shown)
            return torch.where(odds.sum(-1, keepdim=True) > 0, odds, 1.0).log()[which]

        return say

    def counts(self, x: Tensor) -> Tensor:
        """How often each sequence occurs. Shapes: (B, L) -> as p"""
        place = torch.zeros(len(x), dtype=torch.long)
        for column, size in zip(x.T, self.p.shape, strict=True):
            place = place * size + column
        return place.bincount(minlength=self.p.numel()).reshape(self.p.shape).double()
