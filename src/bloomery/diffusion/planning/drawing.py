"""Pictures of plans in their maze."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from .mazes import HIGH, LOW, Floats, Maze

WALL_COLOUR, FREE_COLOUR = "#3b4252", "#eceff4"
MOST_DRAWN = 16  # plans


def draw(
    maze: Maze,
    path: Path,
    *,
    plans: Floats | None = None,
    run: Floats | None = None,
    goal: Floats | None = None,
    coin: Floats | None = None,
    title: str = "",
) -> None:
    """Writes a PNG of a maze, the plans in it (from blue to yellow in time), and a driven run in red.

    Shapes: plans (B, H, >= 2), run (T, >= 2), goal and coin (2,)
    """
    rows, columns = maze.walls.shape
    with matplotlib.rc_context({"font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(0.55 * columns + 0.4, 0.55 * rows + 0.6), dpi=120)
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        _maze(axes, maze)
        for one in [] if plans is None else plans[:MOST_DRAWN]:
            axes.scatter(one[:, 1], one[:, 0], c=np.arange(len(one)), cmap="plasma", s=9, zorder=2)
            axes.plot(one[:, 1], one[:, 0], color="#5e81ac", linewidth=0.8, alpha=0.6, zorder=1)
        if run is not None:
            axes.plot(run[:, 1], run[:, 0], color="#bf616a", linewidth=1.6, zorder=3)
        _marks(axes, plans, run, goal, coin)
        axes.set_title(title, fontsize=9)
        figure.savefig(path, metadata={"Software": None}, bbox_inches="tight")


def draw_side_by_side(
    mazes: Sequence[Maze], plans: Sequence[Floats], titles: Sequence[str], path: Path
) -> None:
    """Writes one PNG with a panel for each maze. Shapes: plans of each (B, H, >= 2)"""
    widths = [maze.walls.shape[1] for maze in mazes]
    with matplotlib.rc_context({"font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(0.45 * sum(widths), 5.0), dpi=110)
        FigureCanvasAgg(figure)
        panels = figure.subplots(1, len(mazes), width_ratios=widths, squeeze=False)[0]
        for axes, maze, some, title in zip(panels, mazes, plans, titles, strict=True):
            _maze(axes, maze)
            for one in some[:MOST_DRAWN]:
                axes.plot(one[:, 1], one[:, 0], linewidth=1.0, alpha=0.8)
            axes.set_title(title, fontsize=9)
        figure.savefig(path, metadata={"Software": None}, bbox_inches="tight")


def _maze(axes: Axes, maze: Maze) -> None:
    rows, columns = maze.walls.shape
    extent = (-LOW, columns - 1 + HIGH, rows - 1 + HIGH, -LOW)
    colours = ListedColormap([FREE_COLOUR, WALL_COLOUR])
    axes.imshow(maze.walls, cmap=colours, extent=extent, vmin=0, vmax=1, zorder=0)
    axes.set_xticks(range(columns))
    axes.set_yticks(range(rows))
    axes.tick_params(labelsize=6, length=0)


def _marks(
    axes: Axes, plans: Floats | None, run: Floats | None, goal: Floats | None, coin: Floats | None
) -> None:
    first = run[0] if run is not None else plans[0, 0] if plans is not None else None
    marks = ((first, "o", "#a3be8c", 60), (goal, "*", "#d08770", 160), (coin, "D", "#ebcb8b", 70))
    for place, marker, colour, size in marks:
        if place is not None:
            axes.scatter(
                place[1],
                place[0],
                marker=marker,
                c=colour,
                s=size,
                edgecolors="black",
                linewidths=0.6,
                zorder=4,
            )
