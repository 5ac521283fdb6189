"""Deep supervision as TRM has it: a grid stays in the batch, with its state, until it halts or is over."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from bloomery.models.deep_recursion import State
from bloomery.models.modeling_trm import TinyRecursionModel, solved
from bloomery.training.callbacks import Callback
from bloomery.training.config import LossResult

Rows = dict[str, Tensor]


class DeepSupervision(Callback):
    """A loss that is one supervision step; the optimizer steps between it and the next.

    A grid whose halting logit is above 0, or that had `most` steps, makes room for the batch's in its row. A
    share of `exploration` may halt only from a drawn step on: without that, no late step would be learned
    from once the first ones are right. What is carried on is part of a checkpoint.

    Source: arXiv 2510.04871 (TRM), section 2.4 and figure 3
    Differs: rows of a batch go on by themselves, and some have to, as in the released code.
    """

    def __init__(self, most: int, exploration: float) -> None:
        self.most, self.exploration = most, exploration
        self.carried: Rows = {}

    def __call__(self, model: nn.Module, batch: Mapping[str, Tensor]) -> LossResult:
        assert isinstance(model, TinyRecursionModel)
        rows = self._rows(model, batch)
        state = State(rows["answer"], rows["latent"])
        output = model(rows["input_ids"], labels=rows["labels"], state=state, supervision_steps=1)
        taken = rows["taken"] + 1
        halted = (output.halt_logits.detach() > 0) & (taken >= self._least(taken))
        self.carried = {
            "input_ids": rows["input_ids"], "labels": rows["labels"], "answer": output.answer,
            "latent": output.latent, "taken": taken, "done": halted | (taken >= self.most),
        }  # fmt: skip
        right = solved(output.logits.detach(), rows["labels"]).float().mean()
        return LossResult(output.loss, {"solved": right, "halted": halted.float().mean()})

    def _least(self, taken: Tensor) -> Tensor:
        """The step from which each row may halt, by torch's generator, whose state a checkpoint holds."""
        drawn = torch.randint(1, self.most + 1, taken.shape)
        return torch.where(torch.rand(taken.shape) < self.exploration, drawn, 1).to(taken.device)

    def _rows(self, model: TinyRecursionModel, batch: Mapping[str, Tensor]) -> Rows:
        """What goes on, and where something was done the batch's, from the beginning."""
        fresh = {name: batch[name] for name in ("input_ids", "labels")}
        state = model.begin(len(fresh["labels"])).detach()
        fresh |= {
            "answer": state.answer, "latent": state.latent,
            "taken": torch.zeros_like(fresh["labels"][:, 0]),
        }  # fmt: skip
        if not self.carried:
            return fresh
        carried = {name: tensor.to(fresh["labels"].device) for name, tensor in self.carried.items()}
        done = carried.pop("done")
        return {
            name: torch.where(done.view(-1, *[1] * (now.ndim - 1)), fresh[name], now)
            for name, now in carried.items()
        }

    def state_dict(self) -> dict[str, Any]:
        return {"carried": self.carried}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.carried = dict(state["carried"])
