"""What validation says of a change."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from bloomery.core.evidence import Evidence, State

Level = Literal["basic", "standard", "strict", "paranoid"]
LEVELS: tuple[Level, ...] = get_args(Level)


@dataclass(frozen=True)
class Verdict:
    """The evidence of every check that the level asks for, in the order in which they were made.

    `suggestions` says by the name of a check what would mend its failure. `claims` are checks that decide
    nothing about correctness but about whether the goal is reached (faster, smaller), by name. `lacking`:
    checks that were not run since something is not installed; another run could say more.
    """

    level: Level
    evidence: tuple[Evidence, ...]
    suggestions: Mapping[str, str] = field(default_factory=dict)
    claims: frozenset[str] = frozenset()
    lacking: frozenset[str] = frozenset()

    @property
    def sound(self) -> bool:
        """Whether every required check passed, those of the goal aside; what was not run is no pass."""
        return bool(self.evidence) and all(
            one.state is State.PASSED
            for one in self.evidence
            if one.required and one.check not in self.claims
        )

    @property
    def accepted(self) -> bool:
        """Sound, and the goal is reached: every claim was measured and passed."""
        claimed = [self.of(claim) for claim in self.claims]
        return self.sound and all(one is not None and one.state is State.PASSED for one in claimed)

    def of(self, check: str) -> Evidence | None:
        """The evidence of one check, if it was made."""
        return next((one for one in self.evidence if one.check == check), None)
