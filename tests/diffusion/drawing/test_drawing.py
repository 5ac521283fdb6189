"""Pictures show the numbers that they were given, and the same numbers give the same bytes."""

import numpy as np
import pytest
import torch
from PIL import Image

from bloomery.core.errors import UserError
from bloomery.diffusion.drawing.animations import animate_points, animate_tokens
from bloomery.diffusion.drawing.film import Film, Frame, chosen, forward_frames
from bloomery.diffusion.drawing.schedules import draw_schedules
from bloomery.diffusion.drawing.stills import draw_points, draw_tokens, reach
from bloomery.diffusion.processes import curves
from bloomery.diffusion.processes.continuous import GaussianDiffusion
from bloomery.diffusion.processes.masked import MaskedDiffusion
from bloomery.diffusion.processes.sampling import sample

MASK = 4


def seeded():
    return torch.Generator().manual_seed(0)


def points():
    return forward_frames(GaussianDiffusion(), torch.ones(30, 2), [0.0, 0.5, 1.0], seeded())


def tokens():
    x0 = torch.tensor([[0, 1, 2, 3]])
    return forward_frames(MaskedDiffusion(mask=MASK), x0, [0.0, 0.6, 1.0], seeded())


def coloured(path):
    """How many pixels of a picture are neither grey, black nor white."""
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
    return int((pixels.max(-1) - pixels.min(-1) > 40).sum())


def test_the_way_to_noise_begins_with_the_data_and_ends_without():
    frames = points()
    torch.testing.assert_close(frames[0].x, torch.ones(30, 2), atol=1e-6, rtol=0)
    assert frames[2].x.std() > 0.7
    assert [(frame.x == MASK).sum().item() for frame in tokens()][::2] == [0, 4]
    assert reach(frames) == pytest.approx(1.05 * max(frame.x.abs().max().item() for frame in frames))


def test_a_film_keeps_each_step_and_the_end():
    film, process = Film(), GaussianDiffusion()
    x = sample(process, lambda x, t: x, torch.ones(2, 2), steps=3, generator=seeded(), watch=film)
    frames = film.end(x)
    assert [frame.t for frame in frames] == pytest.approx([1, 2 / 3, 1 / 3, 0])
    assert torch.equal(frames[0].x, torch.ones(2, 2))
    assert torch.equal(frames[2].guess, x)
    assert torch.equal(frames[3].x, x)


def test_of_many_frames_the_first_the_last_and_evenly_spread_ones_are_shown():
    frames = [Frame(t, torch.zeros(1, 2), None) for t in range(10)]
    assert [frame.t for frame in chosen(frames, 4)] == [0, 3, 6, 9]
    assert chosen(frames, 20) == frames


def test_a_picture_of_points_and_guesses_is_the_same_twice(tmp_path):
    frames = [frame._replace(guess=-frame.x) for frame in points()]
    for name in ("a.png", "b.png"):
        draw_points(frames, tmp_path / "in" / name, title="there")
    assert (tmp_path / "in" / "a.png").read_bytes() == (tmp_path / "in" / "b.png").read_bytes()
    draw_points(points(), tmp_path / "plain.png", title="there")
    assert coloured(tmp_path / "in" / "a.png") > coloured(tmp_path / "plain.png") > 0


def test_a_picture_of_tokens_leaves_masks_empty(tmp_path):
    full, empty = tokens()[0], tokens()[2]
    draw_tokens([full, full], tmp_path / "full.png", mask=MASK, words=["a", "b", "c", "d"])
    draw_tokens([empty, full], tmp_path / "half.png", mask=MASK)
    draw_tokens([empty, empty], tmp_path / "empty.png", mask=MASK)
    assert coloured(tmp_path / "full.png") > 1.5 * coloured(tmp_path / "half.png") > 0
    assert coloured(tmp_path / "empty.png") == 0


def test_animations_have_a_picture_a_frame_and_stay_at_the_end(tmp_path):
    animate_points(points(), tmp_path / "points.gif", frame_ms=50)
    animate_tokens(tokens(), tmp_path / "tokens.gif", mask=MASK)
    for name, first in (("points.gif", 50), ("tokens.gif", 160)):
        with Image.open(tmp_path / name) as film:
            assert film.n_frames == 3
            assert film.info["duration"] == first
            film.seek(2)
            assert film.info["duration"] == 1000


def test_schedules_are_drawn_a_line_each(tmp_path):
    draw_schedules([curves.linear()], tmp_path / "one.png")
    draw_schedules([make() for make in curves.CURVES.values()], tmp_path / "all.png")
    assert coloured(tmp_path / "all.png") > 2 * coloured(tmp_path / "one.png") > 0


def test_what_is_no_picture_is_refused(tmp_path):
    with pytest.raises(UserError, match="2 frames or more"):
        chosen([], 4)
    with pytest.raises(UserError, match="two numbers each"):
        draw_points(tokens()[:2], tmp_path / "x.png")
    with pytest.raises(UserError, match="table of tokens"):
        draw_tokens(points(), tmp_path / "x.png", mask=MASK)
    with pytest.raises(UserError, match="none was given"):
        draw_schedules([], tmp_path / "x.png")
