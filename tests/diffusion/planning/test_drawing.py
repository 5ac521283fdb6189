"""Pictures: the maze is where it should be, and the same picture has the same bytes."""

from pathlib import Path

import matplotlib.image
import numpy as np

from bloomery.diffusion.planning.drawing import draw, draw_side_by_side
from bloomery.diffusion.planning.mazes import named

PLANS = np.stack([np.linspace([1, 1, 0, 0], [1, 3, 0, 0], 20), np.linspace([3, 1, 0, 0], [3, 3, 0, 0], 20)])


def colours(path: Path) -> set[str]:
    pixels = (matplotlib.image.imread(path)[..., :3] * 255).round().astype(int).reshape(-1, 3)
    return {f"#{r:02x}{g:02x}{b:02x}" for r, g, b in np.unique(pixels, axis=0)}


def test_a_picture_shows_walls_a_run_and_a_coin_and_is_the_same_each_time(tmp_path: Path):
    some = {"plans": PLANS, "run": PLANS[0], "goal": np.array([1, 1]), "coin": np.array([3, 2])}
    for name in ("one.png", "same.png"):
        draw(named("umaze"), tmp_path / name, title="umaze", **some)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "same.png").read_bytes()
    assert {"#3b4252", "#eceff4", "#bf616a", "#ebcb8b"} <= colours(tmp_path / "one.png")
    draw(named("umaze"), tmp_path / "bare.png")
    assert "#bf616a" not in colours(tmp_path / "bare.png")


def test_mazes_side_by_side_are_one_picture(tmp_path: Path):
    draw_side_by_side(
        [named("umaze"), named("medium")], [PLANS, PLANS], ["one", "two"], tmp_path / "both.png"
    )
    height, width = matplotlib.image.imread(tmp_path / "both.png").shape[:2]
    assert width > height > 100
