"""Tests as proposals: for the goal `coverage`, those that test generation proves."""

from collections.abc import Iterator, Sequence
from random import Random

from bloomery.optimize.proposal import Goal, Proposal, Target
from bloomery.source.testing import Generated, generate
from bloomery.source.testing.effort import Effort


class TestWriter:
    """Proposes a new file of tests for a module. `tests`: those that there are, which it adds to."""

    __test__ = False  # no test class, whatever its name says
    name = "test generation"

    def __init__(self, tests: Sequence[str] = (), effort: Effort = "quick") -> None:
        self.tests, self.effort = tuple(tests), effort

    def propose(self, target: Target, goal: Goal, *, rng: Random) -> Iterator[Proposal]:
        """Raises: as `generate`."""
        if goal != "coverage" or target.function is not None:
            return
        seed = rng.randrange(2**32)
        made = generate(target.root, target.path, seed=seed, effort=self.effort, tests=self.tests)
        if made.text and not (target.root / made.path).exists():
            yield Proposal(self.name, "tests", told(made), {made.path: made.text})


def told(made: Generated) -> str:
    lines = f"{made.covered - made.covered_before} more of {made.lines} lines are run"
    mutants = f"{made.killed - made.killed_before} more of {made.mutants} wrong versions are noticed"
    return f"{len(made.tests)} tests: {lines}, {mutants}"
