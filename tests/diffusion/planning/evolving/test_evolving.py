"""A planner's adaptation: ways as tasks, a step that goes on where it was stopped, planners that recall."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from bloomery.core.errors import UserError
from bloomery.core.step import Paused, StepContext
from bloomery.diffusion.adapting.budget import Budget
from bloomery.diffusion.planning.evolving import kept
from bloomery.diffusion.planning.evolving.evolve import (
    EvolveConfig,
    any_way,
    evolve,
    real_windows,
    strategies_of,
    tells,
    ways_of,
)
from bloomery.diffusion.planning.evolving.kept import PLANNER, REPORT, SPENT, Telling, adapt_step
from bloomery.diffusion.planning.evolving.wanted import Wanted, given_ways
from bloomery.diffusion.planning.evolving.worth import Worth, of_coin
from bloomery.diffusion.planning.folder import WEIGHTS, load_planner, save_planner
from bloomery.diffusion.planning.mazes import named
from bloomery.diffusion.planning.recalling import Recalled

WAYS = (((2, 3), (3, 1)), ((3, 1), (1, 3)))
ASKED = Wanted(name="corner", maze=named("umaze"), ways=WAYS, coin=(3.15, 3.15))
CONFIG = EvolveConfig(candidates=8, steps=4, batch=32, real=200, pairs=8, probe=16, scales=(2.0,), best=0.5)
BUDGET = Budget(passes=10**6, rounds=2)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def context(folder, planner, **facts):
    given = {"output": folder / "out", "checkpoint": folder / "checkpoint"}
    for path in given.values():
        path.mkdir(parents=True)
    save_planner(planner, folder / "base")
    return StepContext(**given, inputs={"base": folder / "base"}, seed=3, **facts)


@pytest.fixture
def few(monkeypatch, rides):
    """The step's data are those of the small planner."""
    monkeypatch.setattr(kept, "generate", lambda maze, seed: rides)


def test_a_stopped_adaptation_goes_on_and_ends_with_the_same_bytes(planner, few, tmp_path):
    adapt_step(ASKED, BUDGET, "hybrid", CONFIG, context(tmp_path / "whole", planner))
    seen = []
    stopped = context(
        tmp_path / "stopped", planner, stopping=lambda: any(done >= 1 for done in seen),
        watch=lambda done, *_: seen.append(done),
    )  # fmt: skip
    with pytest.raises(Paused, match="the adaptation to corner paused after 1 rounds"):
        adapt_step(ASKED, BUDGET, "hybrid", CONFIG, stopped)
    assert float(json.loads((stopped.checkpoint / SPENT).read_text())) > 0
    adapt_step(ASKED, BUDGET, "hybrid", CONFIG, dataclasses.replace(stopped, stopping=lambda: False))
    whole, again = (tmp_path / one / "out" for one in ("whole", "stopped"))
    for name in (f"{PLANNER}/{WEIGHTS}", f"{REPORT}.json"):
        assert (whole / name).read_bytes() == (again / name).read_bytes()
    assert len(json.loads((whole / f"{REPORT}.json").read_text())["rounds"]) == 2


def test_time_that_was_spent_before_a_kill_is_not_given_again(tmp_path):
    timed = Budget(passes=1, seconds=60.0)
    assert Telling(None, timed, 0.0, 45.0).left().seconds == 15
    assert Telling(None, timed, 0.0, 75.0).left().seconds == 0
    assert Telling(None, BUDGET, 0.0, 75.0).left() == BUDGET


def test_what_was_given_stays_as_it_was_and_arms_are_those_asked_for(planner, rides):
    before = {name: value.clone() for name, value in planner.net.state_dict().items()}
    model, report = evolve(
        planner, rides, ASKED, dataclasses.replace(BUDGET, rounds=1), choice="memory", config=CONFIG
    )
    assert [round.named.split()[0] for round in report.rounds] == ["memory"]
    for net in (planner.net, model.net):  # a memory touches no weights
        assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert set(report.base) == {"way 2,3-3,1", "way 3,1-1,3"}  # ways that are named are judged themselves
    assert {one.arm for one in strategies_of("self", planner, CONFIG)} == {"gradient", "memory", "hybrid"}
    assert (planner.adapted_to, model.adapted_to) == ("", "corner")  # another folder, though nothing was kept
    with pytest.raises(UserError, match="did you mean 'memory'"):
        strategies_of("memori", planner, CONFIG)


def test_random_ways_are_those_on_which_plans_differ_and_others_are_judged(planner):
    asked = dataclasses.replace(ASKED, ways=5)
    coin = (3.0, 1.0)  # a dead end: a way from or to it has nothing to gain
    learned, judged = ways_of(planner, asked, of_coin(coin), 0)
    ways = [(*s[:2], *g) for one in (learned, judged) for s, g in zip(one.starts, one.goals, strict=True)]
    assert len(set(ways)) == 10
    assert not any((way[0], way[1]) == coin for way in ways)
    flat = Worth(lambda s: torch.ones(len(s)), lambda s: torch.ones(len(s)))
    assert not tells(planner, flat, given_ways(WAYS), 0).any()
    with pytest.raises(UserError, match="on 0 of 30 ways through 'umaze' the reward tells plans apart"):
        ways_of(planner, asked, flat, 0)
    many = dataclasses.replace(ASKED, ways=40)
    one, other = ways_of(planner, many, of_coin(coin), 0)
    assert 5 < len(one) == len(other) < 20  # of 42; of many the nearest place to the coin is an end
    assert len(ways_of(planner, ASKED, of_coin(coin), 0)[1]) == 0


def test_each_judged_row_of_arriving_goes_its_own_way(planner, rides):
    trial = any_way(planner, 12, 0)
    x = torch.zeros(12, planner.spec.horizon, 6)
    put = trial.project(x, torch.zeros(12))
    places = planner.read(put).states
    assert len({tuple(np.round(one, 3)) for one in places[:, [0, -1], :2].reshape(12, 4)}) > 6
    assert not put[:, 1:-1].any()
    real = real_windows(planner, rides, 64, 0)
    assert float(trial.judges.reward(real).mean()) > 0.3  # data arrive


class Believing(torch.nn.Module):
    """Takes what it sees for the data: what it is given to begin with is where it ends."""

    def forward(self, x, t):
        return x


def test_plans_of_a_remembered_way_grow_out_of_it_and_others_do_not(planner, tmp_path):
    starts, goals = np.array([[2.0, 3, 0, 0]] * 8), np.array([[3.0, 1]] * 8)
    line = np.linspace([2.0, 3.0], [3.0, 1.0], planner.spec.horizon)
    window = planner.scale.inward(np.zeros((1, planner.spec.horizon, 6)))
    window[0, :, :2] = planner.scale.inward(line)
    plain = dataclasses.replace(planner, net=Believing(), eta=0.0)
    known = dataclasses.replace(plain, recalled=Recalled(window, 1.0, 0.05))

    def places(one, starts=starts):
        return one.plans(starts, goals, generator()).states[..., :2]

    assert np.abs(places(known) - line).max() < 1 < np.abs(places(plain) - line).max()
    other = np.array([[1.0, 1, 0, 0]] * 8)
    np.testing.assert_array_equal(places(known, other), places(plain, other))
    none = dataclasses.replace(known, recalled=Recalled(window, 0.0, 0.05))
    np.testing.assert_array_equal(places(none), places(plain))
    kept_too = dataclasses.replace(planner, recalled=Recalled(window, 0.7, 0.4))
    save_planner(kept_too, tmp_path / "known")
    back = load_planner(tmp_path / "known").recalled
    assert torch.equal(back.windows, window)
    assert (back.share, back.depth) == (0.7, 0.4)


def test_a_memory_is_asked_for_the_nearest_windows_and_only_where_they_are_near():
    windows = torch.zeros(3, 4, 6)
    windows[:, 0, 0], windows[:, -1, 0] = torch.tensor([0.0, 0.1, 5.0]), torch.tensor([1.0, 1.0, 6.0])
    starts, goals = torch.tensor([[0.0, 0], [5.2, 0], [5.2, 0]]), torch.tensor([[6.0, 0], [6.0, 0], [1.0, 0]])
    for seed in range(5):
        found = Recalled(windows[2:], 1.0, 0.5).nearest(starts, goals, generator(seed))
        assert found.there.tolist() == [False, True, False]  # of the others only one end is near
    drawn = [Recalled(windows[:2], 1.0, 0.5).nearest(starts[:1], goals[2:], generator(s)) for s in range(20)]
    assert {float(one.windows[0, 0, 0]) for one in drawn} == {0.0, float(torch.tensor(0.1))}
    many = Recalled(windows[:1], 0.25, 0.5).nearest(
        starts[:1].expand(4000, 2), goals[2:].expand(4000, 2), generator()
    )
    assert abs(float(many.there.double().mean()) - 0.25) < 0.025  # 3.6 deviations
