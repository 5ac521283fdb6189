"""What one training run does, and the moving picture of it that callbacks see. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How a model is trained. An optimizer step sees micro_batch * accumulate examples on each process."""

    steps: int = field(metadata={"help": "optimizer steps", "low": 1})
    micro_batch: int = field(default=16, metadata={"help": "examples in one forward pass", "low": 1})
    accumulate: int = field(default=1, metadata={"help": "forward passes in an optimizer step", "low": 1})
    clip_norm: float | None = field(
        default=1.0, metadata={"help": "largest norm of the whole gradient; empty: no clipping", "low": 0.0}
    )
    precision: Literal["fp32", "bf16", "fp16"] = field(
        default="fp32", metadata={"help": "arithmetic of the forward pass; weights stay as they are"}
    )
    device: Literal["auto", "cpu", "cuda"] = field(
        default="auto", metadata={"help": "where to train; auto: a GPU if there is one"}
    )
    report_every: int = field(
        default=10, metadata={"help": "optimizer steps between metric reports", "low": 1}
    )
    evaluate_every: int = field(
        default=0, metadata={"help": "optimizer steps between validations; 0: at the end only", "low": 0}
    )
    checkpoint_every: int = field(
        default=100, metadata={"help": "optimizer steps between checkpoints; 0: at the end only", "low": 0}
    )
    keep_checkpoints: int = field(default=2, metadata={"help": "checkpoints kept; 0: all", "low": 0})
    gradient_checkpointing: bool = field(
        default=False, metadata={"help": "recompute activations in the backward pass: less memory, more time"}
    )
    compile: bool = field(default=False, metadata={"help": "torch.compile; on a CPU it needs a C++ compiler"})
    compile_backend: str = field(default="inductor", metadata={"help": "what torch.compile compiles with"})
    workers: int = field(default=0, metadata={"help": "processes that load data", "low": 0})
    pin_memory: bool = field(default=False, metadata={"help": "page-locked batches, faster to copy to a GPU"})
    seed: int = field(default=0, metadata={"help": "seed of the data order and of dropout", "low": 0})


@dataclass(frozen=True)
class LossResult:
    """The loss of a micro-batch and what else is worth reporting; every value is a mean over its targets."""

    loss: Tensor
    metrics: Mapping[str, Tensor | float] = field(default_factory=dict)


@dataclass
class Progress:
    """Where a run stands. Callbacks read it, and set `stopped` to a reason to end the run at this step."""

    steps: int
    step: int = 0
    targets: int = 0  # learned from so far, over all processes
    loss: float = float("nan")  # of the last step
    metrics: dict[str, float] = field(default_factory=dict)  # means since the report before
    validation: dict[str, float] = field(default_factory=dict)
    lowest: dict[str, float] = field(default_factory=dict)  # of each validation metric
    highest: dict[str, float] = field(default_factory=dict)
    stopped: str = ""
    overflows: int = 0  # fp16 steps passed over in a row
    sums: dict[str, list[float]] = field(default_factory=dict)  # since the report: [sum, steps]
    checkpoint: Path | None = None

    def add(self, values: Mapping[str, float]) -> None:
        """Counts one step's values towards the next report."""
        for name, value in values.items():
            total, steps = self.sums.get(name, [0.0, 0])
            self.sums[name] = [total + value, steps + 1]

    def report(self, *, learning_rate: float) -> None:
        """Makes the means since the last report, and the current rate, the current metrics."""
        self.metrics = {name: total / steps for name, (total, steps) in self.sums.items()}
        self.metrics["learning_rate"] = learning_rate
        self.sums = {}

    def validated(self, values: Mapping[str, float]) -> None:
        """Records a validation, and with it the extremes of each metric among numbers."""
        self.validation = dict(values)
        for name, value in values.items():
            if not math.isnan(value):
                self.lowest[name] = min(value, self.lowest.get(name, value))
                self.highest[name] = max(value, self.highest.get(name, value))

    def state_dict(self) -> dict[str, Any]:
        saved = {name: value for name, value in vars(self).items() if name not in ("steps", "checkpoint")}
        return saved | {"stopped": "" if self.stopped == "requested" else self.stopped}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)


@dataclass(frozen=True)
class TrainResult:
    """How a run ended. `stopped` is "finished", "requested" or a callback's reason."""

    steps: int
    last_loss: float
    lowest: dict[str, float]
    highest: dict[str, float]
    stopped: str
    targets: int
    validation: dict[str, float]
    checkpoint: Path | None
    resumed_from: int
    skipped_checkpoints: tuple[str, ...]
