"""Batches of labelled images: the same whoever loads them, wherever a run was taken up again."""

import itertools

import pytest
import torch

from bloomery.training.augmentation import AugmentConfig
from bloomery.training.images import LabelledImages
from bloomery.training.loader import Loader

IMAGES = torch.randint(0, 256, (20, 8, 8), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
LABELS = torch.arange(20)


def halved(images: torch.Tensor) -> torch.Tensor:
    return images.float()[:, None] / 2


def data(**distortions: float) -> LabelledImages:
    augment = AugmentConfig(**distortions)
    return LabelledImages(IMAGES, LABELS, normalise=halved, augment=augment, seed=5, fill=0.0)


def loader(dataset: LabelledImages, **options: object) -> Loader:
    return Loader(dataset, 6, seed=5, collate=dataset.batch, visits=True, **options)


def bits(batch: dict[str, torch.Tensor]) -> list[object]:
    return [batch["labels"].tolist(), batch["pixel_values"].tolist()]


def first(batches: Loader, count: int) -> list[list[object]]:
    return [bits(batch) for batch in itertools.islice(batches, count)]


def test_a_label_stays_with_its_image():
    for batch in itertools.islice(loader(data()), 5):
        assert torch.equal(batch["pixel_values"], halved(IMAGES[batch["labels"]]))


def test_an_image_is_distorted_anew_in_each_epoch():
    batches = data(shift=2, rotate=30)
    assert bits(batches.batch([(0, 3)])) != bits(batches.batch([(1, 3)]))


def test_a_run_that_is_taken_up_again_sees_the_same_distortions():
    whole = first(loader(data(shift=2, elastic=1)), 8)
    interrupted = loader(data(shift=2, elastic=1))
    first(interrupted, 4)
    restored = loader(data(shift=2, elastic=1))
    restored.load_state_dict(interrupted.state_dict())
    assert first(restored, 4) == whole[4:]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_any_number_of_workers_gives_the_same_bits(workers):
    distortions = {"shift": 2, "rotate": 10, "scale": 0.1, "elastic": 1}
    assert first(loader(data(**distortions), workers=workers), 8) == first(loader(data(**distortions)), 8)


def test_a_batch_across_epochs_is_refused():
    with pytest.raises(ValueError, match=r"a batch is of one epoch, got images of epochs \[0, 1\]"):
        data(shift=1).batch([(0, 3), (1, 3)])


def test_images_without_labels_are_refused():
    with pytest.raises(ValueError, match="20 images have 3 labels"):
        LabelledImages(IMAGES, LABELS[:3], normalise=halved, augment=AugmentConfig(), seed=0, fill=0.0)
