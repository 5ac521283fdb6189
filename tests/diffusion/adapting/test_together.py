"""Many tasks in one batch, strategies side by side, hooks, metrics, rates, and the picture of it all."""

import dataclasses

import numpy as np
import pytest
import torch

from bloomery.core.errors import UserError
from bloomery.diffusion.adapting.adapt import adapt
from bloomery.diffusion.adapting.adapted import Drawing, guide_of
from bloomery.diffusion.adapting.budget import Budget
from bloomery.diffusion.adapting.comparing import compare
from bloomery.diffusion.adapting.drawing import draw_rounds
from bloomery.diffusion.adapting.generating import Candidates, added, best, candidates, guidance_of
from bloomery.diffusion.adapting.hooks import Hook
from bloomery.diffusion.adapting.reporting import table
from bloomery.diffusion.adapting.strategies import Strategy
from bloomery.diffusion.adapting.tasks import Judging, Rows, Selecting, Task, Trial
from bloomery.diffusion.adapting.tuning import mixed, real_only
from bloomery.diffusion.buffer.contents import Field
from bloomery.diffusion.buffer.ledger import ORIGINS
from bloomery.diffusion.buffer.trajectories import BufferConfig, TrajectoryBuffer
from bloomery.diffusion.processes.process import denoiser, filled
from bloomery.training.schedules import ScheduleConfig
from tests.diffusion.adapting.planted import LEFT, PROCESS, RIGHT, UPPER, at, config, left, near, upper

DOWN = torch.tensor([-1.0, -1.0])
LEARN = Strategy(arm="gradient", n=32, steps=6)
SMALL = config(pairs=48, steps=6, margin=2.0)


def lower_left():
    reward = near(DOWN)
    return Task(
        name="down", judges=Judging(at(DOWN)), shape=(2,), condition={"condition": LEFT},
        selects=Selecting(reward, reward),
    )  # fmt: skip


class Seen(Hook):
    def __init__(self):
        self.told = []

    def on_candidates(self, number, made):
        self.told.append(("candidates", number, tuple(made.samples.shape)))

    def on_round(self, round, model):
        self.told.append(("round", round.number, round.kept))

    def on_end(self, report):
        self.told.append(("end", len(report.rounds), report.kept))


def test_two_tasks_are_learned_in_one_batch_and_hooks_and_metrics_hear_of_it(net, buffer, tmp_path):
    seen, metrics = Seen(), []
    told = dataclasses.replace(SMALL, rates=ScheduleConfig(kind="linear", final=0.5))
    model, report = adapt(
        net, buffer, [upper(), lower_left()], Budget(passes=10**6, rounds=2), process=PROCESS, config=told,
        old=[left()], strategies=[LEARN], hooks=[seen], metric=lambda *one: metrics.append(one),
    )  # fmt: skip
    assert report.rounds[0].kept
    for name in ("upper", "down"):
        assert report.adapted[name] > report.base[name] + 0.1
    assert seen.told[0] == ("candidates", 0, (2, 32, 2))
    assert seen.told[-1] == ("end", 2, report.kept)
    assert [round.rate for round in report.rounds] == [1.0, 0.75]
    gains = {(name, step): value for name, value, step in metrics}
    assert gains["adapt/gain", 0] == report.rounds[0].gain.mean
    assert ("adapt/reward/down", 1) in gains
    assert model.buffer.statistics().tallies["synthetic", 0].rejected == 2 * 24
    assert report.rounds[0].buffer == {"real": 400, "synthetic": 16}
    draw_rounds(report, tmp_path / "rounds.png")
    assert (tmp_path / "rounds.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(UserError, match="no round to draw"):
        draw_rounds(dataclasses.replace(report, rounds=()), tmp_path / "none.png")


def test_strategies_are_compared_on_the_same_tasks_and_noise(net, buffer):
    arms = {"learn": [LEARN], "remember": [Strategy(arm="memory", n=32, steps=6)]}
    found = compare(
        net, buffer, upper(), Budget(passes=10**6, rounds=1), arms, process=PROCESS, config=SMALL,
        old=[left()],
    )  # fmt: skip
    learn, remember = (found[name][1] for name in arms)
    assert learn.base == remember.base
    assert remember.control == remember.base != learn.control
    lines = table({name: report for name, (_, report) in found.items()})
    assert len(lines) == 3
    assert f"{learn.gain.mean:+.4g}" in lines[1]


def test_a_batch_of_tasks_keeps_conditions_projections_and_rewards_apart(net):
    def put(place):
        return lambda x, s: torch.cat([torch.full_like(x[:, :1], place), x[:, 1:]], 1)

    tasks = [dataclasses.replace(upper(), project=put(5.0)), lower_left()]
    rows = Rows(tasks, 3)
    x, s = torch.zeros(6, 2), torch.zeros(6)
    assert rows.project()(x, s)[:, 0].tolist() == [5, 5, 5, 0, 0, 0]
    assert rows.conditions()["condition"][:, 0].tolist() == [0, 0, 0, 1, 1, 1]
    assert rows.by_task([lambda x: x[:, 0] + 1, lambda x: x[:, 0] - 1])(x).tolist() == [1, 1, 1, -1, -1, -1]
    assert Rows([upper(), lower_left()], 3).project() is None


def test_the_best_of_each_task_are_chosen_the_first_of_equals():
    rewards = torch.tensor([[1.0, 3.0, 3.0, 2.0], [9.0, 9.0, 9.0, 9.0]])
    assert best(rewards, 0.5).tolist() == [[False, True, True, False], [True, True, False, False]]
    assert best(rewards, 0.01).sum(1).tolist() == [1, 1]


def test_gradient_guidance_makes_better_candidates_in_as_many_passes(net):
    def made(scale):
        strategy = Strategy(arm="gradient", scale=scale, n=100, steps=8)
        drawing = Drawing(steps=8)
        return candidates(
            net, PROCESS, [upper()], strategy, drawing, None, {"upper": 1.7}, 0.25, None,
            torch.Generator().manual_seed(0),
        )  # fmt: skip

    plain, guided = made(0.0), made(1.0)
    assert guided.rewards.mean() > plain.rewards.mean() + 0.5
    assert plain.passes == guided.passes == 800


def test_the_control_learns_from_real_rows_only_and_the_mix_from_its_share(buffer):
    x = {"x": np.random.default_rng(0).normal(size=(10, 2)), "condition": np.zeros((10, 2))}
    buffer.add_many(x, np.arange(10.0), tasks="upper", origin="synthetic")
    origin = buffer.holdings.ledger.columns["origin"]
    random = np.random.default_rng(0)
    both = mixed(buffer, ["upper"], 40, 0.25, random)
    assert (origin[both.slots.numpy()] == ORIGINS.index("synthetic")).sum() == 10
    assert len(both) == len(real_only(buffer, 40, random)) == 40
    assert (origin[real_only(buffer, 40, random).slots.numpy()] == ORIGINS.index("real")).all()
    assert both[3]["x"].shape == (2,)


def test_what_a_task_teaches_besides_is_kept_with_its_samples(net):
    fields = {"x": Field((2,)), "condition": Field((2,)), "weight": Field((2,), "int8")}
    held = TrajectoryBuffer(fields, BufferConfig(capacity=100), seed=0)
    made = Candidates(torch.zeros(1, 2, 2), torch.tensor([[0.0, 1.0]]), torch.tensor([[False, True]]), 0)
    task = dataclasses.replace(upper(), teaches={"weight": torch.tensor([1, 3])})
    assert added(held, [task], made, 4) == 1
    entry = held.entries()
    assert entry.content["weight"].tolist() == [[1, 3]]
    assert (entry.rounds.tolist(), entry.rewards.tolist(), entry.tasks) == ([4], [1.0], ("upper",))
    with pytest.raises(UserError, match="cannot hold"):
        added(held, [dataclasses.replace(upper(), teaches={"weight": torch.tensor([1, 300])})], made, 4)


def test_gains_may_be_judged_on_other_tasks_than_those_that_teach(net, buffer):
    held = Trial(name="held", judges=Judging(at(UPPER)), shape=(2,), condition={"condition": RIGHT})
    told = {"process": PROCESS, "config": SMALL, "old": [left()], "strategies": [LEARN], "held_out": [held]}
    needed = (3 * SMALL.probe + 32 + (2 + 2 + 3 + 2) * SMALL.pairs) * 6 + 2 * 20 * 128
    with pytest.raises(UserError, match=f"needs {needed} "):
        adapt(net, buffer, upper(), Budget(passes=needed - 1), **told)
    _, report = adapt(net, buffer, upper(), Budget(passes=needed), **told)
    assert report.spent.total == needed
    assert set(report.base) == {"held"}
    assert report.gain.low > 0


def test_nothing_is_guided_while_all_is_noise(net):
    task = upper()
    told = guidance_of([task], 1.0, {"upper": 1.0}, None)
    rows, x = Rows([task], 4), torch.randn(4, 2, generator=torch.Generator().manual_seed(0))
    denoise = denoiser(PROCESS, rows.bound(net))
    guided = guide_of(PROCESS, rows, told)(denoise)
    for time, moved in ((1.0, False), (0.97, False), (0.9, True), (0.3, True)):
        assert bool(PROCESS.left(filled(1, time)) >= 0.01) == moved
        gap = guided(x, filled(4, time)) - denoise(x, filled(4, time)).detach()
        assert bool((gap != 0).any()) == moved
