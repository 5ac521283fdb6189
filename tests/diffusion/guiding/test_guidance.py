"""Guidance against distributions that are tilted in closed form."""

import numpy as np
import pytest
import torch
from torch import nn

from bloomery.core.errors import UnknownName, UserError
from bloomery.diffusion.guiding.classifier_free import combined, dropped, guided, guided_together
from bloomery.diffusion.guiding.critic import by_token_critic, critic_loss, one_hot
from bloomery.diffusion.guiding.gradient import by_critic, by_reward, critic_slope, drifting
from bloomery.diffusion.processes.continuous import GaussianDiffusion
from bloomery.diffusion.processes.known import NormalMixture, TokenTable
from bloomery.diffusion.processes.masked import MaskedDiffusion
from bloomery.diffusion.processes.process import denoiser, exact
from bloomery.diffusion.processes.sampling import sample
from bloomery.diffusion.stepping.ancestral import ancestral
from bloomery.diffusion.stepping.ddpm import ddpm
from bloomery.diffusion.stepping.dpm_solver import dpm_solver

PROCESS, MASK = GaussianDiffusion(), 2
TOKENS = MaskedDiffusion(mask=MASK)
M, S = 0.5, 0.8


def numbers(values):
    return torch.tensor(values, dtype=torch.float64)


NORMAL = NormalMixture(numbers([1.0]), numbers([[M]]), numbers([S]))
TABLE = TokenTable(numbers([[0.5, 0.1], [0.1, 0.3]]))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def normals(*shape, seed=0):
    return torch.randn(*shape, generator=seeded(seed), dtype=torch.float64)


def value(x, t):
    """log E[exp(1.5 x_0) | x_t] but for a constant: the perfect critic of the reward 1.5 x."""
    left = PROCESS.left(t)
    return 1.5 * NORMAL.expected(x, left)[:, 0]


CONSTANT = pytest.mark.parametrize("make", [by_reward, by_critic])


@pytest.mark.parametrize("scale", [0.0, 1.0])
@pytest.mark.parametrize("form", ["apart", "together"])
def test_at_0_and_1_guidance_is_one_of_the_nets_to_the_bit(scale, form):
    x, t = normals(3, 2), torch.ones(3)
    net = lambda x, t, c: x * c[:, None]  # noqa: E731
    condition, nothing = torch.full((3,), 3.0), torch.full((3,), -1.0)
    both = (
        guided(lambda x, t: net(x, t, condition), lambda x, t: net(x, t, nothing), scale)
        if form == "apart"
        else guided_together(net, condition, nothing, scale)
    )
    assert torch.equal(both(x, t), net(x, t, condition if scale else nothing))


def test_one_pass_of_both_says_what_two_say():
    x, t = normals(3, 2), torch.tensor([0.1, 0.2, 0.3])
    net = lambda x, t, c: x.sin() * c[:, None] + t[:, None]  # noqa: E731
    c, u = torch.tensor([1.0, 2.0, 3.0]), torch.zeros(3)
    apart = guided(lambda x, t: net(x, t, c), lambda x, t: net(x, t, u), 2.5)
    torch.testing.assert_close(guided_together(net, c, u, 2.5)(x, t), apart(x, t))


@pytest.mark.parametrize("predicts", ["noise", "data", "velocity"])
def test_guided_guesses_are_the_same_whatever_nets_say(predicts):
    """u + scale (c - u) of the data, of two normal distributions."""
    process = GaussianDiffusion(predicts=predicts)
    other = NormalMixture(numbers([1.0]), numbers([[-1.0]]), numbers([0.3]))
    x, t = normals(4, 1), torch.tensor([0.2, 0.4, 0.6, 0.8]).double()
    found = denoiser(process, guided(NORMAL.net(process), other.net(process), 3.0))(x, t)
    c, u = (data.expected(x, process.left(t)) for data in (NORMAL, other))
    torch.testing.assert_close(found, u + 3 * (c - u))


def test_guided_tokens_are_of_the_product_of_powers():
    p_c, p_u = numbers([0.7, 0.2, 0.1]), numbers([0.3, 0.3, 0.4])
    found = combined(p_c.log() + 5, p_u.log() - 2, 1.7).softmax(0)  # logits need not be normalised
    product = p_c**1.7 * p_u**-0.7
    torch.testing.assert_close(found, product / product.sum())


def test_what_is_impossible_to_either_net_stays_impossible():
    c, u = numbers([0.0, -torch.inf, 1.0]), numbers([-torch.inf, -torch.inf, 0.0])
    assert combined(c, u, 3.0).tolist() == [-torch.inf, -torch.inf, 3.0]


def test_conditions_are_dropped_by_their_share_whole():
    condition, nothing = torch.ones(20_000, 3), torch.zeros(3)
    found = dropped(condition, nothing, 0.2, seeded())
    assert (found == 0).all(1).float().mean().item() == pytest.approx(0.2, abs=0.012)
    assert ((found == 0).all(1) | (found == 1).all(1)).all()


def guided_moments(guide, stepper, steps=100):
    x = sample(
        PROCESS,
        NORMAL.net(PROCESS),
        normals(4000, 1),
        steps=steps,
        generator=seeded(1),
        stepper=stepper,
        guide=guide,
    )
    return x.mean().item(), x.std().item()


@pytest.mark.parametrize("guide", ["reward", "critic"])
def test_guidance_by_a_linear_reward_samples_the_tilted_distribution(guide):
    """p(x) exp(1.5 x) of a normal distribution is normal, its mean higher by 1.5 S^2."""
    made = by_reward(PROCESS, lambda x: 1.5 * x[:, 0]) if guide == "reward" else by_critic(PROCESS, value)
    mean, deviation = guided_moments(made, dpm_solver(), 40)
    assert mean == pytest.approx(M + 1.5 * S**2, abs=0.05)
    assert deviation == pytest.approx(S, abs=0.05)
    plain, _ = guided_moments(None, dpm_solver(), 40)
    assert plain == pytest.approx(M, abs=0.05)


def test_a_drift_of_the_variance_times_the_gradient_tends_to_the_same():
    """Of short steps; the last, which has no variance, is what is missing."""
    mean, _ = guided_moments(None, drifting(ddpm(), value), 120)
    assert mean == pytest.approx(M + 1.5 * S**2, abs=0.08)


def test_a_drift_is_the_posteriors_variance_times_scale_and_gradient():
    x, guess = normals(3, 1), normals(3, 1, seed=1)
    t, s = torch.full((3,), 0.6).double(), torch.full((3,), 0.4).double()
    still = exact(PROCESS)(x, guess, t, s, seeded())
    moved = drifting(exact, lambda x, t: 5 * x[:, 0], scale=2.0, inner=3)(PROCESS)(x, guess, t, s, seeded())
    now, then = PROCESS.left(t)[0].item(), PROCESS.left(s)[0].item()
    variance = (1 - then) / (1 - now) * (1 - now / then)
    np.testing.assert_allclose(moved - still, 3 * 2 * variance * 5, rtol=1e-9)
    asked = []
    watched = lambda x, t: asked.append(t) or value(x, t)  # noqa: E731
    last = drifting(exact, watched)(PROCESS)(x, guess, t, torch.zeros(3), seeded())
    torch.testing.assert_close(last, guess)
    assert not asked


@CONSTANT
@pytest.mark.parametrize(
    ("reward", "said"),
    [
        (lambda x, t=None: torch.ones(len(x)), "no gradient"),
        (lambda x, t=None: (x * 0).sum(1) + 1, "flat: 1 for all 4"),
        (lambda x, t=None: x.sum(1) * torch.nan, "no finite number"),
        (lambda x, t=None: (x - x.detach()).sum(1).abs().sqrt() * 0 + x.log().sum(1), "no finite number"),
        (lambda x, t=None: x, "one number for each of 4"),
    ],
    ids=["detached", "constant", "nan", "nan-gradient", "shape"],
)
def test_a_reward_that_cannot_guide_is_refused(make, reward, said):
    guide = make(PROCESS, reward)(lambda x, t: x * 1)
    with pytest.raises(UserError, match=said):
        guide(-normals(4, 1).abs(), torch.full((4,), 0.5))


def test_a_flat_reward_is_allowed_on_request_and_changes_nothing():
    x, t = normals(4, 1), torch.full((4,), 0.5)
    guide = by_reward(PROCESS, lambda x: x.clamp(min=100).sum(1), flat="allow")
    torch.testing.assert_close(guide(lambda x, t: 2 * x)(x, t), 2 * x)
    with pytest.raises(UnknownName, match="refuse"):
        by_reward(PROCESS, value, flat="refused")


def test_a_critic_learns_the_mean_reward_of_data_given_x_t():
    """Of normal data and the reward x_0 a critic of lines a time learns E[x_0 | x_t]; at one time, here."""
    process = GaussianDiffusion(earliest=0.9999999)  # alpha-bar there is the least, 1e-6: all is noise
    data = M + S * torch.randn(4096, 1, generator=seeded())
    line = nn.Linear(1, 1)
    nn.init.zeros_(line.weight)
    optimizer = torch.optim.Adam(line.parameters(), 0.02)
    for _ in range(80):
        optimizer.zero_grad()
        critic_loss(lambda x, t: line(x)[:, 0], data, data[:, 0], process, seeded(2)).mean().backward()
        optimizer.step()
    times = critic_loss(lambda x, t: t, data[:8], torch.zeros(8), PROCESS, seeded()).sqrt()
    np.testing.assert_allclose(times.sort().values.diff(), (1 - 1e-3) / 8, rtol=1e-4)  # all times alike
    x = torch.randn(5, 1)
    assert critic_slope(lambda x, t: line(x)[:, 0], x, torch.ones(5)).unique().numel() == 1
    assert line.bias.item() == pytest.approx(M, abs=0.3)


def test_a_linear_critic_of_tokens_tilts_the_table_by_its_weights():
    """p(x) exp(1.2 (number of ones)) of a table, sampled exactly; passes are those of the net alone."""
    weights = torch.tensor([0.0, 1.2, 0.6])  # the mask's: that of what is expected of it

    def critic(tokens, t):
        return (tokens * weights).sum((1, 2))

    free = TokenTable(numbers([[0.42, 0.18], [0.28, 0.12]]))  # independent: then first order is all there is
    x = sample(
        TOKENS,
        lambda x, t: torch.cat([free.net(MASK)(x, t), torch.zeros(*x.shape, 1)], -1),
        TOKENS.prior((8000, 2), seeded()),
        steps=16,
        generator=seeded(),
        stepper=ancestral(),
        guide=by_token_critic(TOKENS, critic),
    )
    tilted = free.p * torch.tensor([[0, 1.2], [1.2, 2.4]]).double().exp()
    found = free.counts(x) / 8000
    torch.testing.assert_close(found, tilted / tilted.sum(), atol=4 * (0.25 / 8000) ** 0.5, rtol=0)


def test_tokens_of_a_critic_count_the_mask():
    guide = by_token_critic(TOKENS, lambda x, t: x.sum((1, 2)))(lambda x, t: torch.zeros(1, 2, 2))
    with pytest.raises(UserError, match="count the mask"):
        guide(torch.tensor([[MASK, 0]]), torch.ones(1))
    assert one_hot(torch.tensor([[1]]), 3).tolist() == [[[0.0, 1.0, 0.0]]]
