"""What a paper states: a number or a learning curve, and what measures it here."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from bloomery.core.config import option
from bloomery.core.errors import ConfigError

CLAIM_ID = r"[a-z0-9]+(?:[._-][a-z0-9]+)*"
FUNCTION = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*"
Direction = Literal["higher", "lower"]


@dataclass(frozen=True, kw_only=True)
class Point:
    """A point of a learning curve."""

    at: float = option(help="the step, epoch or other abscissa")
    value: float = option(help="the metric there")


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A number, or a curve, that the paper states, and what measures it here."""

    id: str = option(help="lower case, unique in the paper")
    value: float | None = option(None, help="the number; without it a curve is needed")
    metric: str = option(help="what is measured")
    direction: Direction = option(help="what is better: higher or lower")
    unit: str = option("", help="of the number")
    tolerance: float = option(
        0.1, help="largest relative deviation that counts as reproduced", low=0.0, high=1.0
    )
    source: str = option(help="where the paper states it: Table 3, row LMM")
    conditions: str = option("", help="under which it holds")
    scale: Literal["paper", "ours"] = option("paper", help="whose size of model and data the number is of")
    command: str | tuple[str, ...] = option("", help="module:function, or the words of a command line")
    result: str = option("", help="the JSON file that the command writes, relative to the repository")
    curve: tuple[Point, ...] = option((), help="the points of a learning curve")
    data: tuple[str, ...] = option((), help="names of the data sets that it needs")
    budget_min: float | None = option(None, help="minutes that measuring it may take", low=0.0)
    not_reproduced: str = option("", help="why it is not measured here")

    def __post_init__(self) -> None:
        if not re.fullmatch(CLAIM_ID, self.id):
            raise ConfigError(f"the claim id '{self.id}' is not lower case with dashes; write lmm-perplexity")
        if self.value is None and not self.curve:
            raise ConfigError(
                f"the claim '{self.id}' states neither a value nor a curve; write what it claims"
            )
        for name in ("metric", "source"):
            if not getattr(self, name).strip():
                raise ConfigError(f"the {name} of claim '{self.id}' is empty; a claim states its {name}")
        self._check_command()
        places = [point.at for point in self.curve]
        if places != sorted(set(places)):
            raise ConfigError(f"the curve of claim '{self.id}' does not ascend: {places}; sort its points")

    def _check_command(self) -> None:
        if isinstance(self.command, str):
            if self.command and not re.fullmatch(FUNCTION, self.command):
                raise ConfigError(
                    f"the command of claim '{self.id}' is '{self.command}', expected module:function "
                    "or a list of words"
                )
        elif not self.command or not self.result:
            raise ConfigError(f"the command line of claim '{self.id}' needs words and a result file to read")
        if self.result and not stays_inside(self.result):
            raise ConfigError(f"the result of claim '{self.id}' leaves the repository: {self.result}")

    @property
    def function(self) -> tuple[str, str] | None:
        """Module and name where the command is a function."""
        if isinstance(self.command, str) and self.command:
            module, _, name = self.command.partition(":")
            return module, name
        return None


def stays_inside(path: str) -> bool:
    """Whether a relative path leads nowhere out of the folder that it is relative to."""
    pure = PurePosixPath(path)
    return not pure.is_absolute() and ".." not in pure.parts
