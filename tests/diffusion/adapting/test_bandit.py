"""The bandit finds the better strategy, within bounds that hold for any run."""

import math

import numpy as np
import pytest

from bloomery.core.errors import UserError
from bloomery.diffusion.adapting.bandit import Bandit


def pulled(bandit, gain, rounds):
    counts = [0] * len(bandit.costs)
    for _ in range(rounds):
        arm = bandit.choose()
        counts[arm] += 1
        bandit.learn(arm, gain(arm))
    return counts


@pytest.mark.parametrize("explore", [0.25, 1.0])
@pytest.mark.parametrize("gap", [0.1, 0.4])
def test_gains_that_are_always_the_same_bound_how_often_a_worse_one_is_tried(explore, gap):
    # a worse arm is chosen only while its bonus makes up for the gap: n <= 2 explore^2 ln N / gap^2 + 1
    means, rounds = (0.5, 0.5 - gap, 0.5 - gap), 2000
    counts = pulled(Bandit([1, 1, 1], explore=explore), lambda arm: means[arm], rounds)
    most = 2 * explore**2 * math.log(rounds) / gap**2 + 1
    assert all(1 <= count <= most for count in counts[1:])


def test_regret_is_within_the_bound_of_ucb1():
    # Auer et al. 2002, theorem 1: 8 sum ln N / gap + (1 + pi^2 / 3) sum gap, in expectation over runs
    means, rounds, runs = (0.7, 0.4, 0.3), 1000, 5
    gaps = [0.3, 0.4]
    bound = 8 * sum(math.log(rounds) / gap for gap in gaps) + (1 + math.pi**2 / 3) * sum(gaps)
    random = np.random.default_rng(0)
    regret = 0.0
    for _ in range(runs):
        counts = pulled(Bandit([1, 1, 1]), lambda arm: float(random.random() < means[arm]), rounds)
        regret += sum(count * gap for count, gap in zip(counts[1:], gaps, strict=True)) / runs
        assert counts[0] > rounds / 2
    assert regret <= bound


def test_a_gain_counts_by_what_it_costs():
    # gain 0.5 for 1 pass beats 0.6 for 2
    assert pulled(Bandit([2, 1], explore=0.1), lambda arm: (0.6, 0.5)[arm], 100)[1] > 90
    assert pulled(Bandit([1, 1], explore=0.1), lambda arm: (0.6, 0.5)[arm], 100)[0] > 50


def test_what_cannot_be_paid_is_not_chosen():
    bandit = Bandit([5, 1])
    assert bandit.choose(4) == 1
    assert bandit.choose(5) == 0
    assert bandit.choose(0.5) is None
    bandit.learn(1, 0.25)
    assert (bandit.known(0), bandit.known(1)) == (None, 0.25)


def test_with_a_discount_an_arm_that_has_worn_out_is_left():
    # arm 0 pays 1 for 20 rounds and then nothing, arm 1 always 0.5
    def total(discount):
        bandit, turn = Bandit([1, 1], explore=0.1, discount=discount), 0
        counts = [0, 0]
        for turn in range(60):
            arm = bandit.choose()
            bandit.learn(arm, 0.5 if arm else float(turn < 20))
            counts[arm] += turn >= 20
        return counts[1]

    assert total(0.8) > 30
    assert total(0.8) > total(1.0)


def test_a_bandit_goes_on_from_its_state():
    one = Bandit([1, 2, 3], discount=0.9)
    pulled(one, lambda arm: 0.1 * arm, 7)
    other = Bandit([1, 2, 3], discount=0.9, **one.state())
    assert pulled(one, lambda arm: 0.2, 5) == pulled(other, lambda arm: 0.2, 5)
    assert other.state() == one.state()


def test_gains_outside_of_0_to_1_are_refused():
    for gain in (-0.1, 1.1, math.nan):
        with pytest.raises(UserError, match="from 0 to 1"):
            Bandit([1]).learn(0, gain)
    with pytest.raises(UserError, match="above 0"):
        Bandit([0.0])
