"""Strategies compared: each in a run of its own, on the same tasks, budget and frozen noise."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from bloomery.core.errors import UserError
from bloomery.diffusion.buffer.trajectories import TrajectoryBuffer

from .adapt import adapt
from .adapted import Adapted
from .budget import Budget
from .reporting import Report
from .saving import Keeping
from .strategies import Strategy
from .tasks import Task


def compare(
    model: nn.Module,
    buffer: TrajectoryBuffer,
    tasks: Task | Sequence[Task],
    budget: Budget,
    arms: Mapping[str, Sequence[Strategy]],
    *,
    keep: Keeping | None = None,
    **told: Any,
) -> dict[str, tuple[Adapted, Report]]:
    """What each set of strategies makes of the same model. Each may spend the whole budget.

    `told` is what `adapt` is told besides.
    """
    if not arms:
        raise UserError("a comparison takes 1 set of strategies or more")
    return {
        name: adapt(
            model, buffer, tasks, budget, strategies=strategies, keep=keep.of(name) if keep else None, **told
        )
        for name, strategies in arms.items()
    }
