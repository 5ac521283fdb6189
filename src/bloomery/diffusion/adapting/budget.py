"""What an adaptation may cost, in passes of single examples through the net, and what it has cost."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from bloomery.core.config import option
from bloomery.core.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Budget:
    """No more than `passes` are made. A time ends the loop between rounds, and decides nothing else."""

    passes: int = option(help="forward passes of one example, all in all", low=1)
    rounds: int = option(8, help="rounds at most", low=1)
    patience: int = option(3, help="rolled-back rounds in a row that end it", low=1)
    seconds: float | None = option(None, help="no round begins after this time; empty: no limit", low=0.0)

    def __post_init__(self) -> None:
        if min(self.passes, self.rounds, self.patience) < 1:
            raise UserError(f"passes, rounds and patience are 1 or more; got {self}")


@dataclass
class Spent:
    """Forward passes of one example each; those of training have a backward pass too."""

    generated: int = 0
    trained: int = 0
    control: int = 0
    judged: int = 0

    @property
    def total(self) -> int:
        return self.generated + self.trained + self.control + self.judged


class Metered:
    """A net that counts the examples it sees."""

    def __init__(self, net: Callable[..., Tensor]) -> None:
        self.net, self.examples = net, 0

    def __call__(self, x: Tensor, t: Tensor, **given: Any) -> Tensor:
        self.examples += len(x)
        return self.net(x, t, **given)
