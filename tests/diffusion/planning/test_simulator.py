"""The point mass: closed form in free space, walls that hold, and MuJoCo's own where it is installed."""

import numpy as np
import pytest

from bloomery.diffusion.planning.mazes import RADIUS, is_free, named, parsed
from bloomery.diffusion.planning.simulator import DAMPING, GEAR, MASS, MOST_SPEED, STEP_S, advance

ROOM = parsed("\n".join(["#" * 40, *["#" + "O" * 38 + "#"] * 38, "#" * 40]), "room")


def test_free_flight_is_the_closed_form_of_its_linear_recursion():
    keep, push = MASS / (MASS + STEP_S * DAMPING), STEP_S * GEAR / (MASS + STEP_S * DAMPING)
    action, start = np.array([[0.02, -0.03]]), np.array([[20.0, 20.0, 0.4, -0.1]])
    state, steps = start, 50
    for _ in range(steps):
        state = advance(ROOM, state, action)
    final = push * action / (1 - keep)  # the speed at which damping holds the force
    gone = start[:, 2:] - final
    speed = final + keep**steps * gone
    place = start[:, :2] + STEP_S * (steps * final + keep * (1 - keep**steps) / (1 - keep) * gone)
    np.testing.assert_allclose(state, np.concatenate([place, speed], axis=1), rtol=0, atol=1e-12)


def test_a_ball_left_alone_loses_energy_at_the_rate_of_its_damping():
    state = np.array([[20.0, 20.0, 3.0, -2.0]])
    after = advance(ROOM, state, np.zeros((1, 2)))
    np.testing.assert_allclose(after[:, 2:], state[:, 2:] * MASS / (MASS + STEP_S * DAMPING), rtol=1e-14)


def test_actions_are_clipped_to_one_and_speeds_to_five_before_the_step():
    fast, most = np.array([[20.0, 20.0, 9.0, -9.0]]), np.array([[20.0, 20.0, MOST_SPEED, -MOST_SPEED]])
    np.testing.assert_array_equal(
        advance(ROOM, fast, np.array([[7.0, -7.0]])), advance(ROOM, most, np.array([[1.0, -1.0]]))
    )


def test_many_balls_move_as_each_does_alone():
    rng = np.random.default_rng(0)
    maze = named("medium")
    state = np.concatenate([np.array(maze.cells, dtype=float), rng.normal(size=(len(maze.cells), 2))], axis=1)
    action = rng.uniform(-1, 1, (len(state), 2))
    alone = [advance(maze, one[None], push[None])[0] for one, push in zip(state, action, strict=True)]
    np.testing.assert_array_equal(advance(maze, state, action), np.array(alone))


def test_no_ball_is_ever_in_a_wall_whatever_it_does():
    maze, rng = named("large"), np.random.default_rng(1)
    cells = np.repeat(np.array(maze.cells, dtype=float), 4, axis=0)
    state = np.concatenate([cells, np.zeros_like(cells)], axis=1)
    push = rng.uniform(-1, 1, cells.shape)
    for step in range(400):
        push = rng.uniform(-1, 1, cells.shape) if step % 20 == 0 else push
        state = advance(maze, state, push)
        assert is_free(maze, state[:, :2], RADIUS - 1e-6).all(), step


def test_a_wall_stops_the_ball_at_its_face_and_leaves_the_other_axis_alone():
    maze, state = parsed("#####\n#OOO#\n#####"), np.array([[1.0, 2.0, 2.0, 0.5]])
    free = parsed("#####\n#####\n#OOO#\n#OOO#\n#OOO#\n#####\n#####")
    flown = np.array([[3.0, 2.0, 2.0, 0.5]])
    for _ in range(30):
        state, flown = advance(maze, state, np.zeros((1, 2))), advance(free, flown, np.zeros((1, 2)))
    np.testing.assert_allclose(state[0, [0, 2]], [1 + 0.3 - RADIUS, 0.0], atol=1e-12)
    np.testing.assert_allclose(state[0, [1, 3]], flown[0, [1, 3]], atol=1e-12)


def test_free_flight_equals_mujocos_to_1e_10():
    pytest.importorskip(
        "gymnasium_robotics", reason="an optional peer: pip install gymnasium-robotics mujoco"
    )
    from gymnasium_robotics.envs.maze.point import PointEnv

    env, rng = PointEnv(), np.random.default_rng(2)
    env.reset(seed=0)
    start = np.array([0.3, -0.2, 1.0, 6.0])  # the second speed is clipped
    env.set_state(start[:2], start[2:])
    state, middle = start + np.array([20, 20, 0, 0]), np.array([20, 20, 0, 0])
    apart = 0.0
    for _ in range(300):
        action = rng.uniform(-1.5, 1.5, 2)
        seen = env.step(action)[0]
        state = advance(ROOM, state[None], action[None])[0]
        apart = max(apart, float(np.abs(state - middle - seen).max()))
    assert 0 < np.abs(state[:2] - 20).max() < 18  # it moved, and met no wall
    assert apart < 1e-10  # positions up to 20 in double precision, 300 steps: rounding is 1e-12
