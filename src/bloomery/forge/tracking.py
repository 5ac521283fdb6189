"""Metrics to TensorBoard, Weights & Biases or Trackio, beside the catalog: one run there for each step."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, get_args

from bloomery.core.errors import CapabilityMissing, UnknownName
from bloomery.core.run import Sink
from bloomery.training.errors import PackageMissing
from bloomery.training.trackers import TensorBoard, Tracker, Trackio, WeightsAndBiases

TrackerName = Literal["tensorboard", "wandb", "trackio"]


@contextmanager
def tracking(kind: str | None, folder: Path, project: str) -> Iterator[Sink | None]:
    """A sink that sends every metric to a tracker as well; None tracks nothing.

    Each step is a run of its own, because trackers want an index that only grows. Files go below `folder`;
    Weights & Biases stays offline (`wandb sync` sends it).

    Raises: UnknownName; CapabilityMissing where the tracker's package is not installed.
    """
    if kind is None:
        yield None
        return
    if kind not in _OPEN:
        raise UnknownName("tracker", kind, get_args(TrackerName))
    trackers: dict[str, Tracker] = {}

    def sink(step: str, metric: str, value: float, index: int) -> None:
        if step not in trackers:
            _close(trackers)
            trackers[step] = _opened(kind, folder, project, step)
        trackers[step](metric, value, index)

    try:
        yield sink
    finally:
        _close(trackers)


def _opened(kind: str, folder: Path, project: str, step: str) -> Tracker:
    try:
        return _OPEN[kind](folder, project, step)
    except PackageMissing as missing:
        raise CapabilityMissing(str(missing)) from missing


def _close(trackers: dict[str, Tracker]) -> None:
    for tracker in trackers.values():
        tracker.close()
    trackers.clear()


_OPEN: dict[str, Callable[[Path, str, str], Tracker]] = {
    "tensorboard": lambda folder, project, step: TensorBoard(folder / "tensorboard" / project / step),
    "wandb": lambda folder, project, step: WeightsAndBiases(folder, project=project, name=step),
    "trackio": lambda folder, project, step: Trackio(project=project, name=step),
}
