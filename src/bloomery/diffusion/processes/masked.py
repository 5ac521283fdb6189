"""Masked diffusion: each token is either itself or a mask; the net says which token a mask hides."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from bloomery.core.errors import UserError

from .categorical import draw_tokens, log_probabilities, uniform
from .curves import Curve, left, linear, slope
from .process import Net, spread_times


@dataclass(frozen=True, kw_only=True)
class MaskedDiffusion:
    """Tokens become masks.

    Nets give logits (B, L, V); the mask's own, if V counts it, is never a guess. `mask` is the mask's id;
    `earliest` is the first time that training sees: the weight of a masked token grows as 1 / t.
    """

    mask: int
    curve: Curve = field(default_factory=linear)
    earliest: float = 1e-3

    def left(self, t: Tensor) -> Tensor:
        """alpha at t: the share of tokens that are not masked, in double precision, on the processor."""
        return left(self.curve, t)

    def rate(self, t: Tensor) -> Tensor:
        """-alpha' / (1 - alpha): what a masked token's cost weighs at t.

        Source: the continuous-time bounds of arXiv 2406.07524 (MDLM) and arXiv 2406.04329 (MD4)
        """
        return -slope(self.curve, t) / (1 - self.left(t))

    def corrupt(self, x0: Tensor, t: Tensor, generator: torch.Generator) -> Tensor:
        """Source: arXiv 2107.03006 (D3PM), its absorbing state; arXiv 2406.07524 (MDLM), section 3"""
        kept = uniform(x0.shape, generator).to(x0.device) < self._each(self.left(t), x0)
        return torch.where(kept, x0, self.mask)

    def loss(
        self,
        net: Net,
        x0: Tensor,
        generator: torch.Generator,
        *,
        weight: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """One draw of the bound of -log p(x_0), in nats. Shapes: x0 (B, L) -> (B,)

        Source: the continuous-time bounds of arXiv 2406.07524 (MDLM) and arXiv 2406.04329 (MD4)
        Differs: times begin at `earliest`, not at 0, which leaves out what is there to learn from almost
            unmasked data: about that share of the bound
        """
        t = spread_times(len(x0), generator, self.earliest)
        x = self.corrupt(x0, t, generator)
        x = x if mask is None else torch.where(mask, x, x0)
        cost = self.cost(net(x, t.to(x0.device, torch.float32)), x, x0, weight)
        return cost * self.rate(t).to(cost)

    def cost(self, said: Tensor, x: Tensor, x0: Tensor, weight: Tensor | None = None) -> Tensor:
        """-log p of the data under the masks of x, summed. Shapes: x, x0 (B, L) -> (B,)"""
        if bool((x0 == self.mask).any()):
            raise UserError(f"data hold the mask's own id, {self.mask}: nothing hides behind it")
        dtype = said.dtype if said.dtype == torch.float64 else torch.float32
        log_p = log_probabilities(said, self.mask, dtype)
        nats = -log_p.gather(-1, x0[..., None])[..., 0]
        nats = torch.where(x == self.mask, nats, 0)
        return (nats if weight is None else nats * weight).sum(-1)

    def guess(self, said: Tensor, x: Tensor, t: Tensor) -> Tensor:
        """Log-probabilities in double precision. Shapes: (B, L, V) -> (B, L, V)

        Source: arXiv 2406.07524 (MDLM), zero masking probabilities of its SUBS parametrisation
        """
        if said.shape[:-1] != x.shape:
            raise UserError(f"a net of tokens gives logits {(*x.shape, 'V')}; these are {tuple(said.shape)}")
        return log_probabilities(said, self.mask)

    def step(
        self, x: Tensor, guess: Tensor, t: Tensor, s: Tensor, generator: torch.Generator, *, eta: float = 0.0
    ) -> Tensor:
        """x_s: masks become tokens; with eta above 0 tokens become masks again, and more masks tokens.

        The chance that a token is masked again is eta times the largest under which x_s still has alpha_s of
        its tokens. That masks known ones too: put them back by `project`.

        Source: arXiv 2406.07524 (MDLM), its reverse posterior; eta: arXiv 2503.00307 (ReMDM), the remasking
            posterior under its rescaled schedule
        """
        if not 0 <= eta <= 1:
            raise UserError(f"eta of a masked step is from 0 (MDLM) to 1 (most remasking), not {eta:g}")
        again, reveal = self.chances(t, s, eta)
        return self.moved(x, draw_tokens(guess, generator), again, reveal, generator)

    def chances(self, t: Tensor, s: Tensor, eta: float) -> tuple[Tensor, Tensor]:
        """That a token is masked again, and that a mask becomes a token. Shapes: (B,) -> twice (B,)"""
        now, then = self.left(t), self.left(s)
        if bool((now >= then).any()):
            raise UserError("a step goes from masks to data: s is before t; these are not")
        again = eta * ((1 - then) / now.clamp(min=1e-300)).clamp(max=1)  # at t = 1 no token is left
        return again, (then - (1 - again) * now) / (1 - now)

    def moved(
        self, x: Tensor, drawn: Tensor, again: Tensor, reveal: Tensor, generator: torch.Generator
    ) -> Tensor:
        """x with masks turned to what was drawn, and tokens to masks, by chance.

        Shapes: x, drawn (B, L); chances (B,) or (B, L)
        """
        u = uniform(x.shape, generator).to(x.device)
        shown = torch.where(u < self._each(reveal, x), drawn, self.mask)
        kept = torch.where(u < self._each(again, x), self.mask, x)
        return torch.where(x == self.mask, shown, kept)

    def prior(self, shape: Sequence[int], generator: torch.Generator) -> Tensor:
        return torch.full(tuple(shape), self.mask, device=generator.device)

    def draw(self, x: Tensor, guess: Tensor, generator: torch.Generator) -> Tensor:
        return torch.where(x == self.mask, draw_tokens(guess, generator), x)

    def _each(self, chance: Tensor, x: Tensor) -> Tensor:
        chance = chance.to(x.device)
        return chance if chance.dim() == x.dim() else chance.reshape(-1, *[1] * (x.dim() - 1))
