"""The way-point expert and its rides."""

import numpy as np
import pytest

from bloomery.core.errors import UserError
from bloomery.diffusion.planning.controller import drive, set_out
from bloomery.diffusion.planning.data import generate, random_starts, rest_at
from bloomery.diffusion.planning.mazes import cell_of, named, parsed
from bloomery.diffusion.planning.scores import PROTOCOLS, first_reach, mean_and_half, normalised, rewards
from bloomery.diffusion.planning.simulator import advance


def expert_score(name: str, episodes: int, seed: int) -> tuple[float, float, float]:
    maze, rng = named(name), np.random.default_rng(seed)
    state = random_starts(maze, episodes, rng)
    goal = np.full(episodes, maze.numbers[maze.goal])
    walk, seen = set_out(maze, state[:, :2], goal, rng), []
    for _ in range(PROTOCOLS[name].steps):
        state = advance(maze, state, drive(walk, state, rng)[0])
        seen.append(state[:, :2])
    near = rewards(np.stack(seen, axis=1), np.tile(np.array(maze.goal, dtype=float), (episodes, 1)))
    return *mean_and_half(normalised(near.sum(axis=1).astype(float), name)), float(near.any(axis=1).mean())


@pytest.mark.parametrize(("name", "line"), [("umaze", 144.2), ("medium", 154.1), ("large", 201.6)])
def test_the_expert_always_arrives_and_scores_as_was_measured_elsewhere(name: str, line: float):
    mean, half, reached = expert_score(name, 400, seed=3)
    assert reached == 1.0
    assert abs(mean - line) < half + 3.0  # the line's own interval is up to 2.5


def test_the_expert_pushes_towards_its_way_point_against_its_speed():
    maze = parsed("#####\n#OOO#\n#####")
    walk = set_out(maze, np.array([[1.0, 1.0]]), np.array([2]), np.random.default_rng(0))
    aim = walk.aim.copy()
    state = np.array([[1.0, 1.95, 0.0, 0.3]])
    action, done = drive(walk, state, np.random.default_rng(0))
    np.testing.assert_allclose(action, np.clip(10 * (aim - state[:, :2]) - state[:, 2:], -1, 1))
    assert not done[0]


def test_a_start_inside_a_wall_and_a_goal_without_a_path_are_refused():
    torn, rng = parsed("#####\n#O#O#\n#####", "torn"), np.random.default_rng(0)
    with pytest.raises(UserError, match="inside a wall"):
        set_out(torn, np.array([[1.0, 2.0]]), np.array([0]), rng)
    with pytest.raises(UserError, match="no path"):
        set_out(torn, np.array([[1.0, 1.0]]), np.array([1]), rng)
    with pytest.raises(UserError, match="without a path"):
        generate(torn, seed=0, transitions=10, lanes=2)


def test_equal_seeds_give_equal_rides_and_others_do_not():
    maze = named("umaze")
    one, same, other = (generate(maze, seed, 2000, 20) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.states, same.states)
    np.testing.assert_array_equal(one.actions, same.actions)
    assert not np.array_equal(one.states, other.states)
    assert one.transitions == 2000


def test_rides_are_what_the_simulator_makes_of_their_actions_and_end_at_cells():
    maze = named("medium")
    rides = generate(maze, 4, 8000, 20)
    for t in range(0, 400, 37):
        np.testing.assert_array_equal(
            advance(maze, rides.states[:, t], rides.actions[:, t]), rides.states[:, t + 1]
        )
    ended = rides.states[:, :-1][rides.ends][:, :2]
    assert len(ended) > 20
    centres = cell_of(ended).astype(float)
    assert (np.linalg.norm(ended - centres, axis=1) < 0.1).all()


def test_starts_lie_about_free_cells_with_small_speeds():
    starts = random_starts(named("large"), 2000, np.random.default_rng(0))
    off = starts[:, :2] - np.round(starts[:, :2])
    assert np.abs(off).max() <= 0.1
    assert abs(starts[:, 2:].std() - 0.1) < 0.01  # 4000 draws: 1 % of it is one standard error
    assert len({tuple(one) for one in np.round(starts[:, :2])}) == len(named("large").cells)


def test_the_score_is_0_at_d4rls_low_and_100_at_its_high_return():
    for name, scale in PROTOCOLS.items():
        np.testing.assert_allclose(normalised(np.array([scale.low, scale.high]), name), [0, 100], atol=1e-12)


def test_a_reward_is_had_within_half_a_cell_and_the_first_is_counted_from_one():
    way = np.array([[[0.0, 0.0], [0.0, 0.51], [0.0, 0.5]], [[3.0, 3.0]] * 3])
    near = rewards(way, np.array([[0.0, 1.0], [0.0, 0.0]]))
    assert near.tolist() == [[False, True, True], [False, False, False]]
    np.testing.assert_array_equal(first_reach(near), [2.0, np.nan])


def test_states_at_rest_have_no_speed():
    np.testing.assert_array_equal(rest_at(np.array([[1.0, 2.0]])), [[1.0, 2.0, 0.0, 0.0]])
