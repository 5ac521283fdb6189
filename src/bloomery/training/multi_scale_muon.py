"""Multi-scale momentum Muon (M3): a fast and a slow momentum, orthogonalised, over the root of squares."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, overload

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from .multi_scale_settings import Keeping, M3Config
from .muon_grokfast import matrices_decay, split_parameters
from .preconditioning import newton_schulz

__all__ = ["M3", "M3Config", "kept", "m3_update", "two_memories", "two_memories_as_printed"]
Memories = tuple[Tensor, Tensor, Tensor]


def two_memories(
    memories: Memories, gradient: Tensor, step: int, betas: tuple[float, float], every: int
) -> Memories:
    """fast + beta_1 g; and, each `every` steps, slow + beta_2 (the sum of g since the last time).

    Memories are fast, slow and the window's sum so far; `step` counts from 1.

    Source: hope eq. 75 (algorithm)
    """
    fast, slow, window = memories
    fast, window = fast + betas[0] * gradient, window + gradient
    if step % every:
        return fast, slow, window
    return fast, slow + betas[1] * window, torch.zeros_like(window)


def two_memories_as_printed(
    memories: Memories, gradient: Tensor, step: int, betas: tuple[float, float], every: int
) -> Memories:
    """As `two_memories` with the slow memory subtracting, so that the two point apart.

    Source: hope eq. 75 (printed)
    """
    fast, slow, window = memories
    fast, window = fast + betas[0] * gradient, window + gradient
    if step % every:
        return fast, slow, window
    return fast, slow - betas[1] * window, torch.zeros_like(window)


def kept(memory: Tensor, new: Tensor, beta: float, keeping: Keeping) -> Tensor:
    """memory + beta new, or the running average beta memory + (1 - beta) new.

    Source: hope eq. M3.3, M3.7, M3.8
    """
    return memory + beta * new if keeping == "sums" else beta * memory + (1 - beta) * new


def m3_update(
    fast: Tensor, second: Tensor, slow_direction: Tensor, alpha: float, ns_steps: int, eps: float
) -> Tensor:
    """(NewtonSchulz(M1) + alpha O2) / (sqrt(V) + eps): the direction that lr scales.

    Source: hope eq. M3.10
    """
    return (newton_schulz(fast, ns_steps) + alpha * slow_direction) / (second.sqrt() + eps)


class M3(Optimizer):
    """Steps hidden matrices by two orthogonalised momenta, and what else there is by AdamW.

    The slow momentum gathers the gradients of `every` steps and is used from the next step on: it reaches
    back to what the fast one has forgotten. Takes a model or groups `{"m3": [...], "adamw": [...]}`, m3's
    all matrices. One state: `state_dict` is that of any torch optimizer.

    With `keeping="sums"`, as printed, nothing decays: V grows as in AdaGrad and steps shrink as 1 / sqrt(t).
    "averages" keeps running means with Adam's correction of their beginning.

    Source: arXiv 2512.24695 (Nested Learning), algorithm 1
    Differs: the window is the last `every` gradients, where the printed sum has one more; embeddings, heads
    and vectors, for which no orthogonalisation is defined, take AdamW's step.
    """

    def __init__(
        self, model: nn.Module | Mapping[str, Iterable[Any]], config: M3Config | None = None
    ) -> None:
        self.config = config or M3Config()
        groups = _groups(model)
        matrices = groups.get("m3", [])
        for shape in (tuple((one[1] if isinstance(one, tuple) else one).shape) for one in matrices):
            if len(shape) != 2:
                raise ValueError(f"M3 orthogonalises matrices; got a parameter of shape {shape}")
        members: list[dict[str, Any]] = []
        if matrices:
            members.append({"params": matrices, "kind": "m3", "lr": self.config.lr})
        self._adamw = _adamw(groups.get("adamw", []), self.config)
        if self._adamw is not None:
            members += self._adamw.param_groups
        super().__init__(members, {})

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            if group["kind"] == "m3":
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        self._step(parameter, group["lr"])
        if self._adamw is not None:
            self._adamw.state = self.state
            self._adamw.param_groups = [group for group in self.param_groups if group["kind"] == "adamw"]
            self._adamw.step()
        return loss

    def _step(self, parameter: Tensor, lr: float) -> None:
        c, state, gradient = self.config, self.state[parameter], parameter.grad
        assert gradient is not None
        if not state:
            state["step"] = 0
            for name in ("fast", "second", "slow", "window", "slow_direction"):
                state[name] = torch.zeros_like(parameter)
        if state["step"] and state["step"] % c.every == 0:
            state["slow"] = kept(state["slow"], state["window"], c.betas[2], c.keeping)
            state["slow_direction"] = newton_schulz(state["slow"], c.ns_steps)
            state["window"] = torch.zeros_like(parameter)
        state["step"] += 1
        state["fast"] = kept(state["fast"], gradient, c.betas[0], c.keeping)
        state["second"] = kept(state["second"], gradient * gradient, c.betas[1], c.keeping)
        state["window"] = state["window"] + gradient
        begun = 1 - c.betas[1] ** state["step"] if c.keeping == "averages" else 1.0
        update = m3_update(
            state["fast"], state["second"] / begun, state["slow_direction"], c.alpha, c.ns_steps, c.eps
        )
        parameter.mul_(1 - lr * c.weight_decay).add_(update, alpha=-lr)


def _groups(model: nn.Module | Mapping[str, Iterable[Any]]) -> dict[str, list[Any]]:
    if isinstance(model, nn.Module):
        split = split_parameters(model)
        return {"m3": list(split["muon"]), "adamw": list(split["adamw"])}
    unknown = set(model) - {"m3", "adamw"}
    if unknown:
        raise ValueError(f"M3 knows the groups m3 and adamw, got {sorted(unknown)}")
    return {name: list(members) for name, members in model.items()}


def _adamw(members: list[Any], config: M3Config) -> AdamW | None:
    groups = matrices_decay(members, config.weight_decay)
    if not groups:
        return None
    lr = config.lr if config.adamw_lr is None else config.adamw_lr
    return AdamW([{**one, "kind": "adamw"} for one in groups], lr=lr, betas=(0.9, 0.95))
