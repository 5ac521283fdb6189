"""What rewards see of plans and of runs, and the two rewards of a task."""

import numpy as np
import pytest
import torch

from bloomery.diffusion.planning.data import rest_at
from bloomery.diffusion.planning.evolving.seeing import driven, every_step
from bloomery.diffusion.planning.evolving.worth import (
    Worth,
    arriving,
    coin_score,
    has_slope,
    judging,
    of_coin,
    selecting,
    towards,
)
from bloomery.diffusion.planning.gold import Tasks, coin_scores
from bloomery.diffusion.planning.mazes import parsed
from bloomery.diffusion.planning.planner import Planner
from bloomery.diffusion.planning.tracking import way_point
from bloomery.diffusion.planning.windows import WIDTH, Scale, Spec

MAZE = parsed("######\n#OOOO#\n#O##O#\n######", "small")
SPEC = Spec(horizon=9, stride=20)


@pytest.fixture(scope="module")
def bare():
    """A planner without a net: what is asked here is read from windows alone."""
    return Planner(MAZE, SPEC, torch.nn.Identity(), None)


def straight(*ways):
    """Windows that go evenly from one place to another and rest there for the last quarter."""
    u = np.minimum(np.linspace(0, 4 / 3, SPEC.horizon), 1.0)[:, None]
    windows = []
    for start, goal in ways:
        place = (1 - u) * np.array(start) + u * np.array(goal)
        speed = np.gradient(place, 0.01 * SPEC.stride, axis=0)
        windows.append(np.concatenate([place, speed, np.zeros((SPEC.horizon, 2))], axis=1))
    return Scale.of(MAZE).inward(np.stack(windows))


def test_plans_are_seen_step_by_step_on_the_curves_that_balls_follow(bare):
    windows = torch.randn(3, SPEC.horizon, WIDTH, generator=torch.Generator().manual_seed(0))
    seen = every_step(SPEC, bare.scale)(windows)
    plans = bare.read(windows)
    there = np.stack([way_point(plans, step) for step in range(SPEC.span + 1)], axis=1)
    np.testing.assert_allclose(seen.numpy(), there, atol=2e-5)  # float32 against double


def test_a_driven_ball_follows_a_free_plan_and_stops_at_a_wall(bare):
    along, through = straight(((1, 1), (1, 4)), ((2, 1), (2, 4)))
    runs = driven(bare, torch.stack([along, through]))
    assert runs.shape == (2, SPEC.span + 1, 4)
    np.testing.assert_allclose(runs[0, -1, :2], [1, 4], atol=0.1)
    assert runs[1, :, 1].max() < 1.5  # the wall beside it


def test_a_reward_has_a_slope_where_torch_computes_one_that_is_not_flat():
    states = torch.randn(4, 5, 4, generator=torch.Generator().manual_seed(0))
    assert has_slope(lambda s: s[..., 0].mean(1), states)
    assert not has_slope(lambda s: torch.from_numpy(np.asarray(s.detach())[:, 0, 0]), states)
    assert not has_slope(lambda s: np.asarray(s)[:, 0, 0], states)  # raises while there is a gradient
    assert not has_slope(lambda s: (s[:, 0, 0] > 0).float(), states)
    assert not has_slope(lambda s: 0 * s[:, 0, 0], states)
    assert not has_slope(lambda s: (0 * s[:, 0, 0]).sqrt(), states)  # its slope is no number


def test_the_coin_is_scored_as_tdp_scores_it():
    rng = np.random.default_rng(0)
    states = 1 + 0.2 * rng.standard_normal((50, 8, 4))
    coin = np.tile([[1.2, 0.9]], (50, 1))
    asked = Tasks(rest_at(coin), states[:, -1, :2], coin)  # every run arrives: it ends at its goal
    said = coin_score((1.2, 0.9), torch.from_numpy(states))
    np.testing.assert_allclose(said.numpy(), coin_scores(states[..., :2], asked), atol=1e-9)
    away = -np.linalg.norm(states[..., :2] - coin[:, None], axis=-1).min(1)
    np.testing.assert_allclose(towards((1.2, 0.9), torch.from_numpy(states)), away, atol=1e-4)


def test_a_run_that_does_not_arrive_is_worth_no_more_than_the_worst_of_data(bare):
    real = straight(((1, 1), (1, 3)), ((1, 2), (1, 3)), ((1, 1), (1, 2)))
    reward = Worth(lambda s: s[..., 1].mean(1), lambda s: 10 + s[..., 0].mean(1))
    judged = judging(bare, reward, real).reward(straight(((1, 1), (1, 4)), ((2, 1), (2, 4))))
    worst = min(10 + driven(bare, real)[..., 0].mean(1))
    assert judged[0] == pytest.approx(11, abs=0.1)
    assert judged[1] == pytest.approx(worst, abs=1e-5)  # its 12 does not count: it is held by a wall
    assert judged[1] < 12 - 0.5


def test_plans_through_walls_are_not_learned_whatever_they_promise(bare):
    real = straight(((1, 1), (1, 3)), ((1, 2), (1, 3)))
    selects = selecting(bare, of_coin((2.0, 2.5)), real)
    windows = straight(((1, 1), (1, 4)), ((2, 1), (2, 4)))
    said = selects.reward(windows)
    assert said[1] > said[0]
    assert selects.fit(windows).tolist() == [True, False]
    torch.testing.assert_close(selects.smooth(windows), said)


def test_arriving_is_the_share_of_steps_near_the_goal(bare):
    near = arriving(bare).reward(straight(((1, 1), (1, 4)), ((2, 1), (2, 4)), ((1, 2), (1, 2))))
    runs = driven(bare, straight(((1, 1), (1, 4))))[0]
    assert near[0] == pytest.approx(float((np.hypot(runs[:, 0] - 1, runs[:, 1] - 4) <= 0.5).mean()))
    assert near[1:].tolist() == [0, 1]
