"""What may happen between optimizer steps. A callback with memory saves it with the checkpoint."""

import copy
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import save_model
from torch import Tensor, nn

from .config import Progress

MetricSink = Callable[[str, float, int], None]


class Callback:
    """Does nothing; override what you need."""

    def on_start(self, model: nn.Module, progress: Progress) -> None:
        """Before the first step of this process, after a checkpoint was loaded."""

    def on_step(self, model: nn.Module, progress: Progress) -> None:
        """After every optimizer step."""

    def on_report(self, model: nn.Module, progress: Progress) -> None:
        """Every `report_every` steps, with the means since the last time in `progress.metrics`."""

    def on_evaluate(self, model: nn.Module, progress: Progress) -> None:
        """After a validation, with its outcome in `progress.validation`."""

    def on_checkpoint(self, path: Path, progress: Progress) -> None:
        """After a checkpoint was written (in the main process)."""

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes up what `state_dict` gave."""


class Metrics(Callback):
    """Sends every reported number to a sink as (name, value, step).

    A run that was killed reports again the steps since its last checkpoint, with the same values.
    """

    def __init__(self, sink: MetricSink, *, prefix: str = "") -> None:
        self.sink = sink
        self.prefix = prefix

    def on_report(self, model: nn.Module, progress: Progress) -> None:
        self._send("train/", progress.metrics, progress.step)

    def on_evaluate(self, model: nn.Module, progress: Progress) -> None:
        self._send("validation/", progress.validation, progress.step)

    def _send(self, kind: str, metrics: dict[str, float], step: int) -> None:
        for name, value in metrics.items():
            self.sink(f"{self.prefix}{kind}{name}", value, step)


class ShowProgress(Callback):
    """Tells a callable (done, total, text) after every step."""

    def __init__(self, tell: Callable[[int, int, str], None]) -> None:
        self.tell = tell

    def on_start(self, model: nn.Module, progress: Progress) -> None:
        self.tell(progress.step, progress.steps, "")

    def on_step(self, model: nn.Module, progress: Progress) -> None:
        self.tell(progress.step, progress.steps, f"loss {progress.loss:.4f}")


class EarlyStopping(Callback):
    """Ends the run after `patience` validations in a row that did not better `metric` by `min_delta`."""

    def __init__(
        self, metric: str, *, patience: int, mode: Literal["min", "max"] = "min", min_delta: float = 0.0
    ) -> None:
        self.metric = metric
        self.patience = patience
        self.sign = {"min": 1.0, "max": -1.0}[mode]
        self.min_delta = min_delta
        self.best: float | None = None
        self.waited = 0

    def on_evaluate(self, model: nn.Module, progress: Progress) -> None:
        value = self.sign * _of(progress.validation, self.metric)
        if value < (math.inf if self.best is None else self.best - self.min_delta):  # never for nan
            self.best, self.waited = value, 0
            return
        self.waited += 1
        if self.waited >= self.patience:
            progress.stopped = f"{self.metric} did not improve in {self.waited} validations"

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "waited": self.waited}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.best, self.waited = state["best"], state["waited"]


class KeepBest(Callback):
    """Keeps the weights of the best validation so far in `path` (safetensors), replaced atomically."""

    def __init__(self, path: Path, metric: str, *, mode: Literal["min", "max"] = "min") -> None:
        self.path = path
        self.metric = metric
        self.sign = {"min": 1.0, "max": -1.0}[mode]
        self.best: float | None = None

    def on_evaluate(self, model: nn.Module, progress: Progress) -> None:
        value = self.sign * _of(progress.validation, self.metric)
        if not value < (math.inf if self.best is None else self.best):  # so for nan
            return
        self.best = value
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        save_model(model, str(temporary))
        temporary.replace(self.path)

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.best = state["best"]


class AverageWeights(Callback):
    """An exponential moving average of the weights; `applied` puts it in the model for a while."""

    def __init__(self, decay: float = 0.999) -> None:
        self.decay = decay
        self.average: dict[str, Tensor] = {}

    def on_start(self, model: nn.Module, progress: Progress) -> None:
        if not self.average:
            self.average = {name: p.detach().clone() for name, p in model.named_parameters()}
        self.average = {name: self.average[name].to(p.device) for name, p in model.named_parameters()}

    @torch.no_grad()
    def on_step(self, model: nn.Module, progress: Progress) -> None:
        for name, parameter in model.named_parameters():
            self.average[name].lerp_(parameter.detach(), 1 - self.decay)

    @contextmanager
    def applied(self, model: nn.Module) -> Iterator[nn.Module]:
        """The model with averaged weights inside the block, with its own after it."""
        own = {name: p.detach().clone() for name, p in model.named_parameters()}
        try:
            self._put(model, self.average)
            yield model
        finally:
            self._put(model, own)

    @torch.no_grad()
    def _put(self, model: nn.Module, weights: dict[str, Tensor]) -> None:
        for name, parameter in model.named_parameters():
            parameter.copy_(weights[name])

    def state_dict(self) -> dict[str, Any]:
        return {"average": self.average}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.average = copy.copy(state["average"])


def _of(validation: dict[str, float], metric: str) -> float:
    if metric not in validation:
        raise KeyError(f"the validation gives {sorted(validation)}, not '{metric}'")
    return validation[metric]
