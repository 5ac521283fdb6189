"""One sampler for both processes."""

import numpy as np
import pytest
import torch

from bloomery.core.errors import UserError
from bloomery.diffusion.processes.categorical import draw_tokens
from bloomery.diffusion.processes.continuous import GaussianDiffusion
from bloomery.diffusion.processes.masked import MaskedDiffusion
from bloomery.diffusion.processes.precision import lowered
from bloomery.diffusion.processes.process import spread_times
from bloomery.diffusion.processes.sampling import sample

M, S = 0.8, 0.5
MASK = 3


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


GAUSSIAN, MASKED = GaussianDiffusion(), MaskedDiffusion(mask=MASK)


def expected_noise(x, t):
    """E[e | x_t] of normal data."""
    left = GAUSSIAN.left(t).to(x)[:, None]
    return (1 - left).sqrt() * (x - left.sqrt() * M) / (left * S**2 + 1 - left)


def a_then_b(x, t):
    """Two tokens that are always the same: 0 0 with chance 0.7, 1 1 with 0.3."""
    p = torch.tensor([0.7, 0.3, 0, 0]).repeat(len(x), 2, 1)
    for here, there in ((0, 1), (1, 0)):
        seen = x[:, there] != MASK
        p[seen, here] = torch.nn.functional.one_hot(x[seen, there], 4).float()
    return p.log()


def given(process, count, seed=0):
    return process.prior((count, 2), seeded(seed))


CASES = pytest.mark.parametrize(("process", "net"), [(GAUSSIAN, expected_noise), (MASKED, a_then_b)])


def moments_of_steps(steps):
    """Mean and variance after all steps, in NumPy: of normal data each step is a line and noise."""
    left = GAUSSIAN.left(torch.linspace(0, 1, steps + 1)).numpy()
    mean, variance = 0.0, 1.0
    for now, then in zip(left[:0:-1], left[-2::-1], strict=True):
        beta = 1 - now / then
        of_data, of_noisy = then**0.5 * beta / (1 - now), (now / then) ** 0.5 * (1 - then) / (1 - now)
        slope = now**0.5 * S**2 / (now * S**2 + 1 - now)  # E[x_0 | x_t] = M + slope (x_t - a M)
        mean = of_data * (M + slope * (mean - now**0.5 * M)) + of_noisy * mean
        variance = (of_data * slope + of_noisy) ** 2 * variance + (1 - then) / (1 - now) * beta
    return mean, variance


@pytest.mark.parametrize("steps", [5, 100])
def test_the_exact_step_samples_normal_data_as_closely_as_its_steps_allow(steps):
    x = sample(GAUSSIAN, expected_noise, given(GAUSSIAN, 20_000).double(), steps=steps, generator=seeded())
    mean, variance = moments_of_steps(steps)
    np.testing.assert_allclose(x.mean(0), mean, atol=4 * S / 20_000**0.5)
    np.testing.assert_allclose(x.var(0), variance, rtol=4 * (2 / 20_000) ** 0.5)
    assert steps < 100 or (mean, variance**0.5) == (pytest.approx(M, abs=1e-3), pytest.approx(S, rel=0.05))


def test_the_exact_step_samples_tokens_that_depend_on_each_other_when_steps_are_many():
    """In one step they are drawn apart; with K steps both fall into one with chance 1 / K."""
    x = sample(MASKED, a_then_b, given(MASKED, 4000), steps=64, generator=seeded())
    apart = (x[:, 0] != x[:, 1]).double().mean().item()
    assert apart == pytest.approx(0.42 / 64, abs=4 * (0.42 / 64 / 4000) ** 0.5)
    assert (x[:, 0] == 0).double().mean().item() == pytest.approx(0.7, abs=4 * (0.21 / 4000) ** 0.5)
    once = sample(MASKED, a_then_b, given(MASKED, 4000), steps=1, generator=seeded())
    assert (once[:, 0] != once[:, 1]).double().mean().item() == pytest.approx(0.42, abs=0.04)


@CASES
def test_a_seed_gives_the_same_bits_and_another_gives_others(process, net):
    same, again, other = (
        sample(process, net, given(process, 50), steps=5, generator=seeded(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(same, again)
    assert not torch.equal(same, other)


@CASES
def test_what_is_known_stays_through_all_steps(process, net):
    seen = []
    given_x = given(process, 20)

    def known(x, s):
        x = x.clone()
        x[:, 0] = 1
        return x

    def watch(x, guess, t):
        seen.append((t, x[:, 0]))

    x = sample(process, net, given_x, steps=6, generator=seeded(), project=known, watch=watch)
    assert (x[:, 0] == 1).all()
    assert [t for t, _ in seen] == pytest.approx([1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6])
    assert all((first == 1).all() for _, first in seen)


@CASES
def test_a_sample_that_stops_early_commits_the_guess_at_hand(process, net):
    passes = []

    def counted(x, t):
        passes.append(t)
        return net(x, t)

    x = sample(
        process, counted, given(process, 9), steps=50, generator=seeded(), stop=lambda x, guess, t: t < 0.95
    )
    assert len(passes) == 4  # at 1, .98, .96 and .94
    assert x.shape == (9, 2)
    assert not (x == MASK).any()


def test_a_sample_that_is_done_makes_no_more_passes():
    passes = []
    x = sample(
        MASKED,
        lambda x, t: passes.append(t) or a_then_b(x, t),
        given(MASKED, 1),
        steps=50,
        generator=seeded(),
        done=lambda x, t: not (x == MASK).any(),
    )
    assert len(passes) < 50
    assert not (x == MASK).any()


def test_a_guide_is_a_function_of_the_denoiser():
    x = sample(
        GAUSSIAN,
        expected_noise,
        given(GAUSSIAN, 3),
        steps=4,
        generator=seeded(),
        guide=lambda denoise: lambda x, t: torch.full_like(denoise(x, t), 7.0),
    )
    torch.testing.assert_close(x, torch.full((3, 2), 7.0))


def test_a_net_of_numbers_gets_the_time_in_its_own_precision():
    seen = []

    def net(x, t):
        seen.append(t)
        return x

    sample(GAUSSIAN, net, torch.zeros(2, 2, dtype=torch.float32), steps=1, generator=seeded())
    assert seen[0].dtype == torch.float32
    assert seen[0].tolist() == [1, 1]


@pytest.mark.parametrize("process", [GAUSSIAN, MASKED])
def test_a_net_may_run_in_half_precision_while_the_process_does_not(process):
    said, layer = [], torch.nn.Linear(2, 2 if process is GAUSSIAN else 8)

    def net(x, t):
        said.append(layer(x.float()))
        return said[-1].reshape(x.shape if process is GAUSSIAN else (len(x), 2, 4))

    watched = []
    x = sample(
        process,
        lowered(net),
        given(process, 5),
        steps=3,
        generator=seeded(),
        watch=lambda x, guess, t: watched.append(guess.dtype),
    )
    assert {answer.dtype for answer in said} == {torch.bfloat16}
    assert set(watched) == {torch.float32 if process is GAUSSIAN else torch.float64}
    assert x.dtype == (torch.float32 if process is GAUSSIAN else torch.long)


@pytest.mark.parametrize("steps", [0, [1.0], [1.0, 0.5], [0.5, 0.7, 0.0], [1.5, 0.0]])
def test_times_that_do_not_fall_to_0_are_refused(steps):
    with pytest.raises(UserError, match="sampling"):
        sample(GAUSSIAN, expected_noise, torch.zeros(1, 2), steps=steps, generator=seeded())


def test_times_of_a_batch_are_each_uniform_and_spread_evenly():
    found = torch.stack([spread_times(4, seeded(seed), 0.2) for seed in range(3000)])
    assert found.min() >= 0.2
    gaps = found.sort(1).values.diff(dim=1)
    torch.testing.assert_close(gaps, torch.full_like(gaps, 0.2))
    np.testing.assert_allclose(found.mean(0), 0.6, atol=4 * 0.8 / 12**0.5 / 3000**0.5)


def test_tokens_are_drawn_by_their_probability():
    """And an impossible one never."""
    p = torch.tensor([0.2, 0.5, 0.3, 0.0]).double()
    found = draw_tokens(p.log().expand(40_000, -1), seeded()).bincount(minlength=4) / 40_000
    np.testing.assert_allclose(found, p, atol=4 * (0.25 / 40_000) ** 0.5)
    assert found[3] == 0
    assert draw_tokens(p.log(), seeded(), temperature=0).item() == 1
    with pytest.raises(UserError, match="temperature"):
        draw_tokens(p.log(), seeded(), temperature=-1)
