"""Distorted images against permutations of points, against scipy, and against themselves in other company."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from bloomery.training import distorting
from bloomery.training.augmentation import AugmentConfig
from bloomery.training.distorting import distorted, elastic, planar

ALL = AugmentConfig(shift=3, rotate=20, scale=0.2, elastic=1.5, elastic_sigma=2)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(6, 1, 12, 10, generator=torch.Generator().manual_seed(1))


def drawn_as(monkeypatch: pytest.MonkeyPatch, *numbers: float) -> None:
    """Every image draws these: the shifts, the turn and the growth, each from -1 to 1."""
    row = (np.array(numbers) + 1) / 2
    monkeypatch.setattr(distorting, "uniform", lambda s, e, indices, n: np.tile(row, (len(indices), 1)))


def moved(images: torch.Tensor, config: AugmentConfig, fill: float = 0.0, indices=None) -> torch.Tensor:
    return distorted(images, config, seed=3, epoch=2, indices=indices or range(len(images)), fill=fill)


def test_without_distortions_an_image_stays_as_it_is_to_the_bit(images):
    assert torch.equal(moved(images, AugmentConfig()), images)


def test_a_distortion_that_is_drawn_as_nothing_leaves_the_image(images, monkeypatch):
    drawn_as(monkeypatch, 0, 0, 0, 0)
    torch.testing.assert_close(moved(images, AugmentConfig(shift=3, rotate=20, scale=0.2)), images)


def test_a_shift_moves_points_right_and_down_and_fills_what_it_leaves(images, monkeypatch):
    drawn_as(monkeypatch, 1, 0.5, 0, 0)
    found = moved(images, AugmentConfig(shift=2), fill=-0.1)
    torch.testing.assert_close(found[..., 1:, 2:], images[..., :-1, :-2])
    torch.testing.assert_close(found[..., 0, :], torch.full((6, 1, 10), -0.1))
    torch.testing.assert_close(found[..., :2], torch.full((6, 1, 12, 2), -0.1))


def test_a_quarter_turn_permutes_the_points_of_a_square(monkeypatch):
    drawn_as(monkeypatch, 0, 0, 1, 0)
    square = torch.rand(2, 1, 7, 7)
    torch.testing.assert_close(moved(square, AugmentConfig(rotate=90)), square.rot90(-1, (2, 3)))


def test_growing_by_two_repeats_what_is_in_the_middle(monkeypatch):
    drawn_as(monkeypatch, 0, 0, 0, 1)
    ramp = torch.arange(9.0).expand(1, 1, 9, 9)
    found = moved(ramp, AugmentConfig(scale=0.5), fill=0.0)[0, 0, 4]
    torch.testing.assert_close(found[1:8], 4 + (torch.arange(1.0, 8) - 4) / 1.5)


def test_points_between_points_are_those_of_scipy(images):
    x, y = planar(ALL, seed=3, epoch=2, indices=range(6), height=12, width=10)
    dx, dy = elastic(ALL, seed=3, epoch=2, indices=range(6), height=12, width=10)
    found = moved(images.double(), ALL)
    for image, ours, *places in zip(images.double(), found, x + dx, y + dy, strict=True):
        rows, columns = places[1].numpy() + 5.5, places[0].numpy() + 4.5
        expected = map_coordinates(np.pad(image[0].numpy(), 1), [rows + 1, columns + 1], order=1)
        np.testing.assert_allclose(ours[0].numpy(), expected, atol=1e-12)


def test_an_image_is_distorted_alike_in_any_company(images):
    together = moved(images, ALL)
    alone = torch.cat([moved(images[i : i + 1], ALL, indices=[i]) for i in range(6)])
    assert torch.equal(alone, together)


def test_seed_epoch_and_index_each_give_another_distortion(images):
    options = {"seed": 3, "epoch": 2, "indices": [0]}
    base = distorted(images[:1], ALL, **options, fill=0.0)
    for change in ({"seed": 4}, {"epoch": 3}, {"indices": [1]}):
        assert not torch.equal(distorted(images[:1], ALL, **(options | change), fill=0.0), base)


def test_distortions_fill_their_range_and_stay_within_it():
    config = AugmentConfig(shift=3)
    x, _ = planar(config, seed=0, epoch=0, indices=range(500), height=1, width=1)
    assert 2.9 < x.abs().max() <= 3
    assert x.mean().abs() < 5 * 3 / math.sqrt(3 * 500)  # five standard errors of an even number in [-3, 3]


@pytest.mark.parametrize("sigma", [1.0, 3.0])
def test_elastic_displacements_are_as_large_as_asked_and_smooth_over_sigma(sigma):
    config = AugmentConfig(elastic=2.0, elastic_sigma=sigma)
    dx, dy = elastic(config, seed=0, epoch=0, indices=range(60), height=32, width=32)
    assert torch.stack([dx, dy]).square().mean().sqrt().item() == pytest.approx(2.0, rel=0.1)
    beside = (dx[..., 1:] * dx[..., :-1]).mean() / dx.square().mean()
    assert beside.item() == pytest.approx(math.exp(-1 / (4 * sigma**2)), abs=0.03)  # of smoothed white noise


def test_what_is_no_number_stays_visible(images):
    images[2, 0, 5, 5] = math.nan
    found = moved(images, AugmentConfig(shift=1))
    assert found[2].isnan().any()
    assert not found[[0, 1, 3, 4, 5]].isnan().any()


def test_no_images_stay_none():
    assert moved(torch.empty(0, 1, 12, 10), ALL).shape == (0, 1, 12, 10)


def test_an_image_of_one_point_can_be_bent():
    found = moved(torch.ones(1, 1, 1, 1), ALL)
    assert found.isfinite().all()
