"""What is said of a trial, and what a trial is held to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

Kind = Literal[
    "never ends", "swallowed", "wrong value", "torn file", "left behind", "leak", "unusable afterwards",
    "masked", "unvalidated", "clock", "race", "gives up at once",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)
ADVICE: frozenset[Kind] = frozenset({"gives up at once"})
"""What is no weakness, but could be better."""
Record = Mapping[str, Any]
Where = tuple[str, int]


@dataclass(frozen=True)
class Sighting:
    """An invariant that did not hold in one trial; `function` and `line`: where the fault struck.

    `call`: the function that was called from outside.
    """

    kind: Kind
    function: str
    line: int
    said: str
    call: str = ""


@dataclass(frozen=True)
class Steady:
    """The scenario without a fault; `again`: by call, the same with that call made twice; `restarted`: run
    once more by a new process. `unstable`: calls, `fleeting`: files that are another each time."""

    record: Record
    again: Mapping[int, Record]
    restarted: Record | None
    unstable: frozenset[int] = frozenset()
    fleeting: frozenset[str] = frozenset()
