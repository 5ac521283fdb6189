"""A regression small enough to train to the bit in milliseconds, with what makes resuming hard: dropout."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from bloomery.training.config import LossResult, TrainConfig, TrainResult
from bloomery.training.loop import loader_for, train
from bloomery.training.muon_grokfast import MuonGrokfast
from bloomery.training.presets import MuonGrokfastConfig
from bloomery.training.schedules import cosine, warm_up


def squared_error(model: nn.Module, batch: dict[str, torch.Tensor]) -> LossResult:
    error = model(batch["x"]) - batch["y"]
    return LossResult((error**2).mean(), {"absolute": error.abs().mean()})


def examples(count: int = 40) -> list[dict[str, torch.Tensor]]:
    generator = torch.Generator().manual_seed(1)
    xs = torch.randn(count, 6, generator=generator)
    return [{"x": x, "y": torch.tanh(x[:1] - x[1:2] * x[2:3])} for x in xs]


def network(dropout: float = 0.2) -> nn.Module:
    torch.manual_seed(2)
    return nn.Sequential(
        nn.Linear(6, 16), nn.GELU(), nn.Dropout(dropout), nn.Linear(16, 8), nn.GELU(), nn.Linear(8, 1)
    )


@dataclass
class Regression:
    """One way to train: same model, data and optimizer every time it is run."""

    config: TrainConfig = field(
        default_factory=lambda: TrainConfig(
            steps=12,
            micro_batch=4,
            accumulate=3,
            checkpoint_every=4,
            report_every=5,
            evaluate_every=3,
            device="cpu",
        )
    )
    model: nn.Module = field(default_factory=network)
    reported: dict[tuple[str, int], float] = field(default_factory=dict)

    def sink(self, name: str, value: float, step: int) -> None:
        self.reported[name, step] = value

    def train(self, folder: Path | None = None, **options: Any) -> TrainResult:
        config = replace(self.config, **options.pop("config", {}))
        self.optimizer = options.pop("optimizer", None) or MuonGrokfast(
            self.model, MuonGrokfastConfig(lr=0.02)
        )
        self.batches = options.pop("batches", None) or loader_for(examples(), config)
        defaults = {"loss": squared_error, "schedule": warm_up(cosine(9), 3)}
        return train(
            self.model,
            self.batches,
            optimizer=self.optimizer,
            config=config,
            checkpoint=folder,
            **defaults | options,
        )


@pytest.fixture
def regression() -> type[Regression]:
    return Regression
