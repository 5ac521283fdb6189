"""Gaussian diffusion between any two times, against closed forms in NumPy."""

import numpy as np
import pytest
import torch

from bloomery.core.errors import UserError
from bloomery.diffusion import gaussian
from bloomery.diffusion.processes import curves
from bloomery.diffusion.processes.continuous import GaussianDiffusion
from bloomery.diffusion.schedules import cosine

ROUND_OFF = {"atol": 1e-12, "rtol": 1e-10}
T_, S_ = torch.tensor([0.9, 0.6, 0.31, 0.2]).double(), torch.tensor([0.7, 0.59, 0.0, 0.1]).double()
etas = pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def normals(*shape, seed=0):
    return torch.randn(*shape, generator=seeded(seed), dtype=torch.float64)


def share(t):
    return np.cos((t + 0.008) / 1.008 * np.pi / 2) ** 2 / np.cos(0.008 / 1.008 * np.pi / 2) ** 2


@etas
def test_a_step_is_the_formula_of_ddim(eta):
    """Eq. 12 and 16, in their own letters: alpha is alpha-bar there."""
    x, guess, noise = normals(4, 3), normals(4, 3, seed=1), normals(4, 3, seed=2).numpy()
    found = GaussianDiffusion().step(x, guess, T_, S_, seeded(2), eta=eta)
    at, before = share(T_.numpy())[:, None], share(S_.numpy())[:, None]
    sigma = eta * np.sqrt((1 - before) / (1 - at)) * np.sqrt(1 - at / before)
    direction = (x.numpy() - np.sqrt(at) * guess.numpy()) / np.sqrt(1 - at)
    mean = np.sqrt(before) * guess.numpy() + np.sqrt(1 - before - sigma**2) * direction
    np.testing.assert_allclose(found, mean + sigma * noise, **ROUND_OFF)


def test_a_step_over_a_tables_own_steps_is_that_of_ddpm():
    table, draw = cosine(20), seeded()
    x, guess, index = normals(20, 2), normals(20, 2, seed=1), torch.arange(1, 21)
    q = gaussian.posterior(x, guess, index, table)
    process = GaussianDiffusion(curve=curves.from_schedule(table), least=0)
    found = process.step(x, guess, index.double() / 20, (index.double() - 1) / 20, draw)
    torch.testing.assert_close(found, q.mean + q.variance.sqrt() * normals(20, 2), atol=1e-9, rtol=1e-9)


@etas
def test_corrupting_and_stepping_back_with_known_data_has_the_marginal_of_the_earlier_time(eta):
    process, x0 = GaussianDiffusion(), torch.full((40_000, 1), 2.0, dtype=torch.float64)
    t, s = torch.full((40_000,), 0.8, dtype=torch.float64), torch.full((40_000,), 0.3, dtype=torch.float64)
    draw = seeded()
    found = process.step(process.corrupt(x0, t, draw), x0, t, s, draw, eta=eta)
    mean, variance = 2 * share(0.3) ** 0.5, 1 - share(0.3)
    assert found.mean().item() == pytest.approx(mean, abs=4 * (variance / 40_000) ** 0.5)
    assert found.var().item() == pytest.approx(variance, rel=4 * (2 / 40_000) ** 0.5)


@etas
def test_the_last_step_commits_the_guess(eta):
    x, guess = normals(4, 3), normals(4, 3, seed=1)
    found = GaussianDiffusion().step(x, guess, T_, torch.zeros(4), seeded(), eta=eta)
    torch.testing.assert_close(found, guess, atol=1e-15, rtol=0)


@pytest.mark.parametrize("predicts", ["noise", "data", "velocity"])
def test_a_net_that_knows_has_no_loss_and_guesses_the_data(predicts):
    """For data of one point the noise, and with it any answer, is in x_t."""
    process, x0 = GaussianDiffusion(predicts=predicts), torch.full((16, 3), 1.5, dtype=torch.float64)

    def net(x, t):
        a, s = (
            torch.from_numpy(v)[:, None] for v in (share(t.numpy()) ** 0.5, (1 - share(t.numpy())) ** 0.5)
        )
        noise = (x - a * 1.5) / s
        return {"noise": noise, "data": torch.full_like(x, 1.5), "velocity": a * noise - s * 1.5}[predicts]

    assert process.loss(net, x0, seeded()).max() < 1e-20
    t = torch.linspace(0.1, 0.9, 16, dtype=torch.float64)
    x = process.corrupt(x0, t, seeded())
    torch.testing.assert_close(process.guess(net(x, t), x, t), x0)


def test_the_loss_of_a_net_that_says_nothing_is_the_variance_of_what_it_should_say():
    process, x0 = GaussianDiffusion(), torch.zeros(20_000, 2)
    found = process.loss(lambda x, t: torch.zeros_like(x), x0, seeded())
    assert found.shape == (20_000,)
    assert found.mean().item() == pytest.approx(2, abs=4 * 2 / 20_000**0.5)  # chi-square of 2: deviation 2


def test_under_a_mask_the_net_sees_the_data_and_is_asked_for_the_rest():
    x0, mask = normals(8, 2, seed=3), torch.tensor([True, False])
    process, seen = GaussianDiffusion(), []

    def net(x, t):
        seen.append(x)
        return torch.full_like(x, 100.0)

    loss = process.loss(net, x0, seeded(), mask=mask)
    assert torch.equal(seen[0][:, 1], x0[:, 1])
    assert not torch.isclose(seen[0][:, 0], x0[:, 0]).any()
    twice = process.loss(net, x0, seeded(), mask=mask, weight=torch.tensor([2.0, 7.0]))
    torch.testing.assert_close(twice, 2 * loss)


def test_emphasis_weighs_by_the_log_of_signal_to_noise():
    x0, draw = torch.zeros(6, 1, dtype=torch.float64), seeded()
    plain = GaussianDiffusion().loss(lambda x, t: torch.zeros_like(x), x0, draw)
    seen = []
    weighed = GaussianDiffusion(emphasis=lambda snr: seen.append(snr) or 3 * torch.ones_like(snr))
    found = weighed.loss(lambda x, t: torch.zeros_like(x), x0, seeded())
    torch.testing.assert_close(found, 3 * plain)
    assert len(set(seen[0].tolist())) == 6


def test_what_makes_no_step_is_refused():
    process, x = GaussianDiffusion(), normals(1, 2)
    with pytest.raises(UserError, match="s is before t"):
        process.step(x, x, torch.tensor([0.2]), torch.tensor([0.5]), seeded())
    with pytest.raises(UserError, match="eta of a Gaussian step"):
        process.step(x, x, torch.tensor([0.5]), torch.tensor([0.2]), seeded(), eta=1.5)


def test_half_precision_answers_are_taken_in_the_precision_of_the_data():
    process, x = GaussianDiffusion(), torch.randn(2, 3)
    assert process.guess(torch.ones(2, 3, dtype=torch.bfloat16), x, torch.tensor([0.5, 0.5])).dtype == x.dtype
