"""bloomery diffuse plan: a way through a maze, and what a caller may do wrong."""

import json

import pytest

WALLED = "#####\n#O#O#\n#####\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--maze", "umaze", "--start", "0,0"], "start 0,0 lies inside a wall of maze 'umaze'"),
        (["--maze", "umaze", "--goal", "9,9"], "goal 9,9 lies outside maze 'umaze' of 5 x 5 cells"),
        (
            ["--maze", "umaze", "--start", "1;1"],
            "--start is ROW,COLUMN of whole numbers, such as 1,1; got '1;1'",
        ),
        (["--maze", "mediun"], "medium"),
    ],
)
def test_a_question_that_no_plan_answers_is_a_users_mistake(bloomery, tmp_path, words, told):
    said = bloomery("diffuse", "plan", *words, "-w", tmp_path / "space")
    assert said.code == 2
    assert told in said.err


def test_a_maze_with_cells_that_no_path_joins_is_refused_before_any_training(bloomery, tmp_path):
    (tmp_path / "two.txt").write_text(WALLED)
    said = bloomery("diffuse", "plan", "--maze", tmp_path / "two.txt", "-w", tmp_path / "space")
    assert said.code == 2
    assert "free cells without a path between them" in said.err


@pytest.mark.slow
def test_a_planner_is_trained_once_and_its_plans_are_drawn_and_equal(bloomery, tmp_path):
    asked = ["--maze", "umaze", "--start", "3,1", "--steps", 300, "-w", tmp_path / "space", "--json"]
    first = bloomery("diffuse", "plan", *asked, "--render", tmp_path / "plan.png")
    again = bloomery("diffuse", "plan", *asked)
    told, repeated = json.loads(first.out), json.loads(again.out)
    assert (tmp_path / "plan.png").read_bytes().startswith(b"\x89PNG")
    assert (told["start"], told["goal"]) == ([3, 1], [1, 1])
    assert len(told["actions"]) == len(told["states"])
    assert told["states"][-1][:2] == pytest.approx([1, 1], abs=0.5)  # the best of 16 arrives
    assert repeated | {"render": told["render"]} == told
    assert "remembered" in again.err
    assert "remembered" not in first.err
