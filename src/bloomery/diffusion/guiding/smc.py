"""Sequential Monte Carlo: many samples at once; those that promise little make room for those that do.

Any reward will do: no gradient is taken. Weights are exp(beta reward), so that samples under the weights are
of p(x) exp(beta reward(x)) as their number grows, where p is what the stepper samples.
"""

import math
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from bloomery.core.errors import UserError
from bloomery.diffusion.processes.process import (
    Guide,
    Net,
    Process,
    Project,
    Stepper,
    denoiser,
    exact,
    filled,
)
from bloomery.diffusion.processes.sampling import even_times

from .rewards import Reward, asked


class Particles(NamedTuple):
    """Samples (G n, ...) in G groups of n, and what is known of them."""

    samples: Tensor
    rewards: Tensor  # (G, n)
    log_weights: Tensor  # (G, n) since they were last drawn anew; their exp sums to 1
    log_mean: Tensor  # (G,) log of the estimate of E[exp(beta reward)], which is unbiased
    resampled: Tensor  # (G,) how often
    informed: Tensor  # (G,) false where the reward never differed: these are samples without any choice


class _Cloud(NamedTuple):
    x: Tensor
    guess: Tensor
    worth: Tensor  # (G, n) the last reward
    log_weights: Tensor  # (G, n), not normalised
    log_mean: Tensor
    resampled: Tensor
    informed: Tensor


@torch.no_grad()
def steered(
    process: Process,
    net: Net,
    x_T: Tensor,
    *,
    reward: Reward,
    beta: float,
    steps: int,
    generator: torch.Generator,
    groups: int = 1,
    stepper: Stepper = exact,
    guide: Guide | None = None,
    project: Project | None = None,
    least: float = 0.5,
    every: int = 1,
    timeout_s: float | None = None,
) -> Particles:
    """Particles from x_T: at every so many steps each guess is drawn to the end and its reward asked.

    Weights grow by exp(beta (reward - the last one)); where a group's effective number of particles falls
    below `least` of them, they are drawn anew by weight. The net's passes are those of plain sampling. A
    stepper that remembers begins afresh after particles were drawn.

    Shapes: x_T (G n, ...), those of a group side by side
    Source: arXiv 2501.06848 (Feynman-Kac steering), difference potentials; arXiv 2306.17775 (TDS), whose
        gradient proposal is `guide`; effective number: Kong et al. 1994
    Differs: weights do not correct for a `guide`: then they choose among guided samples
    """
    if groups < 1 or not len(x_T) or len(x_T) % groups or every < 1 or not 0 <= least <= 1:
        raise UserError(f"cannot steer {len(x_T)} particles, {groups=}, {every=}, {least=}")
    denoise = denoiser(process, net)
    denoise, step = denoise if guide is None else guide(denoise), stepper(process)
    zero = torch.zeros(groups, len(x_T) // groups, dtype=torch.float64, device=x_T.device)
    x = x_T if project is None else project(x_T, filled(len(x_T), 1.0))
    cloud = _Cloud(x, x, zero, zero, zero[:, 0], zero[:, 0].long(), zero[:, 0].bool())
    for place, (time, before) in enumerate(pairwise(even_times(steps))):
        t, s = filled(len(x_T), time), filled(len(x_T), before)
        cloud = cloud._replace(guess=denoise(cloud.x, t))
        if place % every == 0:
            clean = process.draw(cloud.x, cloud.guess, generator)
            cloud = _weighed(cloud, asked(reward, clean, timeout_s), beta)
            before_that, cloud = cloud.resampled, _drawn_anew(cloud, least, generator)
            step = step if torch.equal(before_that, cloud.resampled) else stepper(process)
        x = step(cloud.x, cloud.guess, t, s, generator)
        cloud = cloud._replace(x=x if project is None else project(x, s))
    return _final(_weighed(cloud, asked(reward, cloud.x, timeout_s), beta))


def choose(particles: Particles, generator: torch.Generator) -> Tensor:
    """One sample of each group, by weight. Shapes: -> (G, ...)"""
    p = particles.log_weights.exp()
    index = torch.multinomial(p.to(generator.device), 1, generator=generator)[:, 0].to(p.device)
    rows = torch.arange(len(p), device=p.device) * p.shape[1] + index
    return particles.samples[rows]


def effective(log_weights: Tensor) -> Tensor:
    """1 / sum of squared weights: of n equal ones n, of one alone 1. Shapes: (G, n) -> (G,)"""
    return (-torch.logsumexp(2 * log_weights.log_softmax(1), 1)).exp()


def systematic(log_weights: Tensor, generator: torch.Generator) -> Tensor:
    """Indices by weight, from n evenly spaced points with one random start. Shapes: (G, n) -> (G, n)"""
    groups, n = log_weights.shape
    start = torch.rand(groups, 1, generator=generator, device=generator.device, dtype=torch.float64)
    points = (start.to(log_weights.device) + torch.arange(n, device=log_weights.device)) / n
    edges = log_weights.softmax(1).cumsum(1)
    return torch.searchsorted(edges / edges[:, -1:], points, right=True).clamp(max=n - 1)


def _weighed(cloud: _Cloud, rewards: Tensor, beta: float) -> _Cloud:
    worth = rewards.reshape(cloud.worth.shape)
    return cloud._replace(
        worth=worth,
        log_weights=cloud.log_weights + beta * (worth - cloud.worth),
        informed=cloud.informed | (worth != worth[:, :1]).any(1),
    )


def _drawn_anew(cloud: _Cloud, least: float, generator: torch.Generator) -> _Cloud:
    groups, n = cloud.log_weights.shape
    poor = effective(cloud.log_weights) < least * n
    if not bool(poor.any()):
        return cloud
    stay = torch.arange(n, device=poor.device).expand(groups, n)
    index = torch.where(poor[:, None], systematic(cloud.log_weights, generator), stay)
    rows = (index + n * torch.arange(groups, device=poor.device)[:, None]).flatten()
    mean = _log_mean(cloud.log_weights)
    return cloud._replace(
        x=cloud.x[rows],
        guess=cloud.guess[rows],
        worth=cloud.worth.gather(1, index),
        log_weights=torch.where(poor[:, None], 0.0, cloud.log_weights),
        log_mean=cloud.log_mean + torch.where(poor, mean, 0.0),
        resampled=cloud.resampled + poor,
    )


def _final(cloud: _Cloud) -> Particles:
    log_mean = cloud.log_mean + _log_mean(cloud.log_weights)
    weights = cloud.log_weights.log_softmax(1)
    return Particles(cloud.x, cloud.worth, weights, log_mean, cloud.resampled, cloud.informed)


def _log_mean(log_weights: Tensor) -> Tensor:
    return torch.logsumexp(log_weights, 1) - math.log(log_weights.shape[1])
