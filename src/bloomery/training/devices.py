"""Where and in which precision a step is computed: one device here, many in `accelerated.py`."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from .config import TrainConfig

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Backend(Protocol):
    """What the loop asks of the machine. Sums are over all processes."""

    device: torch.device
    rank: int
    world: int

    def prepare(self, model: nn.Module, optimizer: Optimizer) -> tuple[nn.Module, Optimizer]: ...
    def plain(self, model: nn.Module) -> nn.Module: ...
    def forward(self) -> AbstractContextManager[Any]: ...
    def accumulating(self, model: nn.Module) -> AbstractContextManager[Any]: ...
    def backward(self, loss: Tensor) -> None: ...
    def clip(self, model: nn.Module, optimizer: Optimizer, norm: float) -> Tensor: ...
    def step(self, optimizer: Optimizer) -> bool: ...
    def sum(self, values: list[float]) -> list[float]: ...
    def state_dict(self, model: nn.Module, optimizer: Optimizer) -> dict[str, Any]: ...
    def load_state_dict(self, model: nn.Module, optimizer: Optimizer, state: Mapping[str, Any]) -> None: ...
    def wait(self) -> None: ...


class OneDevice:
    """One CPU or one GPU. fp16 scales the loss; on a CPU it runs, but slower than fp32: prefer bf16 there."""

    rank = 0
    world = 1

    def __init__(self, config: TrainConfig) -> None:
        self.device = torch.device(pick_device(config.device))
        self.dtype = DTYPES.get(config.precision)
        scaled = config.precision == "fp16"
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=scaled)

    def prepare(self, model: nn.Module, optimizer: Optimizer) -> tuple[nn.Module, Optimizer]:
        return model.to(self.device), optimizer

    def plain(self, model: nn.Module) -> nn.Module:
        return model

    def forward(self) -> AbstractContextManager[Any]:
        return torch.autocast(self.device.type, self.dtype) if self.dtype else nullcontext()

    def accumulating(self, model: nn.Module) -> AbstractContextManager[Any]:
        return nullcontext()

    def backward(self, loss: Tensor) -> None:
        self.scaler.scale(loss).backward()

    def clip(self, model: nn.Module, optimizer: Optimizer, norm: float) -> Tensor:
        """Scales the gradient to at most `norm`, returns its norm; one that is not finite is left alone."""
        self.scaler.unscale_(optimizer)
        parameters = [p for p in model.parameters() if p.grad is not None]
        total = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
        if bool(total.isfinite()):
            nn.utils.clip_grads_with_norm_(parameters, norm, total)
        return total

    def step(self, optimizer: Optimizer) -> bool:
        """Steps; False when fp16 overflowed and the scaler passed the step over."""
        before = self.scaler.get_scale()
        self.scaler.step(optimizer)
        self.scaler.update()
        return self.scaler.get_scale() >= before

    def sum(self, values: list[float]) -> list[float]:
        return values

    def state_dict(self, model: nn.Module, optimizer: Optimizer) -> dict[str, Any]:
        return {
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "random": [random_state(self.device)],
        }

    def load_state_dict(self, model: nn.Module, optimizer: Optimizer, state: Mapping[str, Any]) -> None:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        if self.scaler.is_enabled() and state["scaler"]:  # empty where it was written in another precision
            self.scaler.load_state_dict(state["scaler"])
        restore_random_state(self.device, state["random"][0])

    def wait(self) -> None:
        return None


def pick_device(name: str) -> str:
    """The device that a name means here.

    Raises: ValueError when a GPU is asked for and there is none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("device is 'cuda' and torch sees no GPU; set device to 'auto' or 'cpu'")
    return ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name


def random_state(device: torch.device) -> dict[str, Tensor]:
    """The global generators that dropout draws from."""
    state = {"cpu": torch.get_rng_state()}
    return state | ({"cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else {})


def restore_random_state(device: torch.device, state: Mapping[str, Tensor]) -> None:
    """Takes up what `random_state` gave; a checkpoint of another kind of device restores what both have."""
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)
