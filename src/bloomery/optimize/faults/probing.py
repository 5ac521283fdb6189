"""The experiment of chaos engineering, for one module: steady state, fault, probe, rollback.

Source: Basiri et al. 2016, "Chaos Engineering", IEEE Software 33(3): a hypothesis about the steady state,
real-world events, experiments that run by themselves and leave nothing behind. Differs: the system is a
function in a sandbox, so every single fault at every seam that it crosses can be tried, in order, and the
smallest is found by construction; two faults at once are drawn and shrunk.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bloomery.optimize.faults.experimenting import USUAL, Experiment, experiment
from bloomery.optimize.faults.judging import judged
from bloomery.optimize.faults.schedule import Scenario, Schedule
from bloomery.optimize.faults.steadying import Effort
from bloomery.optimize.faults.weakness import Weakness, Weaknesses


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
    return weaknesses(made)


def weaknesses(made: Experiment) -> Weaknesses:
    """What an experiment finds, each kind once for each function."""
    found = tuple(merged(made.found))
    crossings = sum(len(one.crossings) for one in made.prepared)
    return Weaknesses(found, len(made.prepared), crossings, made.tried, tuple(made.left_out))


def merged(found: Iterable[Weakness]) -> Iterator[Weakness]:
    """One weakness of a kind for each function: other scenarios show the same."""
    seen: set[tuple[str, str]] = set()
    for one in found:
        keys = {(one.kind, one.function), (one.kind, one.call)}
        if not keys & seen:
            yield one
        seen |= keys


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
