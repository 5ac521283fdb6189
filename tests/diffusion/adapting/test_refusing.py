"""Rewards that are none, or one, and budgets that are too small: refused, and nothing is lost."""

import dataclasses
import time
from functools import partial

import pytest
import torch

from bloomery.core.errors import UnknownName, UserError
from bloomery.core.store import Store
from bloomery.diffusion.adapting.adapt import adapt
from bloomery.diffusion.adapting.budget import Budget
from bloomery.diffusion.adapting.saving import Keeping
from bloomery.diffusion.adapting.strategies import Strategy, grid
from bloomery.diffusion.adapting.tasks import Judging, Selecting, Task, Trial
from bloomery.diffusion.buffer.contents import Field
from bloomery.diffusion.buffer.trajectories import BufferConfig, TrajectoryBuffer
from tests.diffusion.adapting.planted import (
    PROCESS,
    RIGHT,
    UPPER,
    at,
    bits,
    config,
    equal,
    left,
    near,
    noise,
    upper,
)

LEARN = Strategy(arm="gradient", n=32, steps=6)
BUDGET = Budget(passes=200_000, rounds=3, patience=3)
SMALL = config(pairs=16, steps=6, margin=2.0)


def run(net, buffer, *, task=None, budget=BUDGET, strategies=(LEARN,), told=SMALL, **more):
    return adapt(
        net, buffer, task or upper(), budget, process=PROCESS, config=told, old=[left()],
        strategies=strategies, **more,
    )  # fmt: skip


def impatient(said):
    """A limit only where a reward sleeps: the others answer at their own pace."""
    return dataclasses.replace(SMALL, timeout_s=0.2 if said == "longer than" else None)


def raises(x):
    raise RuntimeError("a wall")


BROKEN = {
    "no finite number": lambda x: torch.full((len(x),), torch.nan),
    "a wall": raises,
    "longer than": lambda x: time.sleep(1),
    "nothing can be told": lambda x: torch.ones(len(x)),
    "one number for each": lambda x: torch.ones(len(x), 2),
}


@pytest.mark.parametrize("said", BROKEN)
def test_what_selects_and_is_no_reward_is_refused_before_anything_is_paid_for(net, buffer, said):
    before = bits(net)
    with pytest.raises(UserError, match=said):
        run(net, buffer, task=upper(Selecting(BROKEN[said])), told=impatient(said))
    assert equal(bits(net), before)


@pytest.mark.parametrize("said", ["no finite number", "a wall", "longer than"])
def test_what_judges_and_is_no_reward_is_refused_too(net, buffer, said):
    task = dataclasses.replace(upper(), judges=Judging(BROKEN[said]))
    with pytest.raises(UserError, match=said):
        run(net, buffer, task=task, told=impatient(said))


def test_a_judge_that_always_says_the_same_is_refused(net, buffer):
    with pytest.raises(UserError, match="no gain could ever be seen"):
        run(net, buffer, task=dataclasses.replace(upper(), judges=Judging(lambda x: torch.ones(len(x)))))


class Worn:
    """A reward that breaks after so many questions."""

    def __init__(self, reward, lasts):
        self.reward, self.left = reward, lasts

    def __call__(self, x):
        self.left -= 1
        if self.left < 0:
            raise RuntimeError("worn out")
        return self.reward(x)


def test_a_reward_that_breaks_later_loses_nothing_of_what_was_kept(net, buffer, tmp_path):
    def keep():
        return Keeping(Store(tmp_path / "store"), tmp_path / "head.json")

    worn = Worn(near(UPPER), 3)  # of real data, of the first samples, and of one round's candidates
    model, report = run(net, buffer, task=upper(Selecting(worn)), keep=keep())
    assert report.stopped.startswith("round 1 was refused: the reward raised RuntimeError: worn out")
    assert report.kept == 1
    assert not equal(bits(model.net), bits(net))
    _, mended = run(net, buffer, task=upper(Selecting(near(UPPER))), keep=keep())
    assert mended == run(net, buffer, task=upper(Selecting(near(UPPER))))[1]


def test_one_reward_may_not_select_and_judge():
    class Both:
        def reward(self, x):
            return x.sum(-1)

    def distance(x, goal):
        return -(x - goal).square().sum(-1)

    reward, owner, goal = near(UPPER), Both(), UPPER
    same = [
        (reward, reward),
        (owner.reward, owner.reward),  # a new method object each
        (partial(distance, goal=goal), partial(distance, goal=goal)),
    ]
    for one, other in same:
        with pytest.raises(UserError, match="another reward"):
            Task(name="a", judges=Judging(other), shape=(2,), selects=Selecting(one))
    with pytest.raises(UserError, match="another reward"):
        Task(name="a", judges=Judging(reward), shape=(2,), selects=Selecting(at(UPPER), reward))
    Task(name="a", judges=Judging(partial(distance, goal=goal)), shape=(2,),
         selects=Selecting(partial(distance, goal=-goal)))  # fmt: skip
    with pytest.raises(UserError, match=r"Judging\(reward\)"):
        Task(name="a", judges=Selecting(reward), shape=(2,), selects=Selecting(at(UPPER)))
    with pytest.raises(UserError, match=r"Selecting\(reward\)"):
        Task(name="a", judges=Judging(reward), shape=(2,), selects=Judging(at(UPPER)))


def test_a_reward_that_says_what_the_judge_says_is_refused(net, buffer):
    task = dataclasses.replace(upper(Selecting(at(UPPER))), judges=Judging(lambda x: at(UPPER)(x)))
    with pytest.raises(UserError, match="say the same of all"):
        run(net, buffer, task=task)


def test_what_selects_one_task_may_not_judge_a_held_out_one(net, buffer):
    reward = near(UPPER)
    held = Trial(name="held", judges=Judging(reward), shape=(2,), condition={"condition": RIGHT})
    with pytest.raises(UserError, match="judges 'held'"):
        run(net, buffer, task=upper(Selecting(reward)), held_out=[held])


def test_a_budget_is_never_exceeded_and_one_that_is_too_small_is_refused(net, buffer):
    with pytest.raises(UserError, match=r"needs (\d+)") as refused:
        run(net, buffer, budget=Budget(passes=100))
    needed = int(str(refused.value).split("needs ")[1].split()[0])
    with pytest.raises(UserError, match="too small"):
        run(net, buffer, budget=Budget(passes=needed - 1, rounds=3))
    _, report = run(net, buffer, budget=Budget(passes=needed, rounds=3))
    assert len(report.rounds) == 1
    assert report.stopped == "no strategy is left that the budget allows"
    assert report.kept == 1
    assert report.spent.total == needed  # what was foreseen is what it cost


def test_patience_ends_a_run(net, buffer):
    budget = Budget(passes=10**6, rounds=9, patience=2)
    _, report = run(net, buffer, task=upper(Selecting(noise)), budget=budget)
    assert report.stopped == "2 rounds in a row brought nothing"
    assert len(report.rounds) == 2


def test_buffers_that_cannot_teach_are_refused(net):
    other = TrajectoryBuffer({"x": Field((2,))}, BufferConfig(capacity=10), seed=0)
    with pytest.raises(UserError, match="hold"):
        run(net, other)
    empty = TrajectoryBuffer({"x": Field((2,)), "condition": Field((2,))}, BufferConfig(capacity=10), seed=0)
    with pytest.raises(UserError, match="no real data"):
        run(net, empty)


def test_names_and_numbers_are_checked(net, buffer):
    with pytest.raises(UnknownName, match="arm"):
        Strategy(arm="magic")
    with pytest.raises(UserError, match="n >= 2"):
        Strategy(n=1)
    with pytest.raises(UserError, match="rounds"):
        Budget(passes=1, rounds=0)
    with pytest.raises(UserError, match="pairs"):
        config(pairs=7)
    with pytest.raises(UserError, match="strategy"):
        run(net, buffer, strategies=[])
    with pytest.raises(UserError, match="name of its own"):
        adapt(net, buffer, [upper(), upper()], BUDGET, process=PROCESS, config=SMALL, old=[left()])
    odd = dataclasses.replace(upper(), name="odd", shape=(3,))
    with pytest.raises(UserError, match="one shape"):
        adapt(net, buffer, [upper(), odd], BUDGET, process=PROCESS, config=SMALL, old=[left()])
    assert len({str(one) for one in grid(scales=(0, 1), etas=(None, 0.5))}) == 12
