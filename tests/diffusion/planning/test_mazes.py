"""Mazes: published layouts, text, shortest ways, and what is refused."""

import json
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest

from bloomery.core.errors import UnknownName, UserError
from bloomery.diffusion.planning.mazes import (
    LAYOUTS,
    cell_of,
    checked_cell,
    is_free,
    named,
    parsed,
    path,
    wall_at,
)

TORN = "#####\n#O#O#\n#####"


def test_the_layouts_are_the_published_ones(data_root: Path):
    published = json.loads((data_root / "maze2d" / "layouts.json").read_text())["layouts"]
    for name in LAYOUTS:
        assert list(named(name).lines) == published[f"maze2d-{name}"], name


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_way_is_as_short_as_the_graphs_distances_say(name: str):
    maze = named(name)
    cells = np.array(maze.cells)
    far = np.where(np.abs(cells[:, None] - cells[None]).sum(-1) == 1, 1.0, np.inf)
    np.fill_diagonal(far, 0)
    for k in range(len(cells)):  # Floyd and Warshall
        far = np.minimum(far, far[:, k, None] + far[None, k])
    for (i, start), (j, goal) in list(product(enumerate(maze.cells), repeat=2))[::7]:
        found = path(maze, start, goal)
        assert len(found) - 1 == far[i, j]
        assert all(abs(a - c) + abs(b - d) == 1 for (a, b), (c, d) in pairwise(found))


def test_onward_steps_lead_each_cell_to_each_goal_as_the_ways_do():
    maze = named("medium")
    for goal, cell in [(0, 5), (25, 0), (12, 12)]:
        way, at = path(maze, maze.cells[cell], maze.cells[goal]), cell
        for expected in way[1:]:
            at = int(maze.onward[goal, at])
            assert maze.cells[at] == expected
        assert maze.onward[goal, goal] == goal


def test_a_maze_without_a_path_says_between_which_cells():
    with pytest.raises(UserError, match="no path from 1,1 to 1,3"):
        path(parsed(TORN, "torn"), (1, 1), (1, 3))


@pytest.mark.parametrize(
    ("cell", "said"), [((0, 0), "inside a wall"), ((9, 1), "outside"), ((-1, 1), "outside")]
)
def test_a_start_in_a_wall_or_outside_is_refused(cell: tuple[int, int], said: str):
    with pytest.raises(UserError, match=f"start .* lies {said}"):
        checked_cell(named("umaze"), cell, "start")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("####\n#OX#\n####", "'X'"),
        ("####\n#OO#\n###", "equally long"),
        ("####\n#OO \n####", "open at its edge"),
        ("#####\n#GOG#\n#####", "at most one goal"),
        ("###\n###\n###", "all walls"),
        ("", "empty"),
    ],
)
def test_text_that_is_no_maze_is_refused_with_a_reason(text: str, said: str):
    with pytest.raises(UserError, match=said):
        parsed(text)


def test_an_unknown_name_tells_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'large'"):
        named("larg")


def test_names_may_carry_the_prefix_of_d4rl():
    assert named("maze2d-large").lines == named("large").lines


def test_a_cell_covers_the_places_from_its_low_to_its_high_edge():
    places = np.array([[1.0, 1.0], [0.31, 1.29], [1.31, 0.29]])
    assert cell_of(places).tolist() == [[1, 1], [1, 1], [2, 0]]


def test_a_ball_fits_where_it_is_a_radius_away_from_all_walls():
    maze = parsed("###\n#O#\n###")
    places = np.array([[1.0, 1.0], [0.41, 1.0], [0.39, 1.0], [1.19, 1.19], [1.19, 1.21]])
    assert is_free(maze, places).tolist() == [True, True, False, True, False]
    assert wall_at(maze, np.array([[50.0, -3.0]])).all()
