"""What is asked of a planner: a maze, ways through it, and what is worth more on them.

As a file (TOML):

    maze = "umaze"                        # a name, a file beside this one, or lines of # and O
    ways = [[[2, 3], [1, 1]]]             # start and goal of each, or how many random ones at most (16)
    coin = [3, 2]                         # to be picked up on the way; or
    reward = "coins.py:reward"            # a function of states, in a file beside this one, and
    judge = "coins.py:judge"              # another one of driven runs
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bloomery.core.errors import ConfigError, UnknownName, UserError, suggestion
from bloomery.diffusion.planning.data import rest_at
from bloomery.diffusion.planning.mazes import LAYOUTS, Cell, Floats, Maze, checked_cell, parsed, path
from bloomery.diffusion.planning.mazes import named as maze_named

from .asking import Asked, named

WAYS = 16
COINS = {
    "coins-umaze": ("umaze", (3.15, 3.15)),
    "coins-medium": ("medium", (4, 5)),
    "coins-large": ("large", (3, 9)),
}
KEYS = ("maze", "ways", "coin", "reward", "judge")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """`ways` are starts and goals, or how many are to be drawn at random. There is a coin, or a reward."""

    name: str
    maze: Maze
    ways: int | tuple[tuple[Cell, Cell], ...] = WAYS
    coin: tuple[float, float] | None = None
    reward: Asked | None = None
    judge: Asked | None = None

    def plain(self) -> dict[str, Any]:
        """What results depend on, JSON-able."""
        functions = {"reward": self.reward, "judge": self.judge}
        return {
            "name": self.name,
            "maze": {"name": self.maze.name, "lines": list(self.maze.lines)},
            "ways": self.ways
            if isinstance(self.ways, int)
            else [[list(c) for c in way] for way in self.ways],
            "coin": None if self.coin is None else list(self.coin),
        } | {key: None if one is None else [one.name, one.version] for key, one in functions.items()}


@dataclass(frozen=True)
class Ways:
    """Shapes: starts (N, 4), goals (N, 2)"""

    starts: Floats
    goals: Floats

    def __len__(self) -> int:
        return len(self.starts)

    def picked(self, which: Any) -> "Ways":
        return Ways(self.starts[which], self.goals[which])


def wanted(task: str, *, reward: str = "", judge: str = "", maze: str = "") -> Wanted:
    """The task of that name or file; what else is given counts more than what the file says.

    Raises: UserError of what names no task, or says neither a coin nor a reward.
    """
    found = _task(task)
    found = replace(found, maze=maze_of(maze)) if maze else found
    if reward:
        found = replace(found, reward=named(reward, "reward"), judge=found.judge if found.reward else None)
    if judge:
        found = replace(found, judge=named(judge, "judge"))
    if found.reward is None and found.coin is None:
        raise UserError(f"nothing says what is worth more in '{task}': give --reward FILE:FUNCTION")
    _check(found)
    return found


def maze_of(name: str, beside: Path | None = None) -> Maze:
    """A maze by its name, its file or its lines."""
    if "#" in name:
        return parsed(name)
    file = (beside or Path()) / name
    return parsed(file.read_text(encoding="utf-8"), file.stem) if file.is_file() else maze_named(name)


def random_ways(maze: Maze, most: int, seed: int) -> Ways:
    """Ways between different cells, no two alike, at most so many."""
    cells = len(maze.cells)
    chosen = np.random.default_rng(seed).permutation(cells * (cells - 1))[:most]
    first, step = np.divmod(chosen, cells - 1)
    places = np.array(maze.cells, dtype=float)
    return Ways(rest_at(places[first]), places[(first + 1 + step) % cells])


def given_ways(ways: Sequence[tuple[Cell, Cell]]) -> Ways:
    places = np.array(ways, dtype=float)
    return Ways(rest_at(places[:, 0]), places[:, 1])


def _task(task: str) -> Wanted:
    if task in COINS:
        maze, coin = COINS[task]
        return Wanted(name=task, maze=maze_named(maze), coin=coin)
    file = Path(task)
    if file.suffix == ".toml" and file.is_file():
        return _told(file)
    if file.is_file() or task.removeprefix("maze2d-") in LAYOUTS:
        found = maze_of(task)
        return Wanted(name=found.name, maze=found)
    known = [*COINS, *LAYOUTS]
    raise UnknownName("task (a name, a .toml file, or a maze drawn in a file)", task, known)


def _told(file: Path) -> Wanted:
    try:
        told: Mapping[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is no TOML: {error}") from error
    for key in told:
        if key not in KEYS:
            raise ConfigError(
                f"{file} has the key '{key}', which a task does not know{suggestion(key, KEYS)}"
            )
    try:
        maze = maze_of(str(told["maze"]), file.parent)
        ways = told.get("ways", WAYS)
        return Wanted(
            name=file.stem, maze=maze,
            ways=ways if isinstance(ways, int) else tuple((_pair(a), _pair(b)) for a, b in ways),
            coin=_coin(told["coin"]) if "coin" in told else None,
            **{key: named(told[key], key, file.parent) for key in ("reward", "judge") if key in told},
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"{file} says no task ({type(error).__name__}: {error}); see `{__name__}`"
        ) from error


def _pair(cell: Any) -> Cell:
    row, column = cell
    return int(row), int(column)


def _coin(place: Any) -> tuple[float, float]:
    row, column = place
    return float(row), float(column)


def _check(found: Wanted) -> None:
    """Raises: UserError of a place inside a wall, a way without a path, no way at all."""
    if found.coin is not None:
        checked_cell(found.maze, [round(one) for one in found.coin], "coin")
    if found.ways == () or (isinstance(found.ways, int) and found.ways < 1):
        raise UserError(f"a task has 1 way or more; '{found.name}' has {found.ways}")
    for start, goal in () if isinstance(found.ways, int) else found.ways:
        path(found.maze, start, goal)
