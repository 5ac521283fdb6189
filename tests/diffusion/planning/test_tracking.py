"""Driving along plans, and the discriminator that says which are fit for it."""

import numpy as np
import pytest

from bloomery.core.errors import UserError
from bloomery.diffusion.planning.data import generate
from bloomery.diffusion.planning.judging import crossing, fine_states, judge, jumps
from bloomery.diffusion.planning.mazes import named, parsed
from bloomery.diffusion.planning.simulator import STEP_S
from bloomery.diffusion.planning.tracking import Plans, follow, predicted_action, way_point
from bloomery.diffusion.planning.windows import Scale, Spec, Windows

ROOM = parsed("\n".join(["#" * 12, *["#" + "O" * 10 + "#"] * 10, "#" * 12]), "room")


def straight(stride: int = 8, tokens: int = 12, speed: float = 2.0) -> Plans:
    """Along the columns from 2,2."""
    t = STEP_S * stride * np.arange(tokens)
    states = np.stack([np.full_like(t, 2.0), 2.0 + speed * t, 0 * t, np.full_like(t, speed)], axis=1)
    return Plans(states[None], np.zeros((1, tokens, 2)), stride)


def test_between_two_tokens_a_way_point_follows_the_cubic_with_their_speeds():
    plans, run = straight(stride=10, tokens=2), 10 * STEP_S
    t = np.linspace(0, run, 11)
    cubic = np.array([[2.0 - 3 * t**2 + 7 * t**3], [2.0 + 0.5 * t + t**2]])[:, 0]
    speed = np.array([-6 * t + 21 * t**2, 0.5 + 2 * t])
    ends = np.concatenate([cubic[:, [0, -1]].T, speed[:, [0, -1]].T], axis=1)
    plans = Plans(ends[None], np.zeros((1, 2, 2)), 10)
    found = np.stack([way_point(plans, step)[0, :2] for step in range(11)])
    np.testing.assert_allclose(found, cubic.T, atol=1e-12)


def test_after_its_end_a_plan_holds_its_last_place_at_rest():
    plans = straight(tokens=3)
    np.testing.assert_allclose(way_point(plans, 100)[0], [2, 2 + 2 * 0.16, 0, 0], atol=1e-12)
    assert not predicted_action(plans, 24).any()


def test_a_ball_stays_near_a_plan_that_is_possible_and_stops_at_its_end():
    run = follow(ROOM, straight(tokens=25), np.array([[2.0, 2.0, 0.0, 2.0]]), 400).states[0]
    assert np.abs(run[:, 0] - 2).max() < 1e-9
    planned = np.array([way_point(straight(tokens=25), step + 1)[0, 1] for step in range(192)])
    assert np.abs(run[:192, 1] - planned).max() < 0.1
    np.testing.assert_allclose(run[-1], [2, 2 + 2 * 1.92, 0, 0], atol=0.02)


def test_predicted_actions_are_driven_as_they_are():
    plans = straight(tokens=3)
    plans.actions[0] = [[0.1, 0.0], [0.0, -0.2], [0.05, 0.05]]
    pushed = follow(ROOM, plans, plans.states[:, 0], 26, "actions").actions[0]
    np.testing.assert_array_equal(pushed, np.repeat([*plans.actions[0], [0, 0]], [8, 8, 8, 2], axis=0))


def test_an_unknown_way_to_drive_is_refused():
    with pytest.raises(UserError, match="pd or actions"):
        follow(ROOM, straight(), np.array([[2.0, 2.0, 0.0, 0.0]]), 3, "flying")  # type: ignore[arg-type]


def expert_plans(count: int = 40) -> tuple[Plans, np.ndarray]:
    maze = named("umaze")
    rides = generate(maze, 3, 20_000, 40)
    windows = Windows(rides, Spec(horizon=48, stride=4), Scale.of(maze), cut=0.0)
    rows = np.random.default_rng(0).integers(windows.length // 2, size=count)
    lanes = np.arange(count)
    tokens = windows.shown(lanes, rows, windows.last[lanes, rows])
    return Plans(tokens[..., :4], tokens[..., 4:], 4), tokens[:, -1, :2]


def test_the_discriminator_accepts_what_the_expert_drove():
    plans, goals = expert_plans()
    verdict = judge(named("umaze"), plans, goals)
    assert (verdict.crossing == 0).mean() > 0.9  # a cubic between tokens may graze a corner
    assert (verdict.missed < 0.3).mean() > 0.95
    assert verdict.accepted.mean() > 0.6


def test_the_discriminator_refuses_walls_jumps_and_plans_that_miss():
    plans, goals = expert_plans()
    maze = named("umaze")
    through = plans.states.copy()
    through[:, :, :2] = np.linspace([1, 1], [3, 1], plans.states.shape[1])[None]  # through the wall at 2,1
    assert (judge(maze, Plans(through, plans.actions, 4), through[:, -1, :2]).crossing > 0.2).all()
    leap = plans.states.copy()
    leap[:, 20:, 1] += 0.5
    assert not judge(maze, Plans(leap, plans.actions, 4), goals).possible.any()
    assert not judge(maze, plans, goals + 1.0).accepted.any()


def test_fine_points_and_jumps_are_those_of_the_closed_form():
    plans = straight()
    np.testing.assert_allclose(jumps(plans), 0, atol=1e-12)
    t = STEP_S * 8 * np.arange(12)  # an even push: the mean of two speeds says the step between them exactly
    pushed = np.stack([2 + 0 * t, 2 + 0.5 * t + 1.5 * t**2, 0 * t, 0.5 + 3 * t], axis=1)
    np.testing.assert_allclose(jumps(Plans(pushed[None], plans.actions, 8)), 0, atol=1e-12)
    fine = fine_states(plans)
    np.testing.assert_allclose(np.diff(fine[0, :, 1]), 2.0 * STEP_S * 2, atol=1e-12)
    assert crossing(ROOM, plans)[0] == 0
