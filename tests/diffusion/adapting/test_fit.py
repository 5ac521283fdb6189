"""A discriminator beside the reward: what it refuses is not learned, and where it refuses all nothing is."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from bloomery.core.errors import UserError
from bloomery.diffusion.adapting.adapt import adapt
from bloomery.diffusion.adapting.adapted import Drawing
from bloomery.diffusion.adapting.budget import Budget
from bloomery.diffusion.adapting.drawing import draw_rounds
from bloomery.diffusion.adapting.generating import best, candidates
from bloomery.diffusion.adapting.reporting import Report
from bloomery.diffusion.adapting.strategies import Strategy
from bloomery.diffusion.adapting.tasks import Selecting
from bloomery.diffusion.adapting.tuning import mixed
from tests.diffusion.adapting.planted import PROCESS, UPPER, bits, config, equal, left, near, upper

LEARN = Strategy(arm="hybrid", n=32, steps=6)
SMALL = config(pairs=48, steps=6, margin=2.0)


def with_fit(fit):
    return dataclasses.replace(upper(), selects=Selecting(near(UPPER), near(UPPER), fit))


def run(net, buffer, task):
    return adapt(
        net, buffer, task, Budget(passes=10**6, rounds=2), process=PROCESS, config=SMALL, old=[left()],
        strategies=[LEARN],
    )  # fmt: skip


def test_the_best_are_chosen_among_the_fit_and_fewer_where_few_are():
    rewards = torch.tensor([[4.0, 3.0, 2.0, 1.0], [4.0, 3.0, 2.0, 1.0]])
    fit = torch.tensor([[False, True, True, True], [False, False, False, True]])
    assert best(rewards, 0.5, fit).tolist() == [[False, True, True, False], [False, False, False, True]]
    assert not best(rewards, 0.5, fit & False).any()


def test_candidates_carry_what_was_fit(net):
    task = with_fit(lambda x: x[:, 1] < 0)
    made = candidates(
        net, PROCESS, [task, dataclasses.replace(upper(), name="other")], LEARN, Drawing(steps=6), None,
        {"upper": 1.0, "other": 1.0}, 0.25, None, torch.Generator().manual_seed(0),
    )  # fmt: skip
    assert made.fit[0].tolist() == (made.samples[0, :, 1] < 0).tolist()
    assert made.fit[1].all()  # it has no discriminator
    assert (made.samples[0][made.chosen[0]][:, 1] < 0).all()
    assert made.fit_share == pytest.approx(float(made.fit.double().mean()))


def test_where_nothing_is_fit_nothing_is_learned_and_the_report_says_so(net, buffer, tmp_path):
    model, report = run(net, buffer, with_fit(lambda x: torch.zeros(len(x), dtype=torch.bool)))
    assert [round.reason for round in report.rounds] == ["no candidate was fit to learn from"] * 2
    assert all(
        round.fit == 0 and round.new == 0 and round.rewards["upper"][1] is None for round in report.rounds
    )
    assert report.rounds[0].buffer == {"real": 400, "synthetic": 0}
    assert equal(bits(model.net), bits(net))
    assert model.memories is None
    assert model.buffer.statistics().tallies["synthetic", 0].rejected == 32
    draw_rounds(report, tmp_path / "rounds.png")
    assert Report.from_plain(json.loads(json.dumps(report.to_plain()))) == report


def test_only_what_is_fit_is_found_again_in_the_buffer_and_a_report_is_read_as_it_was_written(net, buffer):
    model, report = run(net, buffer, with_fit(lambda x: x[:, 1] > 0.9))
    found = model.buffer.entries()
    synthetic = found.content["x"][[one == "upper" for one in found.tasks]]
    assert len(synthetic) > 0
    assert (synthetic[:, 1] > 0.9).all()
    assert 0 < report.rounds[0].fit < 1
    assert Report.from_plain(json.loads(json.dumps(report.to_plain()))) == report


def test_tasks_of_which_nothing_is_there_have_no_share_of_what_is_learned(buffer):
    x = {"x": np.ones((4, 2)), "condition": np.zeros((4, 2))}
    buffer.add_many(x, [0.0] * 4, tasks="upper", origin="synthetic")
    rows = mixed(buffer, ["none", "upper"], 20, 0.5, np.random.default_rng(0)).slots.numpy()
    tasks = buffer.entries().tasks
    assert sum(tasks[row] == "upper" for row in rows) == 10
    with pytest.raises(UserError, match="no entry of any task"):
        mixed(buffer, ["none"], 20, 0.5, np.random.default_rng(0))


def test_a_task_that_tells_nothing_stops_no_others_and_is_not_learned_of(net):
    flat = dataclasses.replace(upper(), name="flat", selects=Selecting(lambda x: torch.ones(len(x))))

    def made(*tasks):
        return candidates(
            net, PROCESS, tasks, LEARN, Drawing(steps=6), None, {"upper": 1.0, "flat": 1.0}, 0.25, None,
            torch.Generator().manual_seed(0),
        )  # fmt: skip

    assert made(upper(), flat).chosen.sum(1).tolist() == [8, 0]
    with pytest.raises(UserError, match="the reward is 1 for all 32 samples"):
        made(flat)
