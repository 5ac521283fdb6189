"""The numbers of M3. Imports no torch."""

from dataclasses import dataclass, field
from typing import Literal

Keeping = Literal["sums", "averages"]


@dataclass(frozen=True, kw_only=True)
class M3Config:
    """What M3's steps are made of."""

    lr: float = field(default=1e-3, metadata={"help": "learning rate", "low": 0.0})
    betas: tuple[float, float, float] = field(
        default=(0.9, 0.95, 0.9), metadata={"help": "of the fast momentum, the squares, the slow momentum"}
    )
    alpha: float = field(
        default=0.5, metadata={"help": "weight of the slow momentum's direction", "low": 0.0}
    )
    every: int = field(
        default=16, metadata={"help": "steps from one update of the slow momentum to the next", "low": 1}
    )
    ns_steps: int = field(default=10, metadata={"help": "cubic Newton-Schulz steps", "low": 1, "high": 99})
    eps: float = field(default=1e-8, metadata={"help": "added to the root of the squares", "low": 0.0})
    keeping: Keeping = field(default="sums", metadata={"help": "sums, as printed, or running averages"})
    weight_decay: float = field(default=0.0, metadata={"help": "decoupled, of matrices", "low": 0.0})
    adamw_lr: float | None = field(
        default=None, metadata={"help": "rate of what is no hidden matrix; empty: lr", "low": 0.0}
    )

    def __post_init__(self) -> None:
        if self.every < 1 or self.ns_steps < 1:
            raise ValueError(f"every {self.every} and ns_steps {self.ns_steps} must each be at least 1")
        if not all(0 < beta < 1 for beta in self.betas):
            raise ValueError(f"betas are {self.betas}; each must lie between 0 and 1")
