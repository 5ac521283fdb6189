"""Choosing by rewards without gradient, against enumeration; and rewards that are none."""

import math
import time

import numpy as np
import pytest
import torch

from bloomery.core.errors import UserError
from bloomery.diffusion.guiding.best_of import best_of
from bloomery.diffusion.guiding.rewards import asked, discerning
from bloomery.diffusion.guiding.smc import choose, effective, steered, systematic
from bloomery.diffusion.processes.continuous import GaussianDiffusion
from bloomery.diffusion.processes.known import NormalMixture, TokenTable
from bloomery.diffusion.processes.masked import MaskedDiffusion
from bloomery.diffusion.processes.sampling import sample
from bloomery.diffusion.stepping.dpm_solver import dpm_solver
from bloomery.diffusion.stepping.passes import Counted

MASK = 2
FREE = torch.rand(2, 2, 2, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
TABLE = TokenTable(FREE / FREE.sum())
TOKENS = MaskedDiffusion(mask=MASK)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def alternating(x):
    """A reward without gradient: how often neighbours differ."""
    return (x[:, 1:] != x[:, :-1]).sum(1)


def steer(reward=alternating, count=4000, beta=1.0, steps=24, **options):
    net = Counted(TABLE.net(MASK))
    options = {"process": TOKENS, "net": net, "x_T": TOKENS.prior((count, 4), seeded()), **options}
    found = steered(**options, reward=reward, beta=beta, steps=steps, generator=seeded())
    return found, net.passes


def tilted(beta):
    weight = (beta * alternating(TABLE.sequences).double()).exp().reshape(TABLE.p.shape) * TABLE.p
    return weight / weight.sum(), math.log(weight.sum())


def weighted(found):
    """The distribution of the samples under their weights."""
    p, weights = torch.zeros(TABLE.p.shape, dtype=torch.float64), found.log_weights.exp().flatten()
    p.index_put_(tuple(found.samples.T), weights, accumulate=True)
    return p / weights.sum()


@pytest.mark.parametrize("least", [0.0, 0.95])
def test_steered_samples_are_of_the_tilted_distribution(least):
    """Steps are many enough: 64 of 4 tokens; the total variation of 4000 such samples is about 0.03."""
    found, passes = steer(steps=64, least=least)
    expected, log_mean = tilted(1.0)
    assert (weighted(found) - expected).abs().sum().item() / 2 < 0.07
    assert (TABLE.p - expected).abs().sum().item() / 2 > 0.2
    assert found.log_mean.item() == pytest.approx(log_mean, abs=0.06)
    assert passes == 64
    assert (found.resampled.item() > 0) == (least > 0)


def test_beta_0_changes_nothing():
    found, _ = steer(beta=0.0, count=50)
    assert found.resampled.item() == 0
    torch.testing.assert_close(found.log_weights.exp(), torch.full((1, 50), 0.02, dtype=torch.float64))
    assert found.log_mean.item() == pytest.approx(0, abs=1e-12)


def test_groups_are_steered_apart():
    """A reward that knows its rows: only the second group is worth more where neighbours differ."""
    found, _ = steer(
        lambda x: torch.cat([torch.zeros(2000), 3.0 * alternating(x[2000:])]), groups=2, steps=16
    )
    assert found.informed.tolist() == [False, True]
    assert found.resampled.tolist()[0] == 0
    mean = found.rewards.mean(1) / 3
    assert mean[1] > 2
    p = weighted(found._replace(samples=found.samples[:2000], log_weights=found.log_weights[:1]))
    assert (p - TABLE.p).abs().sum().item() / 2 < 0.08


def mixture(*parts):
    return NormalMixture(*(torch.tensor(part, dtype=torch.float64) for part in parts))


def test_a_tilted_normal_distribution_is_sampled_without_its_gradient():
    """exp(x) moves the mean of what the steps sample by its variance, and is worth mean and half of that."""
    process, data = GaussianDiffusion(), mixture([1.0], [[0.5]], [0.8])
    x = torch.randn(4000, 1, generator=seeded(), dtype=torch.float64)
    plain = sample(process, data.net(process), x, steps=40, generator=seeded(1))
    mean, variance = plain.mean().item(), plain.var().item()
    assert (mean, variance) == (pytest.approx(0.5, abs=0.05), pytest.approx(0.64, abs=0.15))
    found, _ = steer(lambda x: x[:, 0], process=process, net=data.net(process), x_T=x, steps=40)
    weights = found.log_weights.exp()[0]
    assert (weights * found.samples[:, 0]).sum().item() == pytest.approx(mean + variance, abs=0.08)
    assert found.log_mean.item() == pytest.approx(mean + variance / 2, abs=0.08)


def test_a_stepper_that_remembers_begins_afresh_when_particles_are_drawn_anew():
    """So that the last guess is never that of another particle: two far points stay two far points."""
    process, data = GaussianDiffusion(), mixture([0.5, 0.5], [[-9.0], [9.0]], [0.1, 0.1])
    x = torch.randn(64, 1, generator=seeded(), dtype=torch.float64)
    begun = []
    stepper = lambda process: begun.append(process) or dpm_solver()(process)  # noqa: E731
    options = {"process": process, "net": data.net(process), "x_T": x, "stepper": stepper}
    found, _ = steer(lambda x: (x[:, 0] > 0).double(), **options, steps=40, least=1.0)
    assert found.resampled.item() > 0
    assert len(begun) == 1 + found.resampled.item()
    assert (found.samples.abs() - 9).abs().max() < 1


def test_a_choice_is_drawn_by_weight():
    found, _ = steer(steps=16, count=400)
    sure = torch.full((1, 400), -torch.inf, dtype=torch.float64)
    sure[0, 7] = 0
    assert torch.equal(choose(found._replace(log_weights=sure), seeded())[0], found.samples[7])


def test_the_effective_number_is_n_of_equal_weights_and_1_of_one_alone():
    log_weights = torch.tensor([[0.0, 0, 0, 0], [0, -1e9, -1e9, -1e9], [0, 0, -1e9, -1e9]]).double() + 7
    np.testing.assert_allclose(effective(log_weights), [4, 1, 2], rtol=1e-9)


def test_particles_are_drawn_as_often_as_their_weight_says_to_within_one():
    weights = torch.tensor([[0.5, 0.25, 0.2, 0.05]]).double()
    counts = systematic(weights.log().repeat(500, 1), seeded())
    found = torch.stack([(counts == k).sum(1) for k in range(4)], 1)
    assert ((found - 4 * weights).abs() < 1).all()
    np.testing.assert_allclose(found.double().mean(0), 4 * weights[0], atol=0.07)


def test_the_best_of_each_group_is_chosen_and_no_choice_is_told():
    samples = torch.arange(6)
    found = best_of(samples, lambda x: [1.0, 5.0, 5.0, 2.0, 2.0, 2.0], groups=2)
    assert found.samples.tolist() == [1, 3]
    assert found.place.tolist() == [1, 0]
    assert found.ranked.tolist() == [True, False]


def slow(x):
    time.sleep(30)
    return torch.zeros(len(x))


def broken(x):
    raise KeyError("no such maze")


@pytest.mark.parametrize(
    ("reward", "said"),
    [
        (
            lambda x: torch.tensor([1.0, torch.nan, torch.inf, 0]),
            "2 of 4 samples is no finite number, first of sample 1",
        ),
        (broken, "raised KeyError: 'no such maze'"),
        (slow, "longer than 0.05 s"),
        (lambda x: torch.zeros(4, 1), r"not \(4, 1\)"),
        (lambda x: 1.0, r"not \(\)"),
        (lambda x: "good", "not str"),
        (lambda x: None, "not NoneType"),
    ],
    ids=["nan", "raises", "sleeps", "shape", "scalar", "text", "nothing"],
)
def test_what_is_no_reward_is_refused_wherever_it_is_asked(reward, said):
    samples = torch.zeros(4, 4, dtype=torch.long)
    options = {"timeout_s": 0.05 if reward is slow else None}
    with pytest.raises(UserError, match=said):
        asked(reward, samples, **options)
    with pytest.raises(UserError, match=said):
        best_of(samples, reward, **options)
    with pytest.raises(UserError, match=said):
        steer(reward, count=4, **options)


def test_a_reward_within_its_time_is_heard_with_its_gradient():
    x, seen = torch.ones(2, requires_grad=True), []

    def reward(x):
        seen.append(torch.is_grad_enabled())
        return x * 3

    assert asked(reward, x, timeout_s=20).requires_grad
    with torch.no_grad():
        assert asked(reward, x, timeout_s=20).tolist() == [3, 3]
    assert seen == [True, False]
    with pytest.raises(UserError, match="KeyError"):
        asked(broken, x, timeout_s=20)


def test_a_constant_reward_is_refused_by_what_must_tell_samples_apart():
    with pytest.raises(UserError, match=r"is 0\.5 for all 3 samples"):
        discerning(lambda x: [0.5] * 3, torch.zeros(3))
    assert discerning(lambda x: [0.5, 0.6], torch.zeros(2)).tolist() == [0.5, 0.6]


def test_a_constant_reward_is_told_by_what_samples_all_the_same():
    found, _ = steer(lambda x: torch.ones(len(x)), count=8)
    assert found.informed.tolist() == [False]


def test_what_makes_no_groups_is_refused():
    with pytest.raises(UserError, match="do not make 4 groups"):
        best_of(torch.zeros(6), alternating, groups=4)
    with pytest.raises(UserError, match="groups=3"):
        steer(count=8, groups=3)
