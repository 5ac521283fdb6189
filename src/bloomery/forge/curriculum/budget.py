"""Training tokens, counted as they are drawn, and a training that ends when they are spent."""

from typing import Any

import torch
from torch import nn

from bloomery.tasks.batches import Row
from bloomery.training.callbacks import Callback
from bloomery.training.config import Progress
from bloomery.training.loader import Dataset


class Counted(torch.utils.data.Dataset[Row]):
    """Another data set, and how many tokens, without padding, were drawn from it."""

    def __init__(self, inner: Dataset) -> None:
        self.inner, self.tokens = inner, 0

    def __len__(self) -> int:
        return len(self.inner)

    def __getitem__(self, index: int) -> Row:
        drawn: Row = self.inner[index]
        self.tokens += int(drawn["attention_mask"].sum())
        return drawn


class Budget(Callback):
    """Ends the training once `most` tokens were drawn; None counts them only."""

    def __init__(self, data: Counted, most: int | None = None) -> None:
        self.data, self.most = data, most

    def on_step(self, model: nn.Module, progress: Progress) -> None:
        if self.most is not None and self.data.tokens >= self.most and not progress.stopped:
            progress.stopped = f"{self.most} tokens are spent"

    def state_dict(self) -> dict[str, Any]:
        return {"tokens": self.data.tokens}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.data.tokens = state["tokens"]
