"""The bandit, the critic, what is said of its forecasts, and both at work."""

import math

import numpy as np
import pytest
from scipy import stats

from bloomery.optimize.methods.actor_critic import ActorCritic, Critic, Forecast, LinUcb, calibrated
from bloomery.optimize.methods.actor_critic.calibration import spearman
from bloomery.optimize.methods.actor_critic.critic import PENALTY, logistic, ridge
from bloomery.optimize.methods.actor_critic.features import CODE, arm, code_features, proposal_features
from bloomery.optimize.optimizing import optimize
from bloomery.optimize.proposal import Proposal
from tests.optimize.runs.shops import OTHER, QUICK, SLOW, WRONG, Saying, decide


def test_with_one_constant_feature_the_bandit_is_a_shrunken_mean_with_its_width():
    policy = LinUcb(alpha=0.5)
    assert policy.value({"a": 1.0}) == 0.0
    assert policy.bound({"a": 1.0}) == 0.5
    for reward in (1.0, 0.0, 1.0):
        policy.learn({"a": 1.0}, reward)
    assert policy.value({"a": 1.0}) == pytest.approx(2 / 4)  # A = 1 + 3, b = 2
    assert policy.bound({"a": 1.0}) == pytest.approx(2 / 4 + 0.5 * math.sqrt(1 / 4))
    assert policy.bound({"a": 1.0, "b": 2.0}) == pytest.approx(2 / 4 + 0.5 * math.sqrt(1 / 4 + 4))


def test_the_bandit_is_ridge_regression_whatever_the_order_of_features():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(12, 3)), rng.normal(size=12)
    policy = LinUcb()
    for row, reward in zip(x, y, strict=True):
        named = list(zip("abc", row, strict=True))
        policy.learn(dict(named if reward > 0 else named[::-1]), reward)
    weights = np.linalg.solve(x.T @ x + np.eye(3), x.T @ y)
    assert policy.value({"c": 1.0, "a": 2.0}) == pytest.approx(weights[2] + 2 * weights[0])


def test_the_bandit_finds_the_arm_that_suits_the_code_and_beats_uniform_choice():
    rng = np.random.default_rng(0)
    policy, got, uniform = LinUcb(), 0.0, 0.0
    for _ in range(300):
        loops = bool(rng.integers(2))
        offers = [{"bias": 1.0, name: 1.0, f"{name} with loops": float(loops)} for name in ("a", "b")]
        at = policy.choose(offers)
        reward = float((at == 0) == loops)
        policy.learn(offers[at], reward)
        got += reward
        uniform += 0.5
    assert got > 1.8 * uniform


def test_without_a_difference_between_arms_the_bandit_gains_nothing():
    policy = LinUcb()
    for _ in range(50):
        policy.learn({"a": 1.0}, 0.3)
        policy.learn({"b": 1.0}, 0.3)
    assert policy.value({"a": 1.0}) == pytest.approx(policy.value({"b": 1.0}))


def test_ridge_is_least_squares_with_rows_for_the_penalty():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(20, 3)), rng.normal(size=20)
    rows = np.vstack([x, math.sqrt(PENALTY) * np.eye(3)])
    expected = np.linalg.lstsq(rows, np.concatenate([y, np.zeros(3)]), rcond=None)[0]
    np.testing.assert_allclose(ridge(x, y), expected, atol=1e-12)  # two solvers in float64


def test_the_penalised_likelihood_has_no_slope_at_the_weights_that_are_found():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(30, 4)), (rng.random(30) < 0.4).astype(float)
    weights = logistic(x, y)
    slope = x.T @ (y - 1 / (1 + np.exp(-(x @ weights)))) - PENALTY * weights
    np.testing.assert_allclose(slope, 0, atol=1e-8)  # Newton stops at steps below 1e-9


def test_a_critic_learns_what_is_accepted_and_a_new_one_says_a_half():
    good, bad = {"bias": 1.0, "operator sets": 1.0}, {"bias": 1.0, "operator lies": 1.0}
    assert Critic().predict(good) == (0.5, 0.25)
    seen = [{"features": good, "accepted": True, "reward": 0.9}] * 10
    seen += [{"features": bad, "accepted": False, "reward": 0.0}] * 10
    critic = Critic.taught(seen)
    assert critic.predict(good)[0] > 0.8
    assert critic.predict(good)[1] > 0.6
    assert critic.predict(bad)[0] < 0.2


def test_the_briers_parts_make_it_up_and_ranks_are_those_of_scipy():
    rng = np.random.default_rng(3)
    chances = rng.choice([0.1, 0.3, 0.7, 0.9], size=200)  # one value a bin, so that the parts are exact
    came = rng.random(200) < chances
    rewards = came * rng.random(200)
    found = calibrated(
        [Forecast(*row) for row in zip(chances, chances, came, rewards, strict=True)]  # type: ignore[arg-type]
    )
    assert found.brier == pytest.approx(np.mean((chances - came) ** 2))
    assert found.brier == pytest.approx(found.reliability - found.resolution + found.brier_of_base_rate)
    assert found.rank == pytest.approx(stats.spearmanr(chances, rewards).statistic)
    assert spearman([1, 1, 1], [1, 2, 3]) is None
    assert calibrated([]) is None


def test_the_numbers_of_code_say_what_stands_in_loops():
    numbers = dict(zip(CODE, code_features(SLOW, "paid"), strict=True))
    assert numbers["bias"] == 1
    assert numbers["searches in loops"] == pytest.approx(math.log(2) / 3)
    assert numbers["loops"] == pytest.approx(math.log(2) / 3)
    assert numbers["concatenations in loops"] == 0
    assert dict(zip(CODE, code_features("f = 1\n", None), strict=True))["loops"] == 0


def test_an_arm_is_a_proposer_with_its_operator_and_not_with_a_models_words():
    assert arm(Proposal("catalogue", "list-to-set", "", {})) == "catalogue: list-to-set"
    assert arm(Proposal("models", "big: an idea", "", {})) == arm(Proposal("models", "big: other", "", {}))


def test_a_proposal_is_seen_with_its_operators_what_they_met_and_its_place():
    both = Proposal("catalogue", "list-to-set+sum-loop", "", {"m.py": QUICK}, "paid", "proven")
    seen = proposal_features(both, {"m.py": SLOW}, place=1)
    assert seen["operator list-to-set"] == seen["operator sum-loop"] == seen["proven"] == 1
    assert seen["operator sum-loop with searches in loops"] == pytest.approx(math.log(2) / 3)
    assert seen["first"] == 0.5
    assert seen["changed lines"] == pytest.approx(math.log(4) / 3)  # one line is new, one is another


def runs(shop, texts, names=("teller",)):
    proposers = [Saying(name, texts) for name in names]
    task = shop.task(proposers=names)
    return optimize(shop.workspace, task, method=ActorCritic(), proposers=proposers, validate=decide)


@pytest.mark.usefixtures("quick")
def test_it_finds_the_planted_improvement_says_how_it_forecast_and_remembers(shop):
    first = runs(shop, (WRONG + OTHER, QUICK + OTHER))
    assert [one.operator for one in first.kept] == ["saying 1"]
    assert first.facts["calibration"]["count"] == 2
    assert first.facts["arms"]["teller: saying 1"]["mean"] > 0.9
    shop.write("README", "another tree, so that nothing is remembered of the verdicts\n")
    shop.commit()
    again = runs(shop, (WRONG + OTHER, QUICK + OTHER))
    assert [one.operator for one in again.tried] == ["saying 1"]
    assert again.facts["not worth measuring"] == 1
    assert again.facts["observations"] == 2
    assert again.facts["arms"]["teller: saying 1"]["pulls before"] == 1


@pytest.mark.usefixtures("quick")
def test_where_nothing_is_planted_it_keeps_nothing_and_learns_that(shop):
    shop.write("src/shop/orders.py", QUICK + OTHER)
    shop.commit()
    report = runs(shop, (SLOW + OTHER, WRONG + OTHER))
    assert not report.kept
    assert {one["mean"] for one in report.facts["arms"].values()} == {0.0}
