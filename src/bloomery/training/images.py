"""Labelled images as a data set for a loader: whole batches at once, distorted by index and epoch."""

from collections.abc import Callable, Sequence

from torch import Tensor

from .augmentation import AugmentConfig
from .distorting import distorted

Visit = tuple[int, int]  # epoch, index


class LabelledImages:
    """Images and labels for a `Loader` with `visits=True` and this object's `batch` to collate.

    Shapes: images (N, H, W), labels (N,); `normalise` maps (B, H, W) to (B, 1, H', W').
    """

    def __init__(
        self,
        images: Tensor,
        labels: Tensor,
        *,
        normalise: Callable[[Tensor], Tensor],
        augment: AugmentConfig,
        seed: int,
        fill: float,
    ) -> None:
        if len(images) != len(labels):
            raise ValueError(f"{len(images)} images have {len(labels)} labels; give one for each")
        self.images, self.labels = images, labels
        self.normalise, self.augment = normalise, augment
        self.seed, self.fill = seed, fill

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, visit: Visit) -> Visit:
        return visit

    def batch(self, visits: Sequence[Visit]) -> dict[str, Tensor]:
        """All of one epoch. Shapes: pixel_values (B, 1, H', W'), labels (B,)"""
        (epoch, *others) = {epoch for epoch, _ in visits}
        if others:
            raise ValueError(f"a batch is of one epoch, got images of epochs {sorted({epoch, *others})}")
        indices = [index for _, index in visits]
        pixels = distorted(
            self.normalise(self.images[indices]), self.augment,
            seed=self.seed, epoch=epoch, indices=indices, fill=self.fill,
        )  # fmt: skip
        return {"pixel_values": pixels, "labels": self.labels[indices]}
