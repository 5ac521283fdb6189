"""How often which class was taken for which, in numbers and as a picture.

torchmetrics counts and draws. The same counts give the same bytes: a picture holds no date.
"""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bloomery.core.errors import CapabilityMissing

PICTURES = ("png", "svg")


def check_metrics() -> None:
    """Raises: CapabilityMissing where torchmetrics is not installed."""
    try:
        import torchmetrics  # noqa: F401
    except ImportError as error:
        raise CapabilityMissing(
            "judging a classifier needs the package 'torchmetrics': pip install 'bloomery[vision]'"
        ) from error


class Judge:
    """Counts answers batch by batch.

    Shapes: logits (B, C), labels (B,)
    """

    def __init__(self, classes: int) -> None:
        check_metrics()
        from torchmetrics import MetricCollection
        from torchmetrics.classification import MulticlassAccuracy, MulticlassConfusionMatrix

        self.counts: Any = MetricCollection(
            {
                "accuracy": MulticlassAccuracy(classes, average="micro"),
                "by_class": MulticlassAccuracy(classes, average=None),
                "confusion": MulticlassConfusionMatrix(classes),
            },
            compute_groups=False,
        )
        self.seen = 0

    def see(self, logits: Tensor, labels: Tensor) -> None:
        """Raises: ValueError for logits that are no numbers: no class is the largest of them."""
        if not bool(torch.isfinite(logits).all()):
            raise ValueError("logits are not finite; an answer cannot be read from them")
        if len(labels):
            self.counts.update(logits.argmax(dim=1), labels)
            self.seen += len(labels)

    def verdict(self) -> dict[str, Any]:
        """Accuracy, that of each class (none where the class was not seen), and rows of truth by answers.

        Raises: ValueError where nothing was seen.
        """
        if not self.seen:
            raise ValueError("no answer was seen; there is nothing to judge")
        found = self.counts.compute()
        rows = found["confusion"].tolist()
        correct = sum(row[place] for place, row in enumerate(rows))
        return {
            "accuracy": correct / self.seen,
            "correct": correct,
            "total": self.seen,
            "by_class": [
                share if sum(row) else None
                for share, row in zip(found["by_class"].tolist(), rows, strict=True)
            ],
            "confusion": rows,
        }


def draw(rows: Sequence[Sequence[int]], names: Sequence[str], title: str, folder: Path) -> None:
    """Writes `confusion.png` and `confusion.svg` into the folder."""
    check_metrics()
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from torchmetrics.utilities.plot import plot_confusion_matrix

    with rc_context({"svg.hashsalt": "confusion", "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(7, 7), dpi=100)
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", "__array__", DeprecationWarning
            )  # a tensor, given to matplotlib
            plot_confusion_matrix(torch.tensor(rows), ax=axes, labels=list(names), cmap="Blues")
        axes.set_title(title)
        for kind in PICTURES:
            metadata = {"Date": None} if kind == "svg" else {"Software": None}
            figure.savefig(folder / f"confusion.{kind}", metadata=metadata, bbox_inches="tight")
