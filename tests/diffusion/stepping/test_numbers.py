"""Samplers of numbers: closed forms, orders of convergence, and a two-sample test on a mixture."""

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp

from bloomery.core.errors import UserError
from bloomery.diffusion import reverse
from bloomery.diffusion.processes import curves
from bloomery.diffusion.processes.continuous import GaussianDiffusion
from bloomery.diffusion.processes.known import NormalMixture
from bloomery.diffusion.processes.masked import MaskedDiffusion
from bloomery.diffusion.processes.sampling import sample
from bloomery.diffusion.schedules import cosine
from bloomery.diffusion.stepping.ancestral import ancestral
from bloomery.diffusion.stepping.ddim import ddim
from bloomery.diffusion.stepping.ddpm import ddpm
from bloomery.diffusion.stepping.dpm_solver import dpm_solver
from bloomery.diffusion.stepping.grids import even_log_snr, powers

PROCESS = GaussianDiffusion()
ONE = NormalMixture(torch.ones(1).double(), torch.tensor([[0.8]]).double(), torch.tensor([0.5]).double())
THREE = NormalMixture(
    torch.tensor([0.2, 0.5, 0.3]).double(),
    torch.tensor([[-2.0, 0.0], [1.0, 1.0], [1.5, -2.0]]).double(),
    torch.tensor([0.3, 0.5, 0.2]).double(),
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def normals(*shape, seed=0):
    return torch.randn(*shape, generator=seeded(seed), dtype=torch.float64)


@pytest.mark.parametrize("spread", ["large", "small"])
def test_ddpm_over_a_tables_own_steps_is_the_step_of_tables(spread):
    table = cosine(20)
    process = GaussianDiffusion(curve=curves.from_schedule(table), least=0)
    x, guess, index = normals(20, 2), normals(20, 2, seed=1), torch.arange(1, 21)
    found = ddpm(spread)(process)(x, guess, index / 20, (index - 1) / 20, seeded())
    expected = reverse.step(x, guess, index, table, seeded(), spread)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-6)  # times in single precision


def test_ddpm_with_the_small_spread_is_the_processs_own_step():
    x, guess, t, s = normals(4, 2), normals(4, 2, seed=1), torch.full((4,), 0.7), torch.full((4,), 0.2)
    found = ddpm("small")(PROCESS)(x, guess, t, s, seeded())
    torch.testing.assert_close(found, PROCESS.step(x, guess, t, s, seeded(), eta=1.0))


def test_ddim_without_eta_takes_no_randomness():
    first, second = (
        sample(PROCESS, THREE.net(PROCESS), normals(5, 2), steps=7, generator=seeded(seed), stepper=ddim())
        for seed in (1, 2)
    )
    assert torch.equal(first, second)


def test_two_steps_of_the_solver_are_the_formulas():
    """Algorithm 2 in its own letters: lambda half the log-SNR, sigma and alpha the scales."""
    share = PROCESS.left(torch.tensor([0.9, 0.6, 0.5])).numpy()
    alpha, sigma = share**0.5, (1 - share) ** 0.5
    lam = np.log(alpha / sigma)
    x, d0, d1 = (normals(3, 2, seed=seed) for seed in range(3))
    step, at = dpm_solver()(PROCESS), lambda time: torch.full((3,), time)
    one = step(x, d0, at(0.9), at(0.6), seeded())
    h = lam[1] - lam[0]
    by_hand = sigma[1] / sigma[0] * x.numpy() - alpha[1] * (np.exp(-h) - 1) * d0.numpy()
    np.testing.assert_allclose(one, by_hand, rtol=1e-6)  # times in single precision
    two = step(one, d1, at(0.6), at(0.5), seeded())
    h, r = lam[2] - lam[1], (lam[1] - lam[0]) / (lam[2] - lam[1])
    d = (1 + 1 / (2 * r)) * d1.numpy() - 1 / (2 * r) * d0.numpy()
    by_hand = sigma[2] / sigma[1] * one.numpy() - alpha[2] * (np.exp(-h) - 1) * d
    np.testing.assert_allclose(two, by_hand, rtol=1e-5)


def test_a_solvers_first_step_is_that_of_ddim():
    x, guess, t, s = normals(4, 2), normals(4, 2, seed=1), torch.full((4,), 0.7), torch.full((4,), 0.2)
    found = dpm_solver()(PROCESS)(x, guess, t, s, seeded())
    torch.testing.assert_close(found, ddim()(PROCESS)(x, guess, t, s, seeded()))


def error(stepper, steps):
    """Against the probability flow of normal data, which only scales: mean and deviation go to the data's."""
    x, left = normals(50, 1), PROCESS.left(torch.ones(1)).item()
    flow = 0.8 + 0.5 * (x - left**0.5 * 0.8) / (left * 0.25 + 1 - left) ** 0.5
    times = even_log_snr(PROCESS, steps, latest=1e-5)
    found = sample(PROCESS, ONE.net(PROCESS), x, steps=times, generator=seeded(), stepper=stepper())
    return (found - flow).abs().max().item()


def test_twice_the_steps_halve_the_error_of_ddim_and_quarter_the_solvers():
    assert error(ddim, 80) / error(ddim, 160) == pytest.approx(2, rel=0.1)
    assert error(dpm_solver, 80) / error(dpm_solver, 160) == pytest.approx(4, rel=0.2)
    assert error(dpm_solver, 40) < error(ddim, 160)


COUNT, ALPHA = 5000, 1e-3
STATISTICS = {  # what is compared: both coordinates, their sum, and the distance from the middle component
    "x": lambda x: x[:, 0],
    "y": lambda x: x[:, 1],
    "sum": lambda x: x.sum(1),
    "distance": lambda x: (x - 1).norm(dim=1),
}


def rejected(samples, seed=99):
    """Kolmogorov-Smirnov tests of two samples of 5,000, four statistics, alpha 1e-3 in all (Bonferroni)."""
    truth = THREE.draw(COUNT, seeded(seed))
    p = [ks_2samp(look(samples).numpy(), look(truth).numpy()).pvalue for look in STATISTICS.values()]
    return min(p) < ALPHA / len(p)


def mixture_by(stepper, steps, process=PROCESS, net=None, seed=0):
    say = THREE.net(process) if net is None else net
    times = even_log_snr(process, steps)
    return sample(
        process, say, normals(COUNT, 2, seed=seed), steps=times, generator=seeded(seed), stepper=stepper
    )


@pytest.mark.parametrize(
    ("stepper", "steps"),
    [(ddpm("large"), 120), (ddpm("small"), 120), (ddim(), 60), (ddim(0.5), 80), (dpm_solver(), 30)],
    ids=["ddpm-large", "ddpm-small", "ddim", "ddim-half", "dpm-solver"],
)
def test_a_perfect_score_samples_the_mixture(stepper, steps):
    assert not rejected(mixture_by(stepper, steps))


WRONG = {
    "noise 5 % too large": lambda say: lambda x, t: 1.05 * say(x, t),
    "time 5 % too early": lambda say: lambda x, t: say(x, 0.95 * t),
    "a mode forgotten in the score": lambda say: NormalMixture(
        torch.tensor([0.3, 0.4, 0.3]).double(), THREE.means, THREE.deviations
    ).net(PROCESS),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_the_two_sample_test_rejects_a_planted_wrong_coefficient(wrong):
    assert rejected(mixture_by(dpm_solver(), 30, net=WRONG[wrong](THREE.net(PROCESS))))


@pytest.mark.slow
def test_the_two_sample_test_has_its_level_and_its_power():
    """Of 12 right samples at most 1 is rejected; of 12 of each wrong kind all are (of 40 all were)."""
    right = sum(rejected(mixture_by(dpm_solver(), 30, seed=seed), seed + 500) for seed in range(12))
    assert right <= 1
    for make in WRONG.values():
        net = make(THREE.net(PROCESS))
        assert all(rejected(mixture_by(dpm_solver(), 30, net=net, seed=s), s + 500) for s in range(12))


def test_times_of_even_log_snr_rise_evenly_in_it():
    times = even_log_snr(PROCESS, 9)
    assert len(times) == 10
    gaps = PROCESS.log_snr(torch.tensor(times[:-1], dtype=torch.float64)).diff()
    torch.testing.assert_close(gaps, torch.full_like(gaps, gaps.mean().item()), rtol=1e-6, atol=0)


def test_times_of_a_power_are_that_power():
    assert powers(4, 2) == [1.0, 0.5625, 0.25, 0.0625, 0.0]


def test_what_makes_no_sampler_is_refused():
    tokens = MaskedDiffusion(mask=3)
    for stepper in (ddpm(), ddim(), dpm_solver()):
        with pytest.raises(UserError, match="not for MaskedDiffusion"):
            stepper(tokens)
    with pytest.raises(UserError, match="not for GaussianDiffusion"):
        ancestral()(PROCESS)
    with pytest.raises(UserError, match="2 steps or more"):
        even_log_snr(PROCESS, 1)
    with pytest.raises(UserError, match="power"):
        powers(0)
