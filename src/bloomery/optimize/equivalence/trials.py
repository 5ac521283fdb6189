"""What is to be done with a function: steps that bind values and evaluate one call, grouped in trials."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

Lets = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Step:
    """`loose`: outside of what the annotations allow; `hold`: a stream that comes back is left alone."""

    lets: Lets
    call: str
    loose: bool = False
    hold: bool = False

    def to_plain(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def length(self) -> int:
        return len(self.call) + sum(len(text) for _, text in self.lets)


@dataclass(frozen=True)
class Trial:
    """Steps that share one process; `memory` and `time_s` are what it may use on top of the bare process.

    `recorded`: they are calls from running tests, which may show a difference and prove nothing.
    """

    id: int
    steps: tuple[Step, ...]
    time_s: float = 1.5
    memory: int = 192 * 2**20
    recorded: bool = False

    def to_plain(self) -> dict[str, Any]:
        plain = {**asdict(self), "steps": [step.to_plain() for step in self.steps]}
        del plain["recorded"]  # no concern of the code that is tried
        return plain

    @property
    def length(self) -> int:
        return sum(step.length + 20 for step in self.steps)


def heavy(step: Step) -> bool:
    """Whether it may take long: then it gets a process of its own."""
    texts = [step.call, *(text for _, text in step.lets)]
    return any(mark in text for text in texts for mark in ("**", "* 400", "700", "1500", "often", "000"))


def grouped(steps: Iterable[Step], *, size: int = 12, first_id: int = 0) -> list[Trial]:
    """Trials of up to `size` steps, the heavy ones alone and last."""
    steps = list(dict.fromkeys(steps))
    light = [step for step in steps if not heavy(step)]
    groups = [tuple(light[at : at + size]) for at in range(0, len(light), size)]
    groups += [(step,) for step in steps if heavy(step)]
    return [Trial(first_id + at, group) for at, group in enumerate(groups)]


def numbered(trials: Sequence[Trial]) -> list[Trial]:
    return [replace(trial, id=at) for at, trial in enumerate(trials)]


def call_text(function: str, names: Iterable[tuple[str, str]]) -> str:
    """`f(a0, k=a1)`; of each pair the first is the keyword or empty."""
    return f"{function}({', '.join(f'{key}={name}' if key else name for key, name in names)})"
