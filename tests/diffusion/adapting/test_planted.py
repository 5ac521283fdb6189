"""What is planted: a gain that is there is kept; one that is not, and one that forgets, are rolled back."""

from functools import partial

import pytest
import torch

from bloomery.core.errors import UserError
from bloomery.diffusion.adapting.adapt import adapt
from bloomery.diffusion.adapting.budget import Budget
from bloomery.diffusion.adapting.strategies import Strategy
from bloomery.diffusion.adapting.tasks import Selecting
from tests.diffusion.adapting.planted import (
    PROCESS,
    TOKENS,
    UPPER,
    Strings,
    at,
    bits,
    config,
    equal,
    left,
    lower,
    near,
    noise,
    strings_buffer,
    twos,
    upper,
)  # fmt: skip

LEARN = Strategy(arm="gradient", n=64, steps=8)
REMEMBER = Strategy(arm="memory", n=64, steps=8)
BUDGET = Budget(passes=200_000, rounds=2, patience=2)


def run(net, buffer, *, task=None, old=None, strategies=(LEARN,), budget=BUDGET, told=None, **more):
    return adapt(
        net, buffer, task or upper(), budget, process=PROCESS, old=[left()] if old is None else old,
        strategies=strategies, config=told or config(), **more,
    )  # fmt: skip


def test_a_task_that_can_be_learned_is_learned_beyond_what_more_training_does(net, buffer):
    before = bits(net)
    model, report = run(net, buffer)
    assert report.rounds[0].kept
    assert report.gain.low > 0.15  # from a quarter of the samples to more than half
    assert report.over_control.low > 0.15
    assert abs(report.control_gain.mean) < 0.15  # the control's data are those of the base
    assert all(one.held for one in report.old.values())
    assert equal(bits(net), before)
    assert not equal(bits(model.net), before)


def test_a_reward_that_is_noise_is_rolled_back_to_the_bit(net, buffer):
    before = bits(net)
    model, report = run(net, buffer, task=upper(Selecting(noise)))
    assert [round.reason for round in report.rounds] == ["no gain beyond chance"] * 2
    assert report.kept == report.taught == 0
    assert equal(bits(model.net), before)
    assert (report.gain.mean, report.gain.low, report.gain.high) == (0, 0, 0)


def test_a_gain_that_costs_an_old_task_is_rolled_back_to_the_bit(net, buffer):
    before = bits(net)
    model, report = run(net, buffer, old=[left(), lower()])
    assert [round.reason for round in report.rounds] == ["forgot lower"] * 2
    assert all(round.gain.low > 0 for round in report.rounds)  # it was a gain
    assert report.rounds[0].forgetting["left"].held
    assert equal(bits(model.net), before)


def test_the_control_goes_as_many_steps_on_real_data_as_the_model_on_mixed(net, buffer):
    _, report = run(net, buffer)
    kept = [round for round in report.rounds if round.kept]
    assert report.taught == report.controlled == 20 * 128 * len(kept)
    assert all(round.taught == round.controlled for round in kept)
    _, report = run(net, buffer, task=upper(Selecting(noise)))
    assert report.taught == report.controlled == 0


def test_memory_helps_without_a_weight_that_changes_and_is_gone_at_once(net, buffer):
    before = bits(net)
    model, report = run(net, buffer, strategies=[REMEMBER], told=config(best=0.1))
    assert report.kept >= 1
    assert report.gain.low > 0.1
    assert equal(bits(model.net), before)
    assert report.old["left"].change.mean == 0  # a task that nothing is remembered of is drawn as it was
    generator = torch.Generator().manual_seed(5)
    plain = model.without_memory().draw([upper()], 300, generator)
    assert at(UPPER)(plain[0]).mean() < 0.33  # the base has a quarter; 300 draws
    assert at(UPPER)(model.draw([upper()], 300, generator)[0]).mean() > 0.4


def test_strings_of_tokens_adapt_by_memory_and_by_steering():
    task, buffer = twos(), strings_buffer()
    tell = partial(adapt, Strings(), buffer, task, BUDGET, process=TOKENS, config=config(best=0.1))
    _, report = tell(strategies=[Strategy(arm="memory", scale=2.0, n=64, steps=4)])
    assert report.gain.low > 0.05  # two of four are the third token in 5 % of the strings at first
    assert report.base["twos"] < 0.15
    assert set(report.control) == {"twos"}
    assert report.control == report.base  # nothing was trained


@pytest.mark.slow
@pytest.mark.parametrize("strategy", [
    Strategy(arm="hybrid", n=64, steps=8), Strategy(arm="gradient", scale=1.0, n=64, steps=8),
])  # fmt: skip
def test_other_arms_learn_it_too(net, buffer, strategy):
    _, report = run(net, buffer, strategies=[strategy])
    assert report.gain.low > 0.15
    assert report.over_control.low > 0.15


@pytest.mark.slow
def test_rewards_without_gradient_steer_particles(net, buffer):
    guided = Strategy(arm="gradient", scale=2.0, n=64, steps=8)
    _, report = run(net, buffer, task=upper(Selecting(near(UPPER))), strategies=[guided])
    _, plain = run(net, buffer)
    assert report.rounds[0].rewards["upper"][0] > plain.rounds[0].rewards["upper"][0]
    assert report.gain.low > 0.15


def test_weights_do_not_change_without_an_old_task_to_watch(net, buffer):
    with pytest.raises(UserError, match="old tasks"):
        run(net, buffer, old=[])
    _, report = run(net, buffer, old=[], strategies=[REMEMBER])
    assert report.old == {}
