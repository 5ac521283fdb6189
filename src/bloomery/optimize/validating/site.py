"""What every check is given, and what it gives back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from bloomery.core.errors import CapabilityMissing
from bloomery.core.evidence import Check, Evidence, State, not_run
from bloomery.optimize.proposal import Goal, Proposal, Target
from bloomery.optimize.validating import calls
from bloomery.optimize.validating.caching import Answers, circumstances, remembered
from bloomery.optimize.validating.change import Change, Trees
from bloomery.optimize.validating.deciding import is_judge, patterns_of
from bloomery.optimize.validating.lacking import NotInstalled
from bloomery.optimize.validating.levels import CLAIMS, asked
from bloomery.optimize.validating.recording import Record, record
from bloomery.optimize.validating.selecting import Selection, every_test, select
from bloomery.optimize.validating.testing import ONE_TEST_S, Pace, targets_of
from bloomery.optimize.validating.verdict import Level
from bloomery.source.recording import Recorded


@dataclass(frozen=True)
class Answer:
    """The evidence of one check; `mend`: what would mend its failure. `lasting`: whether it may be kept.

    `lacks`: it was not run since something is not installed, so that another run could say more.
    """

    evidence: Evidence
    mend: str = ""
    lasting: bool = True
    lacks: bool = False

    def to_plain(self) -> dict[str, Any]:
        return {"evidence": self.evidence.to_plain(), "mend": self.mend}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Answer":
        return cls(Evidence.from_plain(plain["evidence"]), plain["mend"])


def not_made(check: Check, why: Exception) -> Answer:
    """What is said where a check could not be made now: why, and whether for want of a tool."""
    return Answer(not_run(check, str(why)), str(why), lasting=False, lacks=isinstance(why, NotInstalled))


class Examine(Protocol):
    """Makes one or several checks."""

    def __call__(self, site: "Site") -> Sequence[Answer]: ...


@dataclass
class Site:
    """One validation: the change, its two worktrees, and what is known of its tests."""

    change: Change
    trees: Trees
    proposal: Proposal
    goal: Goal
    level: Level
    tests: tuple[str, ...]
    seed: int
    answers: Answers
    claims: bool = True
    every_test: bool = False
    go_on: bool = False
    known: dict[str, Any] = field(default_factory=dict)

    @property
    def claim(self) -> Check | None:
        """What the goal claims, where that is asked for."""
        return CLAIMS.get(self.goal) if self.claims else None

    @property
    def target(self) -> Target:
        """The original of the first changed file."""
        return Target(self.trees.before, self.change.paths[0], self.proposal.function)

    @property
    def texts(self) -> dict[str, str]:
        """The new texts of the files that are still there."""
        return {path: text for path, text in self.change.texts.items() if text is not None}

    @property
    def python(self) -> tuple[str, ...]:
        return tuple(path for path in self.change.paths if path.endswith(".py"))

    def asked(self, check: Check) -> Check:
        return asked(check, self.level, self.goal)

    def judges(self, path: str) -> bool:
        """Whether a file decides about changes: a test, or a tool's settings."""
        return is_judge(path, self.tests, self._patterns)

    @cached_property
    def _patterns(self) -> tuple[str, ...]:
        return patterns_of(self.trees.before)

    @property
    def decisive(self) -> tuple[str, ...]:
        """Tests of which one failure is enough; none where everything is to be told."""
        return () if self.go_on else self.record.passing

    @cached_property
    def record(self) -> Record:
        """What the tests do before the change, from the cache where it is known."""
        targets = targets_of(self.trees.before, self.tests)
        test_s = ONE_TEST_S if self.goal == "fix" else 0.0
        question = self.question("record", before_alone=True) | {"targets": targets, "test_s": test_s}

        def work() -> tuple[Any, bool]:
            made = record(self.trees.before, targets, Pace(test_s=test_s))
            return made.to_plain(), not made.trouble

        found, _ = remembered(self.answers, question, work)
        return Record.from_plain(found)

    @cached_property
    def recorded(self) -> Recorded:
        """How the tests call the functions of the changed files, before the change; from the cache, too.

        At level basic no test is run, and nothing recorded.
        """
        if self.level == "basic":
            return Recorded(trouble="tests are not run at level basic")
        there = [path for path in self.python if path in self.texts and (self.trees.before / path).is_file()]
        return calls.joined([self._calls_in(path) for path in there])

    def _calls_in(self, path: str) -> Recorded:
        try:
            known = self.record
        except CapabilityMissing as missing:
            return Recorded(trouble=str(missing))
        question = self.question("calls", before_alone=True) | {"targets": known.targets, "path": path}

        def work() -> tuple[Any, bool]:
            made = calls.calls_of(self.trees.before, path, known)
            return calls.to_plain(made), not made.trouble

        found, _ = remembered(self.answers, question, work)
        return calls.from_plain(found)

    @cached_property
    def selection(self) -> Selection:
        if self.every_test:
            return every_test(self.record, "that is asked for")
        return select(self.trees.before, self.change.texts, self.record)

    def question(self, check: str, *, before_alone: bool = False, **more: Any) -> dict[str, Any]:
        """All that the answer of a check depends on."""
        trees = [self.change.before] if before_alone else [self.change.before, self.change.after]
        told = {"check": check, "trees": trees, "root": self.change.prefix, "made by": circumstances()}
        return told if before_alone else told | {"paths": self.change.paths, **more}


def failed(evidence: Evidence) -> bool:
    return evidence.required and evidence.state is not State.PASSED
