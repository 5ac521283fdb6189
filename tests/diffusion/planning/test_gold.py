"""Coins: tasks, scores, and plans of two legs."""

import numpy as np
import pytest
import torch

from bloomery.core.errors import UnknownName
from bloomery.diffusion.planning import gold
from bloomery.diffusion.planning.gold import CELLS, Tasks, chosen, coin_scores, tasks, towards
from bloomery.diffusion.planning.legs import Trail, best_legs, nearest_quarter
from bloomery.diffusion.planning.mazes import named, parsed
from bloomery.diffusion.planning.planner import Planner
from bloomery.diffusion.planning.simulator import STEP_S
from bloomery.diffusion.planning.tracking import Plans
from bloomery.diffusion.planning.windows import WIDTH, Scale

ROOM = parsed("\n".join(["#" * 12, *["#" + "O" * 10 + "#"] * 10, "#" * 12]), "room")


@pytest.mark.parametrize("maze", ["medium", "large"])
@pytest.mark.parametrize("kind", ["single", "multi"])
def test_each_maze_has_twenty_coins_in_free_cells_and_starts_by_seed(maze: str, kind: gold.Kind):
    one, same, other = (tasks(named(maze), kind, seed) for seed in (0, 0, 1))
    assert len(one.coins) == 20
    assert not named(maze).walls[tuple(one.coins.astype(int).T)].any()
    np.testing.assert_array_equal(one.starts, same.starts)
    assert not np.array_equal(one.starts, other.starts)
    assert (len(np.unique(one.goals, axis=0)) == 1) == (kind == "single")
    assert len(CELLS[maze, kind].split()) == 20


def test_a_maze_without_coins_is_refused():
    with pytest.raises(UnknownName, match="coin task 'umaze single'"):
        tasks(named("umaze"), "single", 0)


def test_a_coin_counts_by_how_near_and_only_where_the_goal_was_reached():
    asked = Tasks(np.zeros((4, 4)), np.full((4, 2), 5.0), np.tile([[1.0, 1.0]], (4, 1)))
    way = np.array(
        [
            [[1.0, 1.0], [5.0, 5.0]],
            [[1.0, 1.15], [5.0, 5.5]],
            [[1.0, 1.0], [5.0, 5.6]],
            [[1.0, 1.31], [5.0, 5.0]],
        ]
    )
    np.testing.assert_allclose(coin_scores(way, asked), [100, 50, 0, 0], atol=1e-9)


def test_what_guides_is_the_distance_of_the_nearest_token_in_cells():
    scale = Scale.of(named("large"))
    tokens = np.zeros((2, 3, WIDTH))
    tokens[0, :, :2] = [[1, 1], [2, 5], [7, 7]]
    tokens[1, :, :2] = [[1, 1], [1, 2], [1, 3]]
    found = towards(np.array([[2.0, 4.0], [4.0, 7.0]]), scale)(scale.inward(tokens))
    np.testing.assert_allclose(found, [-1.0, -5.0], atol=1e-4)


def test_a_trail_goes_on_with_as_much_of_a_run_as_is_said():
    def numbered(first: int, length: int) -> np.ndarray:
        return np.tile(np.arange(first, first + float(length))[None, :, None], (2, 1, 4))

    trail = Trail(numbered(0, 3), np.array([1, 3])).then(numbered(10, 4), np.array([4, 2]))
    assert trail.length.tolist() == [5, 5]
    assert trail.states[:, :, 0].tolist() == [[0, 10, 11, 12, 13], [0, 1, 2, 10, 11]]
    assert trail.ends[:, 0].tolist() == [13, 11]


def test_the_quarter_that_came_nearest_goes_on_in_its_own_task():
    away = np.array([5.0, 1.0, 3.0, 4.0, 2.0, 9.0, 8.0, 0.5])
    states = np.stack([away, 0 * away, away, away], axis=1)[:, None]
    many = Tasks(states[:, 0], np.zeros((8, 2)), np.zeros((8, 2)))
    kept = nearest_quarter(Trail(states, np.ones(8, dtype=np.int64)), many, count=4)
    assert kept.states[:, 0, 0].tolist() == [1.0] * 4 + [0.5] * 4


def test_the_run_that_picks_the_coin_is_chosen():
    t = STEP_S * 10 * np.arange(30)
    plans = []
    for row in (2.0, 4.0, 3.0):
        out = np.minimum(2.0 + 1.5 * t, 6.0)
        plans.append(np.stack([np.full_like(t, row), out, 0 * t, np.where(out < 6, 1.5, 0)], axis=1))
    states = np.stack(plans)
    asked = Tasks(states[:, 0], np.tile([[3.0, 6.0]], (3, 1)), np.tile([[4.0, 4.0]], (3, 1)))
    goals = Tasks(asked.starts, states[:, -1, :2], asked.coins)
    run = chosen(ROOM, Plans(states, np.zeros((3, 30, 2)), 10), goals, 290, count=3)
    assert abs(run[0, 100, 0] - 4.0) < 0.05


def test_best_legs_score_no_less_than_one_plan(planner: Planner):
    rng = np.random.default_rng(0)
    starts = np.concatenate([np.tile([[3.0, 1.0]], (12, 1)), np.zeros((12, 2))], axis=1)
    asked = Tasks(starts, np.tile([[1.0, 1.0]], (12, 1)), np.array([[2.0, 3.0]] * 6 + [[1.0, 2.0]] * 6))
    asked.coins[:] += rng.uniform(-0.1, 0.1, asked.coins.shape)

    def score(states: np.ndarray) -> float:
        return float(coin_scores(states[..., :2], asked).mean())

    plain = gold.one_plan(planner, asked, torch.Generator().manual_seed(0), steps=300, scale=0.0)
    legs = best_legs(planner, asked, torch.Generator().manual_seed(0), steps=300, count=8, scale=1.0)
    assert score(legs) > score(plain)
