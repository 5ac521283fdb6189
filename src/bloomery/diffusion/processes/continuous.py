"""Gaussian diffusion over a curve: DDPM's formulas, taken between any two times."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from bloomery.core.errors import UserError
from bloomery.diffusion import gaussian
from bloomery.diffusion.normal import Normal, noise_like, summed
from bloomery.diffusion.predictions import Predicts, data_from, noise_from_data, target
from bloomery.diffusion.schedules import Schedule, over

from .curves import Curve, cosine, left
from .process import Net, spread_times


@dataclass(frozen=True, kw_only=True)
class GaussianDiffusion:
    """Numbers become noise of variance 1.

    `least` is the smallest share of the data's variance: where it is 0, x_0 cannot be had from the noise.
    `earliest` is the first time that training sees. `emphasis` weighs the squared error at a log-SNR.
    """

    curve: Curve = field(default_factory=cosine)
    predicts: Predicts = "noise"
    least: float = 1e-6
    earliest: float = 1e-3
    emphasis: Callable[[Tensor], Tensor] | None = None

    def left(self, t: Tensor) -> Tensor:
        """alpha-bar at t, in double precision, on the processor."""
        return left(self.curve, t).clamp(min=self.least)

    def corrupt(self, x0: Tensor, t: Tensor, generator: torch.Generator) -> Tensor:
        return self.noised(x0, t, generator)[0]

    def noised(self, x0: Tensor, t: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """x_t, and the noise in it."""
        schedule, index = self.at(t)
        return gaussian.corrupt(x0, index, schedule, generator)

    def loss(
        self,
        net: Net,
        x0: Tensor,
        generator: torch.Generator,
        *,
        weight: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """The squared error of what the net says at a random time. Shapes: x0 (B, ...) -> (B,)

        Source: arXiv 2006.11239 (DDPM), its simple loss; `emphasis` after arXiv 2303.09556 (min-SNR)
        """
        t = spread_times(len(x0), generator, self.earliest)
        schedule, index = self.at(t)
        x, noise = gaussian.corrupt(x0, index, schedule, generator)
        x = x if mask is None else torch.where(mask, x, x0)
        error = (target(x0, noise, index, schedule, self.predicts) - net(x, t.to(x))).square()
        error = error if weight is None else error * weight
        cost = summed(error if mask is None else error * mask)
        return cost if self.emphasis is None else cost * self.emphasis(self.log_snr(t)).to(cost)

    def log_snr(self, t: Tensor) -> Tensor:
        share = self.left(t)
        return share.log() - torch.log1p(-share)

    def guess(self, said: Tensor, x: Tensor, t: Tensor) -> Tensor:
        """x_0 in the precision of x, whatever the net's."""
        schedule, index = self.at(t)
        return data_from(said.to(x.dtype), x, index, schedule, self.predicts)

    def step(
        self, x: Tensor, guess: Tensor, t: Tensor, s: Tensor, generator: torch.Generator, *, eta: float = 1.0
    ) -> Tensor:
        """x_s: of the posterior's variance the share eta^2 is fresh noise, the rest the noise x_t had.

        Source: arXiv 2010.02502 (DDIM), eq. 12 and eq. 16; eta 1 is `gaussian.posterior`
        """
        if not 0 <= eta <= 1:
            raise UserError(f"eta of a Gaussian step is from 0 (DDIM) to 1 (DDPM), not {eta:g}")
        schedule, index = self.between(t, s)
        posterior = gaussian.posterior(x, guess, index, schedule)
        if eta == 1:
            return posterior.mean + posterior.variance.sqrt() * noise_like(x, generator)
        mean = self._towards(guess, noise_from_data(x, guess, index, schedule), s, eta, posterior)
        return mean if eta == 0 else mean + eta * posterior.variance.sqrt() * noise_like(x, generator)

    def _towards(self, guess: Tensor, noise: Tensor, s: Tensor, eta: float, posterior: Normal) -> Tensor:
        share = self.left(s)
        kept = (over(1 - share, guess) - eta**2 * posterior.variance).clamp(min=0)
        return over(share.sqrt(), guess) * guess + kept.sqrt() * noise

    def prior(
        self, shape: Sequence[int], generator: torch.Generator, dtype: torch.dtype = torch.float32
    ) -> Tensor:
        return torch.randn(tuple(shape), generator=generator, device=generator.device, dtype=dtype)

    def draw(self, x: Tensor, guess: Tensor, generator: torch.Generator) -> Tensor:
        return guess

    def at(self, t: Tensor) -> tuple[Schedule, Tensor]:
        """As `between`, from the data."""
        return self.between(t, torch.zeros_like(t))

    def between(self, t: Tensor, s: Tensor) -> tuple[Schedule, Tensor]:
        """A table in which each example has two rows, for s and for t, and the index of t.

        So DDPM's functions, which step from an index to the one before, step from t to s.
        """
        now, then = self.left(t), self.left(s)
        if bool((now > then).any()):
            raise UserError("a step goes from noise to data: s is before t; these are the other way round")
        rows = torch.stack([then, now], 1).flatten()
        beta = torch.stack([1 - then, 1 - now / then], 1).flatten()
        table = Schedule(torch.cat([now.new_zeros(1), beta]), torch.cat([now.new_ones(1), rows]))
        return table, 2 * torch.arange(1, len(now) + 1)
