"""Metric sinks beside the caller's own: TensorBoard, Weights & Biases, Trackio. Each package is optional."""

from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Literal, Protocol, Self

from .errors import PackageMissing


class Tracker(Protocol):
    """A sink for numbers; close it when the run is over. Usable in a `with` block."""

    def __call__(self, name: str, value: float, step: int) -> None: ...

    def close(self) -> None: ...


class _Closing:
    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class TensorBoard(_Closing):
    """Event files under `folder`."""

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise PackageMissing("tensorboard", "the TensorBoard tracker") from error
        self._writer: Any = SummaryWriter(str(folder))

    def __call__(self, name: str, value: float, step: int) -> None:
        self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        self._writer.close()


class WeightsAndBiases(_Closing):
    """A W&B run under `folder`; `offline` sends nothing (`wandb sync` does it later)."""

    def __init__(
        self,
        folder: Path,
        *,
        project: str,
        name: str,
        mode: Literal["offline", "online", "disabled"] = "offline",
    ) -> None:
        wandb = _package("wandb", "the Weights & Biases tracker")
        folder.mkdir(parents=True, exist_ok=True)
        self._run: Any = wandb.init(dir=str(folder), project=project, name=name, mode=mode)

    def __call__(self, name: str, value: float, step: int) -> None:
        self._run.log({name: value}, step=step)

    def close(self) -> None:
        self._run.finish()


class Trackio(_Closing):
    """A Trackio run, kept in Trackio's local database (its folder is TRACKIO_DIR)."""

    def __init__(self, *, project: str, name: str) -> None:
        self._trackio: Any = _package("trackio", "the Trackio tracker")
        self._trackio.init(project=project, name=name, embed=False)

    def __call__(self, name: str, value: float, step: int) -> None:
        self._trackio.log({name: value}, step=step)

    def close(self) -> None:
        self._trackio.finish()


def _package(name: str, purpose: str) -> ModuleType:
    try:
        return __import__(name)
    except ImportError as error:
        raise PackageMissing(name, purpose) from error
