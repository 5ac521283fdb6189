"""What became of mutants: which test noticed which."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bloomery.core.evidence import State
from bloomery.source.mutating.mutants import Mutant
from bloomery.source.outcomes import Outcome, outcomes


@dataclass(frozen=True)
class Kill:
    """A test that noticed a mutant: by a failed check, an exception, a limit of time, or a crash."""

    test: str
    how: Literal["check", "exception", "time", "crash"]
    message: str


@dataclass(frozen=True)
class Trial:
    """One mutant and who noticed it. `not_run` says why in `reason`; so does a survivor that nothing runs."""

    mutant: Mutant
    state: Literal["killed", "survived", "not_run"]
    kills: tuple[Kill, ...] = ()
    tests: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class KillTable:
    """The mutants of one function. `excluded`: tests that do not pass on the function as it is.

    `own_process`: why each mutant had a process of its own; empty where they shared one.
    """

    path: Path
    function: str
    tests: tuple[str, ...]
    excluded: tuple[Outcome, ...]
    trials: tuple[Trial, ...]
    own_process: str = ""

    @property
    def killed(self) -> tuple[Trial, ...]:
        return tuple(trial for trial in self.trials if trial.state == "killed")

    @property
    def survivors(self) -> tuple[Trial, ...]:
        return tuple(trial for trial in self.trials if trial.state == "survived")

    def state(self, operators: Collection[str]) -> State:
        """Whether of each operator that has mutants here one was killed; `not_run` where none has any."""
        known = {trial.mutant.operator for trial in self.trials if trial.state != "not_run"}
        killed = {trial.mutant.operator for trial in self.killed}
        asked = known & set(operators)
        if not asked:
            return State.NOT_RUN
        return State.PASSED if asked <= killed else State.FAILED

    def killed_by(self, test: str) -> tuple[Mutant, ...]:
        """The mutants that one test noticed: all it can notice only where the table is full."""
        return tuple(t.mutant for t in self.trials if any(kill.test == test for kill in t.kills))


def judged(mutant: Mutant, judges: tuple[str, ...], events: Sequence[Mapping[str, Any]]) -> Trial:
    kills = list(_kills(events))
    ran = tuple(dict.fromkeys(event["node"] for event in events if event["event"] == "started"))
    if kills:
        return Trial(mutant, "killed", tuple(kills), ran)
    passed = {one.node for one in outcomes(events) if one.status == "passed"}
    unsure = [test for test in judges if test not in passed]
    if unsure:
        return Trial(mutant, "not_run", (), ran, f"neither passed nor failed: {', '.join(unsure)}")
    return Trial(mutant, "survived", (), ran)


def _kills(events: Sequence[Mapping[str, Any]]) -> Iterator[Kill]:
    for one in outcomes(events):
        if one.status in {"failed", "error"}:
            first = (one.reason.strip().splitlines() or [one.raised])[0]
            yield Kill(one.node, "check" if one.checked else "exception", first)
    for event in events:
        if event["event"] == "not collected":
            last = event["text"].strip().splitlines()[-1]
            yield Kill(event["node"], "exception", f"the file no longer imports: {last}")
        elif event["event"] == "ended" and event["by"] == "time":
            yield Kill(event["node"], "time", "it did not come to an end within its time limit")
        elif event["event"] == "ended":
            yield Kill(event["node"], "crash", f"its process ended with status {event['code']}")
