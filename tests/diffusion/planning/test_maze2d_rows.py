"""What the benchmark of plans tells, and when it says that a bar is met."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import harness, maze2d
from bloomery.diffusion.planning.mazes import named
from bloomery.diffusion.planning.scores import protocol

RUN = {"score": 131.0, "half": 2.0, "reach": 0.9, "first": 100.0, "episodes": 500}
NEVER = {**RUN, "score": -17.0, "reach": 0.0, "first": None}
COINS = {"unguided": (2.0, 1.0), "guided": (9.0, 3.0), "guided, best of 16": (20.0, 5.0)}


def found(score: float, coins: tuple[float, float] = (40.0, 5.0)) -> dict[str, Any]:
    one = {f"{kind} {arm}": {**RUN, "score": score} for kind in ("single", "multi") for arm in maze2d.BARS}
    one |= {f"{kind} expert": RUN for kind in ("single", "multi")}
    one |= {"single no plan": NEVER, "single actions": NEVER, "single actions, replanned": RUN}
    one["single plans"] = {"accepted": 0.5, "possible": 0.6, "span": 120.0}
    one["trained"] = {"steps": 10, "train_s": 3.0, "data_s": 1.0, "parameters": 1000}
    one["coins single"] = {**COINS, "legs, best of 16": coins}
    return {"medium": one}


def test_the_harness_takes_the_rows_and_each_is_told_once():
    rows = maze2d.rows(found(131.0), 2e6)
    result = {"name": "maze2d", "command": "c", "seconds": 1.0, "rows": rows}
    assert harness.checked(result, "maze2d") == result
    assert len({row["what"] for row in rows}) == len(rows)


@pytest.mark.parametrize(("score", "met"), [(131.0, [True, True, False]), (110.0, [True, False, False])])
def test_a_score_is_held_against_its_own_bar(score: float, met: list[bool]):
    rows = [one for one in maze2d.rows(found(score), 2e6) if "D4RL" in one["what"]]
    assert [one["met"] for one in rows if one["bar"] != "printed"] == met


@pytest.mark.parametrize(("coins", "met"), [((40.0, 5.0), True), ((16.0, 4.5), False)])
def test_coins_are_above_guidance_only_where_the_intervals_are_apart(coins: tuple[float, float], met: bool):
    (row,) = [row for row in maze2d.rows(found(131.0, coins), 2e6) if "coins" in row["what"]]
    assert row["met"] is met


def test_slow_simulation_misses_its_bar():
    assert [maze2d.rows(found(131.0), speed)[0]["met"] for speed in (99_999, 100_000)] == [False, True]


def test_what_was_measured_is_not_measured_again(tmp_path: Path):
    asked = []
    for _ in range(2):
        maze2d.kept(tmp_path / "part.json", lambda: asked.append(1) or {"score": 3.0})
    assert len(asked) == 1
    assert maze2d.kept(tmp_path / "part.json", dict) == {"score": 3.0}


def test_every_arm_sees_the_same_starts_and_the_expert_is_on_its_line():
    maze = named("umaze")
    one, same = (maze2d.exam(maze, "single", 300, 5) for _ in range(2))
    np.testing.assert_array_equal(one[0], same[0])
    steps = protocol("umaze").steps
    line = maze2d.told("umaze", maze2d.expert(maze, one, steps), one[1])
    none = maze2d.told("umaze", maze2d.straight(maze, one, steps), one[1])
    assert abs(line["score"] - 144.2) < line["half"] + 2.3
    assert none["reach"] < line["reach"] == 1.0
