"""The same steps as diffusers' schedulers take. Their tables are in single precision: 2e-5, and 1e-4 for VQ.

Optional: the closed forms beside this file are always checked.
"""

import numpy as np
import pytest
import torch

from bloomery.diffusion.processes import curves
from bloomery.diffusion.processes.continuous import GaussianDiffusion
from bloomery.diffusion.processes.masked import MaskedDiffusion
from bloomery.diffusion.schedules import cosine, from_betas, linear
from bloomery.diffusion.stepping.ddim import ddim
from bloomery.diffusion.stepping.ddpm import ddpm
from bloomery.diffusion.stepping.dpm_solver import dpm_solver

diffusers = pytest.importorskip("diffusers", reason="diffusers is an optional peer: pip install diffusers")

STEPS = 64
ENDS = {"beta_start": 0.1 / STEPS, "beta_end": 20 / STEPS}  # DDPM's 1e-4 to 0.02, of 1000 steps
TABLES = {"linear": linear(STEPS, *ENDS.values()), "squaredcos_cap_v2": cosine(STEPS)}
PREDICTS = {"noise": "epsilon", "data": "sample", "velocity": "v_prediction"}
tables = pytest.mark.parametrize("table", TABLES)
predictions = pytest.mark.parametrize("predicts", PREDICTS)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def normals(seed):
    return torch.randn(3, 2, generator=seeded(seed), dtype=torch.float64)


def scheduler(kind, table, predicts, **options):
    return getattr(diffusers, kind)(
        num_train_timesteps=STEPS,
        beta_schedule=table,
        prediction_type=PREDICTS[predicts],
        clip_sample=False,
        **ENDS,
        **options,
    )


def process(table, predicts):
    return GaussianDiffusion(curve=curves.from_schedule(TABLES[table]), predicts=predicts, least=0)


def ours(stepper, process, said, x, now, then):
    """The step from table index `now` to `then`, 0 being data."""
    t, s = (torch.full((3,), index / STEPS, dtype=torch.float64) for index in (now, then))
    return stepper(process)(x, process.guess(said, x, t), t, s, seeded(9))


def gap(found, theirs):
    """Where alpha-bar is 1e-7 the guess, and so what both step to, is some hundreds: relative there."""
    return ((found - theirs).abs() / theirs.abs().clamp(min=1)).max().item()


@tables
def test_schedules_are_those_of_diffusers(table):
    theirs = scheduler("DDPMScheduler", table, "noise").alphas_cumprod
    torch.testing.assert_close(TABLES[table].alpha_bar[1:].float(), theirs, atol=1e-6, rtol=0)


@tables
@predictions
@pytest.mark.parametrize("spread", ["small", "large"])
def test_ddpm_steps_are_those_of_diffusers(table, predicts, spread):
    peer = scheduler("DDPMScheduler", table, predicts, variance_type=f"fixed_{spread}")
    for now in range(1, STEPS + 1):
        x, said = normals(now), normals(now + 100)
        theirs = peer.step(said, now - 1, x, generator=seeded(9)).prev_sample
        found = ours(ddpm(spread), process(table, predicts), said, x, now, now - 1)
        assert gap(found, theirs) < 2e-5, now


def test_of_one_table_in_double_precision_ddpm_steps_are_those_of_diffusers_to_round_off():
    peer, table = scheduler("DDPMScheduler", "linear", "noise", variance_type="fixed_small"), TABLES["linear"]
    peer.betas, peer.alphas = table.beta[1:], 1 - table.beta[1:]
    peer.alphas_cumprod, peer.one = table.alpha_bar[1:], peer.one.double()
    for now in range(1, STEPS + 1):
        x, said = normals(now), normals(now + 100)
        theirs = peer.step(said, now - 1, x, generator=seeded(9)).prev_sample
        assert gap(ours(ddpm(), process("linear", "noise"), said, x, now, now - 1), theirs) < 1e-9, now


@tables
@predictions
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_ddim_steps_are_those_of_diffusers(table, predicts, eta):
    peer = scheduler("DDIMScheduler", table, predicts, set_alpha_to_one=True)
    peer.set_timesteps(16)
    for place in peer.timesteps.tolist():
        now, then = place + 1, max(place + 1 - STEPS // 16, 0)
        x, said = normals(now), normals(now + 100)
        theirs = peer.step(said, place, x, eta=eta, generator=seeded(9)).prev_sample
        assert gap(ours(ddim(eta), process(table, predicts), said, x, now, then), theirs) < 2e-5, now


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # theirs, of numpy
def test_the_solver_goes_where_that_of_diffusers_goes():
    table = linear(1000)
    peer = diffusers.DPMSolverMultistepScheduler(
        beta_schedule="linear", final_sigmas_type="zero", lower_order_final=False, euler_at_final=True
    )
    peer.set_timesteps(20)
    model = GaussianDiffusion(curve=curves.from_schedule(table), least=0)
    step, mine, theirs = dpm_solver()(model), normals(0), normals(0)
    times = [(place + 1) / 1000 for place in peer.timesteps.tolist()] + [0.0]
    for place, time, before in zip(peer.timesteps.tolist(), times, times[1:], strict=False):
        t, s = (torch.full((3,), x, dtype=torch.float64) for x in (time, before))
        said = (mine.sin(), theirs.sin())
        mine = step(mine, model.guess(said[0], mine, t), t, s, seeded())
        theirs = peer.step(said[1], place, theirs).prev_sample
        assert gap(mine, theirs) < 1e-4  # 20 steps of single precision


def test_the_masked_posterior_is_that_of_the_vq_scheduler():
    """Its tables let a share of 5e-7 of tokens turn into others, where ours are masked or not."""
    words, steps = 6, 100
    edges = {"alpha_cum_start": 0.9999, "alpha_cum_end": 1e-4 - 5e-7}
    edges |= {"gamma_cum_start": 1e-4 - 5e-7, "gamma_cum_end": 0.9999}
    peer = diffusers.VQDiffusionScheduler(num_vec_classes=words + 1, num_train_timesteps=steps, **edges)
    alpha = np.concatenate([[1.0], peer.log_cumprod_at.exp().numpy()[:steps]])
    model = MaskedDiffusion(mask=words, curve=curves.from_points(alpha))
    x = torch.arange(words + 1).repeat(2, 1)
    p = torch.randn(2, words + 1, words, generator=seeded(), dtype=torch.float64).softmax(-1)
    p[:, torch.arange(words), :] = torch.eye(words, dtype=torch.float64)  # known tokens stay, as ours do
    for now in (2, 10, 50, 99, 100):
        t, s = (torch.full((2,), index / steps, dtype=torch.float64) for index in (now, now - 1))
        theirs = peer.q_posterior(p.clamp(min=1e-30).log().mT, x, torch.tensor(now - 1)).exp().mT
        _, reveal = model.chances(t, s, 0.0)
        found = torch.zeros(2, words + 1, words + 1, dtype=torch.float64)
        found[:, :words, :words] = torch.eye(words, dtype=torch.float64)
        found[:, words, :words] = p[:, words] * reveal[:, None]
        found[:, words, words] = 1 - reveal
        assert (found - theirs).abs().max() < 1e-4, now


def test_a_schedule_of_given_variances_is_that_of_diffusers():
    betas = [0.1, 0.2, 0.3]
    theirs = diffusers.DDPMScheduler(num_train_timesteps=3, trained_betas=betas).alphas_cumprod
    torch.testing.assert_close(from_betas(torch.tensor(betas)).alpha_bar[1:].float(), theirs)
