"""The public PointMaze beside our simulator: places, pushes, and plans driven in both."""

import numpy as np
import pytest

from bloomery.core.errors import UserError
from bloomery.diffusion.planning.mazes import cell_of, named, parsed
from bloomery.diffusion.planning.point_maze import begin, follow, map_of, maze_of, ours, theirs
from bloomery.diffusion.planning.simulator import advance
from bloomery.diffusion.planning.tracking import follow as follow_here


def cell_to_xy(maze, row, column):
    """As the public code has it (Maze.cell_rowcol_to_xy, scaling 1)."""
    rows, columns = maze.walls.shape
    return np.array([column + 0.5 - columns / 2, rows / 2 - row - 0.5])


def test_the_middle_of_each_of_their_cells_is_in_ours_of_that_name():
    for maze in (named("large"), parsed("####\n#OO#\n#O##\n####\n####")):
        for cell in maze.cells:
            place = ours(maze, cell_to_xy(maze, *cell))
            np.testing.assert_allclose(place, np.array(cell) - 0.2, atol=1e-12)  # from c - 0.7 to c + 0.3
            assert tuple(cell_of(place)) == cell
            assert tuple(cell_of(ours(maze, cell_to_xy(maze, *cell) + np.array([0.49, -0.49])))) == cell


def test_a_push_in_their_axes_moves_the_ball_as_it_does_in_ours():
    maze, push = named("open"), np.array([0.7, -0.3])
    state = np.array([[2.0, 2.0, 0.0, 0.0]])
    moved = advance(maze, state, push[None])[0, :2] - state[0, :2]
    there = 1e-3 * theirs(push)  # a small step along their axes
    back = ours(maze, there) - ours(maze, np.zeros(2))
    np.testing.assert_allclose(back / np.linalg.norm(back), moved / np.linalg.norm(moved), atol=1e-12)
    speeds = ours(maze, np.array([0, 0, *theirs(push)]))[2:]
    np.testing.assert_allclose(speeds, push)


def test_a_map_is_read_back_and_another_one_is_refused():
    maze = named("medium")
    assert maze_of(map_of(maze), "medium").walls.tolist() == maze.walls.tolist()
    marked = maze_of([[1, 1, 1, 1], [1, "r", "g", 1], [1, 1, 1, 1]], "marked")
    assert marked.cells == [(1, 1), (1, 2)]

    class Other:
        unwrapped = property(lambda self: self)
        maze = type("M", (), {"maze_map": map_of(named("umaze"))})

    with pytest.raises(UserError, match="the environment's maze is not 'medium'"):
        begin(Other(), maze, [0])


def test_plans_arrive_in_the_public_environment_as_in_ours(planner):
    gymnasium = pytest.importorskip("gymnasium", reason="an optional peer: gymnasium-robotics mujoco")
    robotics = pytest.importorskip("gymnasium_robotics", reason="an optional peer: gymnasium-robotics mujoco")
    import torch

    gymnasium.register_envs(robotics)
    env = gymnasium.make("PointMaze_UMaze-v3", maze_map=map_of(planner.maze), max_episode_steps=10**6)
    starts, goals = begin(env, planner.maze, range(6))
    plans = planner.plans(starts, goals, torch.Generator().manual_seed(0))
    states, won = follow(env, planner.maze, plans, range(6), 200)
    here = follow_here(planner.maze, plans, starts, 200).states
    np.testing.assert_allclose(states[:, 0], here[:, 0], atol=1e-9)  # one step of free flight
    near = np.linalg.norm(states[..., :2] - goals[:, None], axis=-1) <= 0.45
    np.testing.assert_array_equal(near, won.astype(bool))
    assert won[:, -1].mean() > 0.5
