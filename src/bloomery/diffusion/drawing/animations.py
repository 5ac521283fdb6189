"""Animations of a process, as GIF."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from .film import Frame, chosen
from .stills import FONT, reach, scatter, table


def animate_points(frames: Sequence[Frame], path: Path, *, most: int = 40, frame_ms: int = 80) -> None:
    """Points on their way; the last frame stays for a second."""
    edge = reach(frames)
    _animate(frames, path, most, frame_ms, (2.6, 2.8), lambda axes, frame: scatter(axes, frame, edge))


def animate_tokens(
    frames: Sequence[Frame],
    path: Path,
    *,
    mask: int,
    words: Sequence[str] | None = None,
    most: int = 40,
    frame_ms: int = 160,
) -> None:
    """The first example's tokens as they are decided; the last frame stays for a second."""
    size = (max(2.0, 0.45 * frames[0].x.shape[1]), 0.8)
    _animate(frames, path, most, frame_ms, size, lambda axes, frame: table(axes, [frame], mask, words))


def _animate(
    frames: Sequence[Frame],
    path: Path,
    most: int,
    frame_ms: int,
    size: tuple[float, float],
    draw: Callable[[Any, Frame], None],
) -> None:
    images = [_image(frame, size, draw) for frame in chosen(frames, most)]
    path.parent.mkdir(parents=True, exist_ok=True)
    times = [frame_ms] * (len(images) - 1) + [1000]
    images[0].save(path, save_all=True, append_images=images[1:], duration=times, loop=0)


def _image(frame: Frame, size: tuple[float, float], draw: Callable[[Any, Frame], None]) -> Image.Image:
    with matplotlib.rc_context(FONT):
        figure = Figure(figsize=size, dpi=100)
        canvas = FigureCanvasAgg(figure)
        draw(figure.add_axes((0.1, 0.08, 0.86, 0.8)), frame)
        canvas.draw()
        return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
