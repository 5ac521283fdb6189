"""Reward guidance where the reward has a gradient."""

from collections.abc import Callable
from typing import Literal, get_args

import torch
from torch import Tensor

from bloomery.core.errors import UnknownName, UserError
from bloomery.diffusion import gaussian
from bloomery.diffusion.processes.continuous import GaussianDiffusion
from bloomery.diffusion.processes.process import Denoise, Guide, Process, Step, Stepper
from bloomery.diffusion.schedules import over
from bloomery.diffusion.stepping.ddpm import gaussian_only

Smooth = Callable[[Tensor], Tensor]  # data (B, ...) -> (B,), with a gradient
Critic = Callable[[Tensor, Tensor], Tensor]  # x_t, t -> (B,): what data of x_t are worth
Flat = Literal["refuse", "allow"]


def by_reward(process: GaussianDiffusion, reward: Smooth, scale: float = 1.0, flat: Flat = "refuse") -> Guide:
    """The reward of the guess, its gradient taken through the net to x_t.

    A guess moves by scale (1 - alpha-bar) / a times the gradient: that adds scale times it to the score of
    x_t, so that of normal data and a linear reward, samples are of p(x) exp(scale reward(x)) exactly.

    Source: arXiv 2105.05233 (classifier guidance), algorithm 2; arXiv 2209.14687 (DPS), for the guess
    Raises: UserError of a reward without gradient, or (flat "refuse") one that says the same of a whole batch
        with gradient 0: a reward that is constant, or far from where it has a slope
    """
    _known(flat)

    def guide(denoise: Denoise) -> Denoise:
        def guided(x: Tensor, t: Tensor) -> Tensor:
            with torch.enable_grad():
                x = x.detach().requires_grad_()
                guess = denoise(x, t)
                slope = uphill(reward(guess), x, flat)
            return guess.detach() + scale * _to_guess(process, t, x) * slope

        return guided

    return guide


def by_critic(process: GaussianDiffusion, critic: Critic, scale: float = 1.0, flat: Flat = "refuse") -> Guide:
    """The gradient of a critic that was trained on noisy data (`critic.critic_loss`), as that of `by_reward`.

    Source: arXiv 2105.05233 (classifier guidance), algorithm 2; arXiv 2205.09991 (Diffuser), section 3.3
    """
    _known(flat)

    def guide(denoise: Denoise) -> Denoise:
        def guided(x: Tensor, t: Tensor) -> Tensor:
            slope = critic_slope(critic, x, t, flat)
            return denoise(x, t) + scale * _to_guess(process, t, x) * slope

        return guided

    return guide


def drifting(
    stepper: Stepper, critic: Critic, scale: float = 1.0, inner: int = 1, flat: Flat = "refuse"
) -> Stepper:
    """Any step, its end moved by scale times the posterior's variance times the critic's gradient there.

    Of the variance, as Diffuser has it: nothing moves in the last step, to s = 0.

    Source: arXiv 2205.09991 (Diffuser), algorithm 1; arXiv 2105.05233 (classifier guidance), algorithm 1
    """
    _known(flat)

    def begin(process: Process) -> Step:
        noise, step = gaussian_only(process, "drifting"), stepper(process)

        def drift(x: Tensor, guess: Tensor, t: Tensor, s: Tensor, generator: torch.Generator) -> Tensor:
            schedule, index = noise.between(t, s)
            variance = gaussian.posterior(x, guess, index, schedule).variance
            moved = step(x, guess, t, s, generator)
            for _ in range(inner if bool((s > 0).all()) else 0):
                moved = moved + scale * variance * critic_slope(critic, moved, s, flat)
            return moved

        return drift

    return begin


def critic_slope(critic: Critic, x: Tensor, t: Tensor, flat: Flat = "refuse") -> Tensor:
    """The gradient of a critic at x_t; it gets t as nets do."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        return uphill(critic(x, t.to(x)), x, flat)


def uphill(value: Tensor, x: Tensor, flat: Flat = "refuse") -> Tensor:
    """The gradient of each example's value with regard to it."""
    if value.shape != (len(x),):
        raise UserError(f"a reward gives one number for each of {len(x)} samples, not {tuple(value.shape)}")
    if not value.requires_grad:
        raise UserError("the reward has no gradient; choose by it instead: guiding.smc, guiding.best_of")
    (slope,) = torch.autograd.grad(value.sum(), x, allow_unused=True)
    slope = torch.zeros_like(x) if slope is None else slope
    if not bool(torch.isfinite(slope).all() & torch.isfinite(value).all()):
        raise UserError("the reward or its gradient is no finite number: nothing can be guided by it")
    if flat == "refuse" and not bool(slope.any()) and bool((value == value[0]).all()):
        raise UserError(
            f"the reward is flat: {float(value[0].detach()):g} for all {len(x)} samples, its gradient 0; it"
            " cannot guide (if it has a slope elsewhere, allow flat ones, or choose by guiding.smc)"
        )
    return slope


def _to_guess(process: GaussianDiffusion, t: Tensor, x: Tensor) -> Tensor:
    left = process.left(t)
    return over((1 - left) / left.sqrt(), x)


def _known(flat: str) -> None:
    if flat not in get_args(Flat):
        raise UnknownName("treatment of a flat reward", flat, get_args(Flat))
