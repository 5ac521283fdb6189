"""How much is tried: counts, never seconds, so that a busy machine decides nothing."""

from dataclasses import dataclass
from typing import Literal

from bloomery.core.errors import UnknownName

Effort = Literal["quick", "standard", "thorough"]


@dataclass(frozen=True)
class Budget:
    """`cases`: drawn for each function at first; then `rounds` of `varied` cases near what is not yet told
    apart; `judges`: cases tried on one mutant in a round; `mutants`: at most so many of the module."""

    cases: int
    rounds: int
    varied: int
    judges: int
    mutants: int


BUDGETS: dict[Effort, Budget] = {
    "quick": Budget(30, 2, 60, 30, 200),
    "standard": Budget(60, 6, 160, 50, 600),
    "thorough": Budget(140, 16, 320, 100, 2000),
}


def budget(effort: Effort) -> Budget:
    """Raises: UnknownName."""
    if effort not in BUDGETS:
        raise UnknownName("effort", effort, BUDGETS)
    return BUDGETS[effort]
