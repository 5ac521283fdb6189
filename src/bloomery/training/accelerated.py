"""Many devices by `accelerate launch`: DDP or FSDP, behind the same loop."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.checkpoint import state_dict as gathered
from torch.optim import Optimizer

from .config import TrainConfig
from .devices import random_state, restore_random_state
from .errors import PackageMissing

MIXED = {"fp32": "no", "bf16": "bf16", "fp16": "fp16"}
WHOLE = gathered.StateDictOptions(full_state_dict=True, cpu_offload=True)


class Accelerated:
    """The processes that `accelerate launch` (or `torchrun`) started; one process without them.

    Checkpoints hold the whole model, written by the first process; they resume with as many processes as
    wrote them. Differs: with FSDP, MuonGrokfast is refused (a shard of a matrix cannot be orthogonalised
    alone); use it with DDP.
    """

    def __init__(self, config: TrainConfig) -> None:
        try:
            from accelerate import Accelerator
        except ImportError as error:
            raise PackageMissing("accelerate", "training on many devices") from error
        self.accelerator = Accelerator(
            mixed_precision=MIXED[config.precision],
            cpu=config.device == "cpu",
            step_scheduler_with_optimizer=False,
        )
        self.device: torch.device = self.accelerator.device
        self.rank: int = self.accelerator.process_index
        self.world: int = self.accelerator.num_processes

    @property
    def sharded(self) -> bool:
        return bool(self.accelerator.distributed_type == "FSDP")

    def prepare(self, model: nn.Module, optimizer: Optimizer) -> tuple[nn.Module, Optimizer]:
        if self.sharded and any(group.get("kind") == "muon" for group in optimizer.param_groups):
            raise ValueError(
                "Muon cannot step a sharded matrix: with FSDP take torch.optim.AdamW, or launch DDP"
            )
        prepared = self.accelerator.prepare(model, optimizer)
        return prepared[0], prepared[1]

    def plain(self, model: nn.Module) -> nn.Module:
        return model if self.sharded else self.accelerator.unwrap_model(model)

    def forward(self) -> AbstractContextManager[Any]:
        return self.accelerator.autocast()

    def accumulating(self, model: nn.Module) -> AbstractContextManager[Any]:
        return self.accelerator.no_sync(model)

    def backward(self, loss: Tensor) -> None:
        self.accelerator.backward(loss)

    def clip(self, model: nn.Module, optimizer: Optimizer, norm: float) -> Tensor:
        clipped = self.accelerator.clip_grad_norm_(model.parameters(), norm)
        return clipped.full_tensor() if hasattr(clipped, "full_tensor") else clipped

    def step(self, optimizer: Optimizer) -> bool:
        optimizer.step()
        return not self.accelerator.optimizer_step_was_skipped

    def sum(self, values: list[float]) -> list[float]:
        if self.world == 1 or not values:
            return values
        return self.accelerator.reduce(torch.tensor(values, dtype=torch.float64, device=self.device)).tolist()

    def state_dict(self, model: nn.Module, optimizer: Optimizer) -> dict[str, Any]:
        scaler = self.accelerator.scaler
        weights, memory = self._states(model, optimizer)
        return {
            "model": weights,
            "optimizer": memory,
            "scaler": scaler.state_dict() if scaler is not None else {},
            "random": self._everyones_random_state(),
        }

    def load_state_dict(self, model: nn.Module, optimizer: Optimizer, state: Mapping[str, Any]) -> None:
        if self.sharded:
            plain = getattr(optimizer, "optimizer", optimizer)
            gathered.set_model_state_dict(model, state["model"], options=WHOLE)
            gathered.set_optimizer_state_dict(model, plain, state["optimizer"], options=WHOLE)
        else:
            self.plain(model).load_state_dict(state["model"])
            optimizer.load_state_dict(state["optimizer"])
        if self.accelerator.scaler is not None and state["scaler"]:
            self.accelerator.scaler.load_state_dict(state["scaler"])
        restore_random_state(self.device, state["random"][self.rank])

    def wait(self) -> None:
        self.accelerator.wait_for_everyone()

    def _states(self, model: nn.Module, optimizer: Optimizer) -> tuple[dict[str, Any], dict[str, Any]]:
        if not self.sharded:
            return self.plain(model).state_dict(), optimizer.state_dict()
        plain = getattr(optimizer, "optimizer", optimizer)
        return (
            gathered.get_model_state_dict(model, options=WHOLE),
            gathered.get_optimizer_state_dict(model, plain, options=WHOLE),
        )

    def _everyones_random_state(self) -> list[dict[str, Tensor]]:
        mine = random_state(self.device)
        rows = {
            name: self.accelerator.gather(value.to(self.device)[None]).cpu() for name, value in mine.items()
        }
        return [{name: row[rank].clone() for name, row in rows.items()} for rank in range(self.world)]
