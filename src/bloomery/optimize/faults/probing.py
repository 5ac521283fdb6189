"""The experiment of chaos engineering, for one module: steady state, fault, probe, rollback.

Source: Basiri et al. 2016, "Chaos Engineering", IEEE Software 33(3): a hypothesis about the steady state,
real-world events, experiments that run by themselves and leave nothing behind. Differs: the system is a
function in a sandbox, so every single fault at every seam that it crosses can be tried, in order, and the
smallest is found by construction; two faults at once are drawn and shrunk.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from bloomery.core.errors import Failure, UserError
from bloomery.optimize.faults.executing import Subject, Trial, execute, subject
from bloomery.optimize.faults.finding import found_scenarios, test_files
from bloomery.optimize.faults.judging import judged
from bloomery.optimize.faults.schedule import (
    STEPS,
    Crossing,
    Fault,
    Scenario,
    Schedule,
    pairs,
    single,
    smaller,
)
from bloomery.optimize.faults.sighting import Kind, Sighting
from bloomery.optimize.faults.steadying import Effort, Prepared, prepare, renamed
from bloomery.optimize.faults.weakness import Weakness, Weaknesses

USUAL = Effort()
SHRINKS = 24
Seen = tuple[Prepared, Trial, Sighting]


@dataclass
class Experiment:
    """One version of a module with its scenarios in their steady state."""

    which: Subject
    prepared: list[Prepared]
    left_out: list[str]
    effort: Effort
    seed: int
    tried: int = 0
    _kept: dict[tuple[str, Kind, str], Weakness] = field(default_factory=dict)

    def look(self) -> Iterator[Weakness]:
        """Each weakness once for each function, under the smallest schedule."""
        for one, trial, sighting in self.sightings():
            key = (one.scenario.name, sighting.kind, sighting.function)
            if key not in self._kept:
                schedule = self._shrunk(one, trial.schedule, sighting)
                self._kept[key] = self._weakness(one.scenario, schedule, sighting)
                yield self._kept[key]

    def _weakness(self, scenario: Scenario, schedule: Schedule, sighting: Sighting) -> Weakness:
        return Weakness(
            sighting.kind,
            self.which.path,
            sighting.function,
            sighting.line,
            sighting.said,
            scenario,
            schedule,
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
        singles = thinned(one.crossings)
        threads = [
            (Fault("thread", "comes between", at * WIDE + point),)
            for at, count in one.operations.items()
            for point in spread(count, self.effort.points, rng)
        ]
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


WIDE = 1_000_000
"""A place of a thread's fault is the number of the call times this, and the operation in it."""


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


def thinned(crossings: Sequence[Crossing]) -> list[Schedule]:
    """Of faults of one kind that strike on one line, the first, the second and the last."""
    groups: dict[tuple[str, str, str, int, bool], list[Schedule]] = {}
    places = {(one.seam, one.number): (one.function, one.line) for one in crossings}
    changing = [one for one in crossings if one.seam in STEPS]
    for schedule in single(crossings):
        fault = schedule[0]
        step = changing[fault.at] if fault.seam == "step" else None
        place = (step.function, step.line) if step else places[fault.seam, fault.at]
        groups.setdefault((fault.seam, fault.kind, *place, fault.lasting), []).append(schedule)
    kept = [list(dict.fromkeys([*group[:2], group[-1]])) for group in groups.values()]
    return [schedule for group in kept for schedule in group]


def spread(count: int, most: int, rng: Random) -> list[int]:
    """Places among `count`, all of them where that is allowed."""
    return list(range(count)) if count <= most else sorted(rng.sample(range(count), most))


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
    return Experiment(which, prepared, left_out, effort, seed)


def probe(
    root: Path,
    path: str,
    *,
    scenarios: Sequence[Scenario] = (),
    tests: Sequence[str] = (),
    seed: int = 0,
    effort: Effort = USUAL,
) -> Weaknesses:
    """What breaks in a module under faults.

    Without `scenarios` they are the tests of the files `tests` that call the module, and calls with inputs
    that the sources name or that parameters suggest. Raises: UserError where `path` is no module.
    """
    made = experiment(root, path, scenarios=scenarios, tests=tests, seed=seed, effort=effort)
    found = tuple(merged(made.look()))
    crossings = sum(len(one.crossings) for one in made.prepared)
    return Weaknesses(found, len(made.prepared), crossings, made.tried, tuple(made.left_out))


def merged(found: Iterator[Weakness]) -> Iterator[Weakness]:
    """One weakness of a kind for each function: other scenarios show the same."""
    seen: set[tuple[str, str]] = set()
    for one in found:
        if (one.kind, one.function) not in seen:
            seen.add((one.kind, one.function))
            yield one


def replay(root: Path, path: str, scenario: Scenario, faults: Schedule, effort: Effort = USUAL) -> list[str]:
    """What is seen when a scenario runs under these faults, in the sandbox."""
    test = [scenario.test["path"]] if scenario.test else []
    made = experiment(root, path, scenarios=[scenario], tests=test, effort=effort)
    if not made.prepared:
        return list(made.left_out)
    one = made.prepared[0]
    if not faults:
        return [f"{s.kind}: {s.said}" for s in judged(one.steady, one.steady.record, ())]
    return [f"{seen.kind}: {seen.said}" for _, _, seen in made.tried_on([(one, tuple(faults))])]
