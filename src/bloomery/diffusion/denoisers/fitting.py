"""Fitting a net to data by any loss: the training loop, averaged weights, and a run that may be killed."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from bloomery.core.config import option
from bloomery.core.errors import Failure, UserError
from bloomery.training.callbacks import AverageWeights, Callback, Metrics, MetricSink
from bloomery.training.config import LossResult, Progress, TrainConfig, TrainResult
from bloomery.training.errors import CheckpointDamaged, CheckpointRefused, DivergenceError, OutOfMemory
from bloomery.training.loader import Dataset, Loader
from bloomery.training.loop import loader_for, train
from bloomery.training.muon_grokfast import matrices_decay
from bloomery.training.schedules import ScheduleConfig, build_schedule

from .teaching import Loss

Tell = Callable[[int, int, str], None]  # steps done, steps in all, loss and time left
Validate = Callable[[nn.Module], Mapping[str, float]]


@dataclass(frozen=True, kw_only=True)
class FittingConfig:
    """How a denoiser is fitted."""

    loop: TrainConfig = option(help="steps, batches, precision, checkpoints, seed")
    schedule: ScheduleConfig = option(factory=ScheduleConfig, help="how the learning rate moves")
    lr: float = option(2e-4, help="learning rate of AdamW", low=0.0)
    betas: tuple[float, float] = option((0.9, 0.999), help="decays of AdamW's two moments")
    weight_decay: float = option(0.0, help="decay of matrices, as a share of the rate", low=0.0)
    average: float = option(0.999, help="decay of the averaged weights; 0: the last ones", low=0.0, high=1.0)


class Rows:
    """Tensors of equal length, by rows; a batch is gathered at once, not row by row."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        lengths = {name: len(tensor) for name, tensor in tensors.items()}
        if len(set(lengths.values())) != 1:
            raise UserError(f"the tensors of a data set have one length; got {lengths or 'none'}")
        self.tensors, self.length = dict(tensors), next(iter(lengths.values()))

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: Any, /) -> Any:
        return index

    def gathered(self, indices: list[int]) -> dict[str, Tensor]:
        return {name: tensor[indices] for name, tensor in self.tensors.items()}


class WarmAverage(AverageWeights):
    """An average that forgets the first weights: after n steps it reaches back no further than about n / 9.

    Source: the decay min(d, (1 + n) / (10 + n)) of TensorFlow's and diffusers' moving averages
    """

    def __init__(self, decay: float) -> None:
        super().__init__(decay)
        self.most = decay

    def on_step(self, model: nn.Module, progress: Progress) -> None:
        self.decay = min(self.most, (1 + progress.step) / (10 + progress.step))
        super().on_step(model, progress)


class TimeLeft(Callback):
    """Tells how far a run is, its loss, and how long the rest takes at the pace of this process so far."""

    def __init__(self, tell: Tell, clock: Callable[[], float] = time.monotonic) -> None:
        self.tell, self.clock = tell, clock
        self.began, self.first = 0.0, 0

    def on_start(self, model: nn.Module, progress: Progress) -> None:
        self.began, self.first = self.clock(), progress.step
        self.tell(progress.step, progress.steps, "")

    def on_step(self, model: nn.Module, progress: Progress) -> None:
        pace = (self.clock() - self.began) / (progress.step - self.first)
        left = readable(pace * (progress.steps - progress.step))
        self.tell(progress.step, progress.steps, f"loss {progress.loss:.4g}, {left} left")


def fit(
    net: nn.Module,
    data: Loader | Dataset | Mapping[str, Tensor],
    loss: Loss,
    config: FittingConfig,
    *,
    folder: Path | None = None,
    progress: Tell | None = None,
    metric: MetricSink | None = None,
    validate: Validate | None = None,
    callbacks: Sequence[Callback] = (),
    should_stop: Callable[[], bool] | None = None,
    optimizer: Optimizer | None = None,
) -> TrainResult:
    """Train `net` in place on the mean of `loss` over each batch; it ends with its averaged weights.

    With a `folder` a run that was killed goes on from its last checkpoint and ends with the same bits.
    `validate` sees the averaged weights. `loss` draws from the generator it is given, which checkpoints hold.
    `optimizer`: instead of AdamW with the config's rate, decays and betas.
    When `should_stop` says so the run ends early, `stopped` is "requested", and another call goes on.

    Raises: UserError or Failure for what training.errors tells.
    """
    loop, average = config.loop, WarmAverage(config.average)
    told = [Metrics(metric or _nobody), TimeLeft(progress or _nobody)]  # always: a checkpoint names them
    averaging = [average] if config.average else []
    try:
        result = train(
            net,
            _loader(data, loop),
            optimizer=optimizer or _adamw(net, config),
            config=loop,
            schedule=build_schedule(config.schedule, loop.steps),
            loss=lambda net, batch: LossResult(loss(net, batch, torch.default_generator).mean()),
            validate=_averaged(validate, average) if validate and config.average else validate,
            callbacks=[*averaging, *told, *callbacks],
            checkpoint=folder,
            should_stop=should_stop,
        )
    except (DivergenceError, OutOfMemory, CheckpointDamaged, CheckpointRefused) as error:
        kind = UserError if getattr(error, "exit_code", 1) == UserError.exit_code else Failure
        raise kind(str(error)) from error
    if config.average:
        _take(net, average.average)
    net.eval()
    return result


def readable(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def _loader(data: Loader | Dataset | Mapping[str, Tensor], loop: TrainConfig) -> Loader:
    if isinstance(data, Loader):
        return data
    if not isinstance(data, Mapping):
        return loader_for(data, loop)
    rows = Rows(data)
    return loader_for(rows, loop, collate=rows.gathered)


def _adamw(net: nn.Module, config: FittingConfig) -> AdamW:
    weights = [p for p in net.parameters() if p.requires_grad]
    return AdamW(matrices_decay(weights, config.weight_decay), lr=config.lr, betas=config.betas)


def _nobody(*_: object) -> None:
    return None


def _averaged(validate: Validate, average: AverageWeights) -> Validate:
    def validated(net: nn.Module) -> Mapping[str, float]:
        with average.applied(net):
            return validate(net)

    return validated


@torch.no_grad()
def _take(net: nn.Module, weights: Mapping[str, Tensor]) -> None:
    for name, parameter in net.named_parameters():
        parameter.copy_(weights[name])
