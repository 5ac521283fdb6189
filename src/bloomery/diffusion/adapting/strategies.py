"""How a round makes candidates and what it learns of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal, get_args

from bloomery.core.config import option
from bloomery.core.errors import UnknownName, UserError

Arm = Literal["gradient", "memory", "hybrid"]


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """One way through a round.

    gradient: candidates of the net, guided by reward; the best fine-tune it, beside real data.
    memory: candidates grow out of remembered ones; the best are remembered; weights stay as they are.
    hybrid: candidates grow out of remembered ones, are remembered, and fine-tune the net.
    """

    arm: Arm = option("gradient", help="gradient, memory or hybrid")
    scale: float = option(0.0, help="guidance, in deviations of the reward; 0: none", low=0.0)
    eta: float | None = option(None, help="share of fresh noise in a step; empty: the process's own")
    n: int = option(64, help="candidates a task", low=2)
    steps: int = option(16, help="sampling steps", low=1)

    def __post_init__(self) -> None:
        if self.arm not in get_args(Arm):
            raise UnknownName("arm", self.arm, get_args(Arm))
        if self.scale < 0 or not 0 <= (self.eta or 0) <= 1 or self.n < 2 or self.steps < 1:
            raise UserError(f"scale >= 0, eta from 0 to 1, n >= 2, steps >= 1; got {self}")

    @property
    def learns(self) -> bool:
        """Whether weights change."""
        return self.arm != "memory"

    @property
    def remembers(self) -> bool:
        return self.arm != "gradient"

    def __str__(self) -> str:
        eta = "" if self.eta is None else f" eta={self.eta:g}"
        return f"{self.arm} scale={self.scale:g}{eta} n={self.n} steps={self.steps}"


def grid(
    arms: Sequence[Arm] = get_args(Arm),
    scales: Sequence[float] = (0.0, 1.0),
    etas: Sequence[float | None] = (None,),
    counts: Sequence[int] = (64,),
    steps: Sequence[int] = (16,),
) -> tuple[Strategy, ...]:
    """All combinations, for the bandit to choose among."""
    return tuple(
        Strategy(arm=arm, scale=scale, eta=eta, n=n, steps=step)
        for arm, scale, eta, n, step in product(arms, scales, etas, counts, steps)
    )
