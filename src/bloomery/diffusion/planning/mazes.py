"""Mazes as grids of cells, and the shortest ways through them.

Layouts are those of D4RL's maze2d (rail-berkeley/d4rl, CC BY 4.0). A cell is (row, column); the point mass
lives in the same coordinates, x[0] along rows and x[1] along columns.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bloomery.core.errors import UnknownName, UserError

Cell = tuple[int, int]
Floats = NDArray[np.float64]

WALL, FREE, GOAL = "#", "O", "G"
RADIUS = 0.1  # of the ball
LOW, HIGH = 0.7, 0.3  # a cell c covers [c - LOW, c + HIGH) on each axis
LAYOUTS = {
    "open": "#######/#OOOOO#/#OOGOO#/#OOOOO#/#######",
    "umaze": "#####/#GOO#/###O#/#OOO#/#####",
    "medium": "########/#OO##OO#/#OO#OOO#/##OOO###/#OO#OOO#/#O#OO#O#/#OOO#OG#/########",
    "large": "############/#OOOO#OOOOO#/#O##O#O#O#O#/#OOOOOO#OOO#/#O####O###O#/#OO#O#OOOOO#/"
    "##O#O#O#O###/#OO#OOO#OGO#/############",
    "eval-umaze": "#####/#OOG#/#O###/#OOO#/#####",
    "eval-medium": "########/#OOOOOG#/#O#O##O#/#OOOO#O#/###OO###/#OOOOOO#/#OO##OO#/########",
    "eval-large": "############/#OO#OOO#OGO#/##O###O#O#O#/#OO#O#OOOOO#/#O##O#OO##O#/#OOOOOO#OOO#/"
    "#O##O#O#O###/#OOOO#OOOOO#/############",
}


@dataclass(frozen=True)
class Maze:
    """`lines` hold one character a cell: # wall, O free, G free and the goal."""

    name: str
    lines: tuple[str, ...]

    @cached_property
    def walls(self) -> NDArray[np.bool_]:
        return np.array([[one == WALL for one in line] for line in self.lines])

    @cached_property
    def cells(self) -> list[Cell]:
        """The free cells, in reading order."""
        return [(int(i), int(j)) for i, j in np.argwhere(~self.walls)]

    @property
    def goal(self) -> Cell:
        """The cell marked G, else the last free one."""
        marked = [cell for cell in self.cells if self.lines[cell[0]][cell[1]] == GOAL]
        return marked[0] if marked else self.cells[-1]

    @cached_property
    def onward(self) -> NDArray[np.int64]:
        """The next cell on a shortest way: onward[goal, cell], as indices of `cells`; -1 where there is none.

        Shapes: (N, N) for N free cells
        """
        index = {cell: n for n, cell in enumerate(self.cells)}
        found = np.full((len(index), len(index)), -1, dtype=np.int64)
        for goal, n in index.items():
            for cell, towards in _tree(self, goal).items():
                found[n, index[cell]] = index[towards]
        return found

    @cached_property
    def numbers(self) -> NDArray[np.int64]:
        """The index in `cells` of each cell of the grid, -1 for walls."""
        found = np.full(self.walls.shape, -1, dtype=np.int64)
        for n, cell in enumerate(self.cells):
            found[cell] = n
        return found


def named(name: str) -> Maze:
    """A published layout: umaze, medium, large, open, eval-...; D4RL's prefix maze2d- may be left out."""
    short = name.removeprefix("maze2d-")
    if short not in LAYOUTS:
        raise UnknownName("maze", name, LAYOUTS)
    return parsed(LAYOUTS[short].replace("/", "\n"), short)


def parsed(text: str, name: str = "given") -> Maze:
    """A maze of lines of #, O and at most one G (spaces and dots are free), closed by walls all round."""
    lines = [line.strip("\r") for line in text.strip("\n").split("\n")]
    lines = [line.replace(" ", FREE).replace(".", FREE) for line in lines]
    if odd := sorted(set("".join(lines)) - {WALL, FREE, GOAL}):
        raise UserError(f"a maze is drawn with #, O and G; this one holds {', '.join(map(repr, odd))}")
    if not lines[0]:
        raise UserError("a maze is drawn with lines of #, O and G; this text is empty")
    if len({len(line) for line in lines}) != 1:
        raise UserError(f"a maze's lines are equally long; these have {sorted({len(one) for one in lines})}")
    _check_closed(lines)
    return Maze(name, tuple(lines))


def _check_closed(lines: Sequence[str]) -> None:
    edge = lines[0] + lines[-1] + "".join(line[0] + line[-1] for line in lines)
    if set(edge) != {WALL}:
        raise UserError("a maze is closed by walls (#) on all four sides; this one is open at its edge")
    inside = "".join(lines)
    if inside.count(GOAL) > 1:
        raise UserError(f"a maze has at most one goal G; this one has {inside.count(GOAL)}")
    if not set(inside) & {FREE, GOAL}:
        raise UserError("a maze has at least one free cell (O); this one is all walls")


def checked_cell(maze: Maze, cell: Sequence[int], what: str) -> Cell:
    """Raises: UserError for a cell outside the maze or inside a wall."""
    row, column = (int(one) for one in cell)
    rows, columns = maze.walls.shape
    if not (0 <= row < rows and 0 <= column < columns):
        raise UserError(f"{what} {row},{column} lies outside maze '{maze.name}' of {rows} x {columns} cells")
    if maze.walls[row, column]:
        raise UserError(f"{what} {row},{column} lies inside a wall of maze '{maze.name}'; give a free cell")
    return row, column


def path(maze: Maze, start: Sequence[int], goal: Sequence[int]) -> list[Cell]:
    """The cells of a shortest way, both ends included.

    Raises: UserError where there is none.
    """
    cell, end = checked_cell(maze, start, "start"), checked_cell(maze, goal, "goal")
    tree, found = _tree(maze, end), [cell]
    if cell not in tree:
        raise UserError(f"maze '{maze.name}' has no path from {cell[0]},{cell[1]} to {end[0]},{end[1]}")
    while found[-1] != end:
        found.append(tree[found[-1]])
    return found


def cell_of(position: Floats) -> NDArray[np.int64]:
    """The cells that positions lie in. Shapes: (..., 2) -> (..., 2)"""
    return np.floor(position + LOW).astype(np.int64)


def is_free(maze: Maze, position: Floats, margin: float = RADIUS) -> NDArray[np.bool_]:
    """Whether a ball of that half-width fits at each position. Shapes: (..., 2) -> (...)"""
    free = np.ones(position.shape[:-1], dtype=bool)
    for shift in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
        free &= ~wall_at(maze, position + (margin - 1e-9) * np.array(shift))
    return free


def wall_at(maze: Maze, position: Floats) -> NDArray[np.bool_]:
    """Whether points lie in a wall; outside of the maze all is wall. Shapes: (..., 2) -> (...)"""
    limits = np.array(maze.walls.shape) - 1
    cell = np.clip(np.nan_to_num(np.floor(position + LOW)), 0, limits).astype(np.int64)
    return maze.walls[cell[..., 0], cell[..., 1]]


def _tree(maze: Maze, goal: Cell) -> dict[Cell, Cell]:
    """Breadth first from the goal: each cell that reaches it, with the next cell on the way."""
    tree, waiting = {goal: goal}, deque([goal])
    while waiting:
        cell = waiting.popleft()
        for other in _beside(maze, cell):
            if other not in tree:
                tree[other] = cell
                waiting.append(other)
    return tree


def _beside(maze: Maze, cell: Cell) -> Iterator[Cell]:
    for down, right in ((0, -1), (0, 1), (-1, 0), (1, 0)):
        other = cell[0] + down, cell[1] + right
        if not maze.walls[other]:
            yield other
