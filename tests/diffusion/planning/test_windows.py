"""What a planner learns from: windows that hold still where their ride, or a cut, ends."""

import numpy as np
import pytest
import torch

from bloomery.core.errors import UserError
from bloomery.diffusion.planning.data import Rides, generate
from bloomery.diffusion.planning.mazes import named
from bloomery.diffusion.planning.windows import WIDTH, Scale, Spec, Windows, last_states, uniform

MAZE = named("umaze")


@pytest.fixture(scope="module")
def rides() -> Rides:
    return generate(MAZE, 0, 4000, 20)


def test_the_last_state_of_each_ride_is_found_from_any_of_its_states():
    ends = np.array([[False, True, False, False, True, False], [False] * 6])
    assert last_states(ends).tolist() == [[1, 1, 4, 4, 4, 6, 6], [6] * 7]


def test_a_window_shows_every_stride_th_state_then_rests_at_the_end(rides: Rides):
    windows = Windows(rides, Spec(horizon=6, stride=4), Scale.of(MAZE))
    found = windows.shown(np.array([3]), np.array([10]), np.array([21]))[0]
    for token, at in enumerate([10, 14, 18]):
        np.testing.assert_array_equal(found[token, :4], rides.states[3, at])
        np.testing.assert_allclose(
            found[token, 4:], rides.actions[3, at : min(at + 4, 21)].sum(axis=0) / 4, atol=1e-12
        )
    for token in (3, 4, 5):
        np.testing.assert_array_equal(found[token], [*rides.states[3, 21, :2], 0, 0, 0, 0])


def test_no_window_runs_on_into_the_next_ride(rides: Rides):
    spec = Spec(horizon=30, stride=4)
    windows = Windows(rides, spec, Scale.of(MAZE), cut=0.0)
    lane, t = (int(one) for one in np.argwhere(rides.ends)[5])
    begin = max(t - 8, 0)
    shown = windows.scale.outward(windows.drawn([(0, lane * windows.length + begin)]))[0]
    end = int(windows.last[lane, begin])
    np.testing.assert_allclose(shown[-1, :2], rides.states[lane, end, :2], atol=1e-5)


def test_cuts_end_windows_early_and_items_depend_on_visit_and_index_alone(rides: Rides):
    windows = Windows(rides, Spec(horizon=12, stride=4), Scale.of(MAZE), cut=1.0)
    together = windows.drawn([windows[visit, 70] for visit in range(12)])
    assert together.shape == (12, 12, WIDTH)
    alone = [windows.drawn([(visit, 70)])[0] for visit in range(12)]
    assert torch.equal(together, torch.stack(alone))
    assert len({tuple(end) for end in together[:, -1, :2].tolist()}) > 3
    assert len(windows) == rides.transitions


def test_random_numbers_of_visits_and_places_are_uniform_and_unlike_their_neighbours():
    place = np.arange(20_000)
    u = uniform(0, np.zeros_like(place), place)
    counts = np.histogram(u, bins=20, range=(0, 1))[0]
    assert ((counts - 1000) ** 2 / 1000).sum() < 43.8  # chi-squared of 19 degrees, one in a thousand
    for other in (
        uniform(1, np.zeros_like(place), place),
        uniform(0, np.ones_like(place), place),
        np.roll(u, 1),
    ):
        assert abs(np.corrcoef(u, other)[0, 1]) < 0.025  # 3.5 standard errors


def test_scaling_there_and_back_is_the_identity_and_fills_the_unit_square():
    scale, rng = Scale.of(named("large")), np.random.default_rng(0)
    states = rng.uniform(-3, 12, (5, 7, 6))
    np.testing.assert_allclose(scale.outward(scale.inward(states)), states, atol=2e-6)
    corners = np.array([[-0.5, -0.5], [8.5, 11.5]])
    np.testing.assert_allclose(scale.inward(corners).numpy(), [[-1, -1], [1, 1]], atol=1e-6)


@pytest.mark.parametrize("spec", [{"horizon": 1, "stride": 4}, {"horizon": 8, "stride": 0}])
def test_windows_of_one_token_or_without_stride_are_refused(spec: dict[str, int]):
    with pytest.raises(UserError, match="2 tokens or more"):
        Spec(**spec)
