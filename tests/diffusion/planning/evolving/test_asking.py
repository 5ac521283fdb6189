"""Tasks and rewards that users name: what is read, and everything that can be wrong with it."""

import time

import pytest
import torch

from bloomery.core.errors import ConfigError, MissingFile, UnknownName, UserError
from bloomery.diffusion.planning.evolving.asking import named
from bloomery.diffusion.planning.evolving.trying import try_rewards
from bloomery.diffusion.planning.evolving.wanted import random_ways, wanted
from bloomery.diffusion.planning.mazes import named as maze_named

REWARDS = """
import sys, time
import numpy as np
import torch

def good(states): return states[..., 0].mean(1)
def by_numpy(states): return np.asarray(states)[:, -1, 1]
def nan(states): return torch.full((len(states),), float("nan"))
def raising(states): raise RuntimeError("a wall")
def leaving(states): sys.exit(3)
def sleeping(states): time.sleep(30)
def constant(states): return [1.0] * len(states)
def wide(states): return torch.ones(len(states), 2)
def words(states): return "high"
FACTOR = 3
"""
TASK = """
maze = "small.txt"
ways = [[[1, 1], [1, 3]], [[2, 1], [1, 3]]]
reward = "rewards.py:good"
"""


@pytest.fixture
def rewards(tmp_path):
    (tmp_path / "rewards.py").write_text(REWARDS)
    (tmp_path / "small.txt").write_text("#####\n#OOO#\n#O#O#\n#####\n")
    (tmp_path / "task.toml").write_text(TASK)
    return tmp_path


def test_a_function_of_a_file_is_asked_as_it_stands(rewards):
    states = torch.arange(24.0).reshape(3, 2, 4)
    assert named(f"{rewards}/rewards.py:good", "reward").of(states, None).tolist() == [2, 10, 18]
    assert named(f"{rewards}/rewards.py:by_numpy", "reward").of(states, 5.0).tolist() == [5, 13, 21]


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("rewards.py", UserError, "is named FILE:FUNCTION, such as coins.py:reward; got"),
        ("rewards.py:", UserError, "is named FILE:FUNCTION"),
        ("reward.py:good", MissingFile, "there is no file .*reward.py with the reward 'good'"),
        ("rewards.py:god", UnknownName, "did you mean 'good'"),
        ("rewards.py:FACTOR", UnknownName, "unknown function of .*'FACTOR'"),
        ("small.txt:good", UserError, "small.txt is no Python file"),
        ("broken.py:good", UserError, "broken.py cannot be loaded: SyntaxError"),
        ("leaves.py:good", UserError, "leaves.py cannot be loaded: SystemExit: 1"),
    ],
)
def test_what_names_no_function_is_said_at_once(rewards, text, kind, said):
    (rewards / "broken.py").write_text("def good(:")
    (rewards / "leaves.py").write_text("raise SystemExit(1)")
    with pytest.raises(kind, match=said):
        named(text, "reward", rewards)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nan", "rewards.py:nan: the reward of 200 of 200 samples is no finite number"),
        ("raising", "rewards.py:raising: the reward raised RuntimeError: a wall"),
        ("leaving", "rewards.py:leaving: it left the program"),
        ("sleeping", "rewards.py:sleeping: the reward of 200 samples took longer than 0.2 s"),
        ("constant", "rewards.py:constant: the reward is 1 for all 200 samples"),
        ("wide", r"rewards.py:wide: a reward gives one number for each of 200 samples, not \(200, 2\)"),
        ("words", "rewards.py:words: a reward gives one number for each sample, not str"),
    ],
)
def test_rewards_are_tried_on_data_before_anything_is_trained(rewards, name, said):
    asked = wanted(str(rewards / "task.toml"), reward=f"{rewards}/rewards.py:{name}")
    began = time.monotonic()
    with pytest.raises(UserError, match=said):
        try_rewards(asked, 0.2 if name == "sleeping" else 5.0, 0)
    assert time.monotonic() - began < 10  # nobody waits for what sleeps


def test_a_task_file_names_its_maze_ways_and_rewards(rewards):
    asked = wanted(str(rewards / "task.toml"))
    assert (asked.name, asked.maze.name) == ("task", "small")
    assert asked.ways == (((1, 1), (1, 3)), ((2, 1), (1, 3)))
    assert asked.reward.place == "rewards.py:good"
    other = wanted(str(rewards / "task.toml"), judge=f"{rewards}/rewards.py:by_numpy", maze="open")
    assert (other.maze.name, other.judge.name, other.reward.name) == ("open", "by_numpy", "good")
    before = asked.plain()
    (rewards / "rewards.py").write_text(REWARDS + "\n# another text\n")
    assert wanted(str(rewards / "task.toml")).plain() != before  # what was adapted to the old one is another


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ('maze = "umaze"\ncoins = [1, 1]', ConfigError, "did you mean 'coin'"),
        ("maze = ", ConfigError, "is no TOML"),
        ("coin = [1, 1]", ConfigError, "says no task .KeyError: 'maze'"),
        ('maze = "umaze"\ncoin = [2, 2]', UserError, "coin 2,2 lies inside a wall"),
        ('maze = "umaze"\ncoin = [1]', ConfigError, "says no task"),
        ('maze = "umaze"\ncoin = [1, 1]\nways = 0', UserError, "1 way or more"),
        (
            'maze = "umaze"\ncoin = [1, 1]\nways = [[[0, 0], [1, 1]]]',
            UserError,
            "start 0,0 lies inside a wall",
        ),
        ('maze = "#####\\n#O#O#\\n#####"\ncoin = [1, 1]\nways = [[[1, 1], [1, 3]]]', UserError, "no path"),
        ('maze = "umaze"', UserError, "give --reward FILE:FUNCTION"),
    ],
)
def test_a_task_file_that_says_none_is_refused(tmp_path, text, kind, said):
    (tmp_path / "task.toml").write_text(text)
    with pytest.raises(kind, match=said):
        wanted(str(tmp_path / "task.toml"))


def test_a_name_that_is_no_task_is_told_with_its_nearest():
    with pytest.raises(UnknownName, match="did you mean 'coins-umaze'"):
        wanted("coin-umaze")
    assert wanted("coins-umaze").coin == (3.15, 3.15)
    with pytest.raises(UserError, match="give --reward"):
        wanted("umaze")


def test_random_ways_differ_and_join_two_free_cells():
    maze = maze_named("umaze")
    ways = [
        (*start[:2].astype(int), *goal.astype(int))
        for one in (random_ways(maze, 100, seed=3),)
        for start, goal in zip(one.starts, one.goals, strict=True)
    ]
    assert len(set(ways)) == len(ways) == 7 * 6  # all that there are
    assert all(way[:2] != way[2:] and way[:2] in maze.cells and way[2:] in maze.cells for way in ways)
    assert not random_ways(maze, 3, seed=0).starts[:, 2:].any()  # at rest
