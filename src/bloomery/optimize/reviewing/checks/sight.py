"""What a check is shown."""

from dataclasses import dataclass
from pathlib import Path

from bloomery.optimize.reviewing.change import Change
from bloomery.optimize.reviewing.sides import Sides


@dataclass(frozen=True)
class Sight:
    """`coverage`: a file that coverage.py wrote, where one is named or found."""

    change: Change
    sides: Sides
    coverage: Path | None
