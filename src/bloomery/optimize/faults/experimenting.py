"""One version of a module under all faults that can strike it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

from bloomery.core.errors import Failure, UserError
from bloomery.optimize.faults.executing import Subject, Trial, execute, subject
from bloomery.optimize.faults.finding import found_scenarios, test_files
from bloomery.optimize.faults.judging import judged
from bloomery.optimize.faults.schedule import (
    STEPS,
    Fault,
    Scenario,
    Schedule,
    pairs,
    smaller,
    spread,
    thinned,
)
from bloomery.optimize.faults.sighting import Kind, Sighting
from bloomery.optimize.faults.steadying import Effort, Prepared, prepare, renamed
from bloomery.optimize.faults.weakness import Weakness

USUAL = Effort()
SHRINKS = 24
LIMITED = 2
"""Calls of a scenario that are made with hardly any memory."""
WIDE = 1_000_000
"""A place of a thread's fault is the number of the call times this, and the operation in it."""
Seen = tuple[Prepared, Trial, Sighting]


@dataclass
class Experiment:
    """One version of a module with its scenarios in their steady state."""

    root: Path
    tests: tuple[str, ...]
    which: Subject
    prepared: list[Prepared]
    left_out: list[str]
    effort: Effort
    seed: int
    tried: int = 0

    @cached_property
    def found(self) -> tuple[Weakness, ...]:
        """Each weakness once for each scenario and function, under the smallest schedule."""
        kept: dict[tuple[str, Kind, str], Weakness] = {}
        for one, trial, sighting in self.sightings():
            key = (one.scenario.name, sighting.kind, sighting.function)
            if key not in kept:
                schedule = self._shrunk(one, trial.schedule, sighting)
                kept[key] = self._weakness(one.scenario, schedule, sighting)
        return tuple(kept.values())

    def shows(self, weakness: Weakness) -> bool:
        """Whether the same schedule breaks the same here."""
        known = [one for one in self.prepared if one.scenario.name == weakness.scenario.name]
        seen = self.tried_on([(one, weakness.schedule) for one in known]) if weakness.schedule else ()
        return any(sighting.kind == weakness.kind for _, _, sighting in seen)

    def _weakness(self, scenario: Scenario, schedule: Schedule, sighting: Sighting) -> Weakness:
        return Weakness(
            sighting.kind,
            self.which.path,
            sighting.function,
            sighting.line,
            sighting.said,
            scenario,
            schedule,
            sighting.call,
        )

    def sightings(self) -> Iterator[Seen]:
        for one in self.prepared:
            yield from (
                (one, Trial(one.scenario), seen) for seen in judged(one.steady, one.steady.record, ())
            )
        planned = [(one, schedule) for one in self.prepared for schedule in self.schedules(one)]
        yield from self.tried_on(planned)

    def schedules(self, one: Prepared) -> list[Schedule]:
        rng = Random(f"{self.seed} {one.scenario.name}")
        singles = sorted(thinned(one.crossings), key=lambda schedule: schedule[0].seam == "memory")
        threads = [
            (Fault("thread", "comes between", at * WIDE + point),)
            for at, count in one.operations.items()
            for point in spread(count, self.effort.points, rng)
        ]
        calls = range(min(len(one.steady.record["calls"]), LIMITED))
        threads += [(Fault("limit", "address space", at),) for at in calls]
        drawn = list(pairs(one.crossings, rng, self.effort.pairs))
        return [*singles[: self.effort.schedules], *threads, *drawn]

    def trial(self, one: Prepared, schedule: Schedule) -> Trial:
        if schedule and schedule[0].seam == "thread":
            return Trial(
                one.scenario, schedule, intruded=schedule[0].at // WIDE, intrude=schedule[0].at % WIDE
            )
        return Trial(one.scenario, schedule)

    def tried_on(self, planned: Sequence[tuple[Prepared, Schedule]]) -> Iterator[Seen]:
        """Raises: Failure where the sandbox ended a run before its trials were done."""
        trials = [self.trial(one, schedule) for one, schedule in planned]
        ran = execute(self.which, trials, limits=self.effort.limits)
        self.tried += len(ran.records)
        if ran.trouble:
            raise Failure(f"{self.which.path}: {ran.trouble}")
        for (one, schedule), trial, record in zip(planned, trials, ran.records, strict=True):
            if record.get("killed"):
                record.update(_where_killed(one, schedule))
            yield from ((one, trial, sighting) for sighting in judged(one.steady, record, schedule))

    def _shrunk(self, one: Prepared, schedule: Schedule, sighting: Sighting) -> Schedule:
        """The smallest schedule that shows the same; single faults are the smallest as they are found."""
        if len(schedule) < 2:
            return schedule
        for _ in range(SHRINKS):
            for less in smaller(schedule):
                if any(other.kind == sighting.kind for _, _, other in self.tried_on([(one, less)])):
                    schedule = less
                    break
            else:
                break
        return schedule


def _where_killed(one: Prepared, schedule: Schedule) -> dict[str, Any]:
    """The place of the step that a kill came before, and the call that it ended."""
    changing = [at for at, crossing in enumerate(one.crossings) if crossing.seam in STEPS]
    step = next(fault.at for fault in schedule if fault.seam == "step")
    at = changing[min(step, len(changing) - 1)]
    calls = [n for n, call in enumerate(one.steady.record["calls"]) if call["crossed"] <= at]
    crossing = one.crossings[at]
    return {
        "where": (crossing.function.partition(".<locals>")[0], crossing.line),
        "call": max(calls, default=0),
    }


def experiment(
    root: Path,
    path: str,
    *,
    scenarios: Sequence[Scenario] = (),
    tests: Sequence[str] = (),
    seed: int = 0,
    effort: Effort = USUAL,
    texts: Mapping[str, str] | None = None,
) -> Experiment:
    """The scenarios brought to their steady state; `texts` stand in the place of files of the repository."""
    if not path.endswith(".py") or not (root / path).is_file():
        raise UserError(f"{path}: a Python file of {root} was expected")
    named = test_files(root, path, tests)
    which = subject(root, path, named, dict(texts or {}))
    chosen = list(scenarios) or found_scenarios(which, named, effort.limits)
    prepared, left_out = prepare(which, renamed(chosen), effort) if chosen else ([], ["no scenario"])
    return Experiment(root, tuple(tests), which, prepared, left_out, effort, seed)
