"""What is timed: calls whose arguments are expressions, so that every execution gets fresh, equal ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bloomery.optimize.equivalence.trials import Step, call_text


@dataclass(frozen=True)
class Call:
    """`function` as its module names it (`Queue.pop`: the first value is the object).

    `given`: a name (or "" for a place) and an expression, which may use the names of the module.
    """

    function: str
    given: tuple[tuple[str, str], ...] = ()

    @property
    def step(self) -> Step:
        lets = tuple((f"a{at}", text) for at, (_, text) in enumerate(self.given))
        return Step(
            lets, call_text(self.function, [(key, f"a{at}") for at, (key, _) in enumerate(self.given)])
        )

    def to_plain(self) -> Mapping[str, Any]:
        return {"function": self.function, "given": [list(pair) for pair in self.given]}


@dataclass(frozen=True)
class Workload:
    """Calls that are executed one after another and timed together; `source`: where they come from.

    `spare`: to be timed only where there is nothing better: too short to be measured well, or made up of
    inputs that nobody may ever have. `made`: nobody called it so, the inputs are made up.
    """

    name: str
    calls: tuple[Call, ...]
    source: str = "given"
    spare: bool = False
    made: bool = False

    def __str__(self) -> str:
        count = f"{len(self.calls)} calls" if len(self.calls) > 1 else "1 call"
        return f"{self.name} ({count}, {self.source})"
