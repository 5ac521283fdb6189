"""Pictures of a process: points in the plane, or tokens in rows."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from bloomery.core.errors import UserError

from .film import Frame, chosen

POINT, GUESS = "#2f7ed8", "#e07b28"
FONT: dict[Any, Any] = {"font.family": "DejaVu Sans", "font.size": 8}


def draw_points(frames: Sequence[Frame], path: Path, *, most: int = 6, title: str = "") -> None:
    """A panel a frame: where the points are, and (small) where they are guessed to go. A PNG."""
    shown = chosen(frames, most)
    with matplotlib.rc_context(FONT):
        figure, panels = _row(len(shown))
        for axes, frame in zip(panels, shown, strict=True):
            scatter(axes, frame, reach(frames))
        figure.suptitle(title)
        save(figure, path)


def draw_tokens(
    frames: Sequence[Frame], path: Path, *, mask: int, words: Sequence[str] | None = None, most: int = 12
) -> None:
    """A row a frame of the first example: masks are empty, tokens are coloured by their id. A PNG."""
    shown = chosen(frames, most)
    with matplotlib.rc_context(FONT):
        figure = Figure(figsize=(max(2.0, 0.45 * shown[0].x.shape[1]), 0.3 * len(shown) + 0.4))
        FigureCanvasAgg(figure)
        table(figure.subplots(), shown, mask, words)
        save(figure, path)


def scatter(axes: Any, frame: Frame, edge: float) -> None:
    """One frame of points within -edge and edge."""
    points = plane(frame.x)
    if frame.guess is not None:
        axes.scatter(*plane(frame.guess).T.numpy(), s=1, color=GUESS, linewidths=0)
    axes.scatter(*points.T.numpy(), s=3, color=POINT, linewidths=0)
    axes.set(
        title=f"t = {frame.t:.2f}", xlim=(-edge, edge), ylim=(-edge, edge), xticks=[], yticks=[], aspect=1
    )


def table(axes: Any, frames: Sequence[Frame], mask: int, words: Sequence[str] | None) -> None:
    rows = torch.stack([frame.x[0] for frame in frames])
    if rows.dim() != 2 or rows.is_floating_point():
        raise UserError(f"a table of tokens shows ids (B, L), not {tuple(frames[0].x.shape)} of {rows.dtype}")
    hue = torch.where(rows == mask, torch.nan, (rows % 9).double())  # of the 9 colours of Pastel1
    axes.imshow(hue.numpy(), cmap="Pastel1", aspect="auto", vmin=0, vmax=8)
    for row, tokens in enumerate(rows.tolist()):
        for column, token in enumerate(tokens):
            if token != mask:
                said = str(token) if words is None else words[token]
                axes.text(column, row, said, ha="center", va="center")
    axes.set(xticks=[], yticks=range(len(frames)), yticklabels=[f"{frame.t:.2f}" for frame in frames])
    axes.set_ylabel("t")


def plane(x: Tensor) -> Tensor:
    """The first two numbers of each example. Shapes: (B, ..., D) -> (B, 2)"""
    points = x.flatten(1)
    if points.shape[1] < 2 or not x.is_floating_point():
        raise UserError(f"points have two numbers each, not {tuple(x.shape)} of {x.dtype}")
    return points[:, :2]


def reach(frames: Sequence[Frame]) -> float:
    """The edge of a square that holds all points of all frames."""
    return 1.05 * max(float(plane(frame.x).abs().max()) for frame in frames)


def save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, bbox_inches="tight", metadata={"Software": None})


def _row(count: int) -> tuple[Figure, Sequence[Any]]:
    figure = Figure(figsize=(1.7 * count, 2.1))
    FigureCanvasAgg(figure)
    return figure, figure.subplots(1, count, squeeze=False)[0]
