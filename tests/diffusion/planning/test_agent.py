"""The door for agents: actions, how sure, what is strange, and rewards that are no rewards."""

import numpy as np
import pytest
import torch

from bloomery.core.errors import UserError
from bloomery.diffusion.planning.agent import plan
from bloomery.diffusion.planning.data import Rides, generate
from bloomery.diffusion.planning.familiar import Familiar
from bloomery.diffusion.planning.mazes import named
from bloomery.diffusion.planning.planner import Planner
from bloomery.diffusion.planning.simulator import advance


def test_the_actions_lead_where_the_advice_says(planner: Planner):
    advice = plan(planner, (1, 2), (1, 1), seed=1)
    state = np.array([[1.0, 2.0, 0.0, 0.0]])
    for action, expected in zip(advice.actions, advice.states, strict=True):
        state = advance(planner.maze, state, action[None])
        np.testing.assert_array_equal(state[0], expected)
    assert np.abs(advice.actions).max() <= 1
    assert advice.strange == ()


def test_confidence_is_the_share_of_candidates_that_arrive(planner: Planner):
    near = plan(planner, (1, 1), (1, 1), count=12)
    assert near.confidence > 0.7
    assert near.reliable
    assert 0 <= plan(planner, (3, 1), (1, 1), count=12).confidence <= 1
    assert plan(planner, (3, 1), (1, 1), steps=2, count=12).confidence == 0.0


def test_the_reward_chooses_among_the_candidates(planner: Planner):
    def low(runs: torch.Tensor) -> torch.Tensor:
        return runs[..., 0].max(dim=1).values

    liked = plan(planner, (1, 2), (1, 1), reward=low, count=8)
    assert liked.worth == pytest.approx(liked.states[:, 0].max())
    assert liked.worth >= plan(planner, (1, 2), (1, 1), count=8).states[:, 0].max()


@pytest.mark.parametrize(
    ("reward", "said"),
    [
        (lambda runs: torch.full((len(runs),), float("nan")), "no finite number"),
        (lambda runs: 1 / 0, "raised ZeroDivisionError"),
        (lambda runs: torch.tensor(1.0), "one number for each"),
    ],
)
def test_a_reward_that_is_none_is_refused(planner: Planner, reward, said: str):
    with pytest.raises(UserError, match=said):
        plan(planner, (1, 2), (1, 1), reward=reward, count=3)


@pytest.mark.parametrize("state", [(1.0,), (1.0, float("nan")), (1, 2, 3), ("a", "b")])
def test_a_state_of_another_kind_is_refused(planner: Planner, state: tuple[float, ...]):
    with pytest.raises(UserError, match="4 finite numbers"):
        plan(planner, state, (1, 1))


def test_a_start_in_a_wall_is_refused(planner: Planner):
    with pytest.raises(UserError, match="inside a wall"):
        plan(planner, (2, 1), (1, 1))


def test_a_speed_that_was_never_seen_is_said_to_be_strange(planner: Planner):
    told = plan(planner, (1, 2, 40.0, -40.0), (1, 1), count=2)
    assert not told.reliable
    assert "the state (speed 40.0)" in told.strange[0]


def half_known() -> tuple[Familiar, Rides]:
    """Of rides in umaze, all that were in its first row."""
    rides = generate(named("umaze"), 6, 20_000, 50)
    seen = rides.states.reshape(-1, 4)
    seen = seen[seen[:, 0] < 1.3]
    return Familiar.of(Rides(seen[None], rides.actions, rides.ends)), rides


def test_places_that_were_left_out_of_the_data_are_strange_and_others_are_not():
    familiar, rides = half_known()
    states = rides.states.reshape(-1, 4)[::97]
    away, known = states[states[:, 0] > 2.0], states[states[:, 0] < 1.3]
    assert (familiar.strangeness(away) > 1).all()
    assert (familiar.strangeness(known) > 1).mean() < 0.01  # one in a thousand is over the limit
    assert (familiar.strange_places(away[:, :2]) > 1).all()
    assert (familiar.strange_places(known[:, :2]) > 1).mean() < 0.01


def test_strangeness_is_the_distance_to_the_nearest_in_limits():
    familiar = Familiar(np.array([[1.0, 1.0, 0.0, 0.0], [3.0, 1.0, 5.0, 0.0]]), limit=0.5)
    found = familiar.strangeness(np.array([[1.0, 2.0, 0.0, 0.0], [3.0, 1.0, 0.0, 0.0]]))
    np.testing.assert_allclose(found, [2.0, 2.0])
