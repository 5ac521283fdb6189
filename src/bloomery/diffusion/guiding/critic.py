"""A critic: a net that says of noisy data what reward the data will have."""

from collections.abc import Callable

import torch
from torch import Tensor

from bloomery.core.errors import UserError
from bloomery.diffusion.processes.masked import MaskedDiffusion
from bloomery.diffusion.processes.process import Denoise, Guide, Process, spread_times

from .gradient import Critic, uphill

TokenCritic = Callable[[Tensor, Tensor], Tensor]  # one-hot tokens (B, L, V), t (B,) -> (B,)


def critic_loss(
    critic: Critic, x0: Tensor, rewards: Tensor, process: Process, generator: torch.Generator
) -> Tensor:
    """The squared error of a critic at random times: its best answer is the mean reward of data given x_t.

    Shapes: x0 (B, ...), rewards (B,) -> (B,)
    Source: arXiv 2205.09991 (Diffuser), section 3.3
    """
    t = spread_times(len(x0), generator, 1e-3)
    x = process.corrupt(x0, t, generator)
    told = t.to(x.device, x.dtype if x.is_floating_point() else torch.float32)
    return (critic(x, told) - rewards.to(x.device)).square()


def one_hot(x: Tensor, size: int) -> Tensor:
    """Tokens as a critic of tokens has them, so that it has a gradient. Shapes: (B, L) -> (B, L, V)"""
    return torch.nn.functional.one_hot(x, size).float()


def by_token_critic(process: MaskedDiffusion, critic: TokenCritic, scale: float = 1.0) -> Guide:
    """log p of each token rises by scale times what the critic gains by it, to first order: one pass of it.

    With a critic that says log p(y | x_t) this is guidance towards y. Exact where the critic is linear.

    Source: arXiv 2412.10193 (D-CBG), its first-order approximation
    """

    def guide(denoise: Denoise) -> Denoise:
        def guided(x: Tensor, t: Tensor) -> Tensor:
            log_p = denoise(x, t)
            if process.mask >= log_p.shape[-1]:
                raise UserError("a critic of tokens knows masks: the net's logits count the mask's own id")
            with torch.enable_grad():
                tokens = one_hot(x, log_p.shape[-1]).requires_grad_()
                gain = uphill(critic(tokens, t.to(tokens)), tokens)
            return (log_p + scale * gain.to(log_p)).log_softmax(-1)

        return guided

    return guide
