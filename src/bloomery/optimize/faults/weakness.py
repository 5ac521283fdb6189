"""A weakness: what broke, the smallest schedule under which it did, and a program that shows it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from bloomery.optimize.faults.schedule import Fault, Scenario, Schedule
from bloomery.optimize.faults.sighting import ADVICE, Kind


@dataclass(frozen=True)
class Weakness:
    """`function`, `line`: where the fault strikes in the module under test; `call`: what was called."""

    kind: Kind
    path: str
    function: str
    line: int
    said: str
    scenario: Scenario
    schedule: Schedule
    call: str = ""

    @property
    def program(self) -> str:
        """A small program that shows it; run in the root of the repository."""
        return "\n".join((
            "from pathlib import Path",
            "",
            "from bloomery.optimize.faults import Fault, Scenario, replay",
            "",
            f"scenario = {_scenario(self.scenario)}",
            f"faults = ({''.join(f'{_fault(one)}, ' for one in self.schedule)})",
            f"for sighting in replay(Path(), {self.path!r}, scenario, faults):",
            "    print(sighting)",
            "",
        ))  # fmt: skip

    def __str__(self) -> str:
        when = " and ".join(map(str, self.schedule)) or "no fault at all"
        return f"{self.path}:{self.line}: {self.kind}: in {self.function}, under {when}: {self.said}"


def _fault(fault: Fault) -> str:
    later = ", lasting=True" if fault.lasting else ""
    return f"Fault({fault.seam!r}, {fault.kind!r}, {fault.at}{later})"


def _scenario(scenario: Scenario) -> str:
    given = [repr(scenario.name)]
    for name in ("text", "files", "answers", "test"):
        value = getattr(scenario, name)
        given += (
            [f"{name}={value if isinstance(value, str) else dict(value)!r}"]
            if value and name != "text"
            else []
        )
        given += [f"text={value!r}"] if value and name == "text" else []
    return f"Scenario({', '.join(given)})"


@dataclass(frozen=True)
class Weaknesses:
    """What broke, and how much was looked at: `schedules` tried, `crossings` of seams in the steady state.

    `left_out` says of scenarios why they could not be used. Iterating gives the weaknesses, not the advice.
    """

    found: tuple[Weakness, ...]
    scenarios: int
    crossings: int
    schedules: int
    left_out: tuple[str, ...] = field(default=())

    @property
    def advice(self) -> tuple[Weakness, ...]:
        """What is no weakness, but could be better: one lost answer of the network ends the call."""
        return tuple(one for one in self.found if one.kind in ADVICE)

    def __iter__(self) -> Iterator[Weakness]:
        return (one for one in self.found if one.kind not in ADVICE)

    def __len__(self) -> int:
        return sum(1 for _ in self)
