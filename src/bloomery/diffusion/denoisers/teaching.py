"""The loss of a process as `fitting` takes it; conditions are left out at times, for guidance by them."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from bloomery.core.errors import UserError
from bloomery.diffusion.processes.process import Process

Batch = Mapping[str, Tensor]
Loss = Callable[[nn.Module, Any, torch.Generator], Tensor]  # net, batch, generator -> (B,)
OF_PROCESS = ("weight", "mask")  # what of a batch the process takes; the rest is the net's


def process_loss(process: Process, *, drop: float = 0.0) -> Loss:
    """A process' loss on batches of `x` and whatever else goes to the process or, by its name, to the net.

    In the share `drop` of the examples nothing of the condition is seen, and so the net learns to do without.

    Shapes: a batch's entries (B, ...)
    Source: arXiv 2207.12598 (classifier-free guidance), algorithm 1
    """
    if not 0 <= drop <= 1:
        raise UserError(f"conditions are dropped in a share of the examples from 0 to 1; got {drop}")

    def loss(net: nn.Module, batch: Batch, generator: torch.Generator) -> Tensor:
        given = {name: value for name, value in batch.items() if name not in ("x", *OF_PROCESS)}
        if drop and "condition" in given:
            given["condition_seen"] = _seen(given, drop, generator)
        taken = {name: batch[name] for name in OF_PROCESS if name in batch}
        return process.loss(partial(net, **given), batch["x"], generator, **taken)

    return loss


def _seen(given: Batch, drop: float, generator: torch.Generator) -> Tensor:
    """What is seen of each condition, nothing in some. Shapes: -> (B, C)"""
    condition = given["condition"]
    there = given.get("condition_seen")
    if there is None:
        count = condition.shape[1] if condition.dim() == 3 or not condition.is_floating_point() else 1
        there = torch.ones(len(condition), count, dtype=torch.bool, device=condition.device)
    kept = torch.rand(len(condition), 1, generator=generator, device=generator.device) >= drop
    return there & kept.to(there.device)
