"""Why no model answered.

UserError
├── NoModel        none is configured, or none that is fit for this task
└── BudgetSpent    there are models, and the budget covers a call of none of them
Failure
└── NoAnswer       models were asked, and none gave an answer in form
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bloomery.core.errors import Failure, UserError


@dataclass(frozen=True)
class Refusal:
    """A model that gave no answer, and why; holds no key."""

    model: str
    why: str

    def __str__(self) -> str:
        return f"{self.model}: {self.why}"


class NoModel(UserError):
    """No language model is configured; everything that works without one goes on."""


class BudgetSpent(UserError):
    """What is left of a budget covers no call to any model that is fit."""


class NoAnswer(Failure):
    """Every model that was tried failed; `refusals` says how."""

    def __init__(self, purpose: str, refusals: Sequence[Refusal]) -> None:
        self.refusals = tuple(refusals)
        super().__init__(f"no language model answered '{purpose}': {'; '.join(map(str, refusals))}")
