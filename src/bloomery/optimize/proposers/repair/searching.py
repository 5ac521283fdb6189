"""The search: classes of edits from cheap to dear, tried in batches; what passes is ranked."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bloomery.optimize.proposers.repair.candidates import Program
from bloomery.optimize.proposers.repair.edits import Edit
from bloomery.optimize.proposers.repair.operators import LADDER
from bloomery.optimize.proposers.repair.pairing import pairs
from bloomery.optimize.proposers.repair.ranking import Answer, Standing, read_answers, standings
from bloomery.optimize.proposers.repair.working import Pace, Worker

BATCHES = (1500, 2500)
MOST_PROBED = 150
PATIENCE, MOST_STEPS = 25, 1_000_000
"""Steps for the other failing tests of what passes one of them: what they take when right is not known."""
DRAWN_INPUTS = 160


@dataclass(frozen=True)
class Stage:
    """Classes of the ladder whose repairs are ranked together; `share`: of the budget, at most.

    Of a stage that is not `whole`, the search tries no further batch once a repair in no doubt was found.
    """

    costs: tuple[int, ...]
    share: float
    whole: bool = False

    @property
    def is_of_pairs(self) -> bool:
        return self.costs[0] > len(LADDER)


STAGES = (
    Stage((1, 2), 0.3, whole=True),
    Stage((3,), 0.35),
    Stage((len(LADDER) + 1,), 0.2),
    Stage((4,), 1.0),
)


@dataclass(frozen=True)
class Progress:
    """Where a search stands: candidates tried of how many, the class of the ladder, how many pass."""

    tried: int
    budget: int
    cost: int
    passing: int


@dataclass(frozen=True)
class Ranked:
    edit: Edit
    standing: Standing


@dataclass
class Search:
    """One search; `order` holds the tests' names, failing ones first, cheap ones before dear ones."""

    worker: Worker
    program: Program
    order: Sequence[str]
    failing: int
    calls: Sequence[tuple[str, str, str]]
    pace: Pace
    budget: int
    seed: int
    prints: Sequence[str]
    crashed: bool = False
    progress: Callable[[Progress], None] | None = None
    tried: int = 0
    made: int = 0
    kinds: dict[int, str] = field(default_factory=dict)
    answers: dict[int, dict[int, Answer]] = field(default_factory=dict)
    passing: dict[int, Edit] = field(default_factory=dict)
    near: list[Edit] = field(default_factory=list)

    def run(self) -> list[Ranked]:
        first = None
        for stage in STAGES:
            if stage.is_of_pairs and self.passing:
                continue
            self._try_all(self._edits(stage), stage)
            if self.tried >= self.budget:
                break
            if self.passing:
                if first is not None or not self.ranked()[0].standing.is_doubtful:
                    break
                first = stage
        return self.ranked()

    def _edits(self, stage: Stage) -> Iterator[Edit]:
        if stage.is_of_pairs:
            return pairs(self.near, self._seen, self.program, self.failing, cost=stage.costs[0])
        return (edit for cost in stage.costs for edit in self.program.edits(cost, self.budget - self.tried))

    def _try_all(self, edits: Iterator[Edit], stage: Stage) -> None:
        """Try in batches, the stage's share at most."""
        most = min(self.budget, self.tried + math.ceil(self.budget * stage.share))
        sizes = iter(BATCHES)
        size = next(sizes)
        while self.tried < most:
            batch = self._batch(edits, min(size, most - self.tried))
            if not batch:
                return
            self._try_batch(batch)
            size = next(sizes, size)
            if self.progress is not None:
                self.progress(Progress(self.tried, self.budget, batch[-1][0].cost, len(self.passing)))
            if not stage.whole and self.passing and not self.ranked()[0].standing.is_doubtful:
                return

    def _batch(self, edits: Iterator[Edit], size: int) -> list[tuple[Edit, dict[str, Any]]]:
        batch: list[tuple[Edit, dict[str, Any]]] = []
        while len(batch) < size and (edit := next(edits, None)) is not None:
            self.made += 1
            trial = self.program.trial(edit, self.made)
            if trial is not None:
                batch.append((edit, trial | {"lead": edit.lead}))
        return batch

    def _try_batch(self, batch: list[tuple[Edit, dict[str, Any]]]) -> None:
        """Where the worker ended before its time, those after the one that it ended in are tried again."""
        edits = {trial["id"]: edit for edit, trial in batch}
        waiting = sorted((trial for _, trial in batch), key=lambda trial: int(trial["lead"]))
        while waiting:
            told = self._ask("try", waiting)
            ended = {line[1]: line for line in told if line[0] == "tried"}
            for name, line in ended.items():
                self._note(name, edits[name], *line[2:5])
            kinds, answers = read_answers(told)
            self.kinds = kinds or self.kinds
            self.answers |= answers
            left = [trial for trial in waiting if trial["id"] not in ended]
            self.tried += len(ended) + bool(left)
            waiting = left[1:]

    def _seen(self, edits: Sequence[Edit]) -> dict[int, list[bool]]:
        """By an edit's place, which tests pass with it, in their order."""
        trials = [{"id": place, "codes": self.program.codes(edit)} for place, edit in enumerate(edits)]
        told = self._ask("see", [trial for trial in trials if trial["codes"]])
        return {line[1]: line[2] for line in told if line[0] == "seen"}

    def _ask(self, task: str, trials: Sequence[dict[str, Any]]) -> list[list[Any]]:
        return self.worker.ask(
            task,
            pace=self.pace,
            order=self.order,
            trials=trials,
            probed=MOST_PROBED,
            calls=list(self.calls),
            failing=self.failing,
            patience=min(MOST_STEPS, PATIENCE * self.pace.steps),
            seed=self.seed,
            drawn=DRAWN_INPUTS,
        )

    def _note(self, name: int, edit: Edit, how: str, place: int, fingerprint: str) -> None:
        if how == "passed":
            self.passing[name] = edit
        elif how in ("failed", "steps"):
            moved = place > 0 or fingerprint != self.prints[0]
            if place < self.failing and moved:
                self.near.append(edit)

    def ranked(self) -> list[Ranked]:
        """What passes, the likeliest first."""
        asked = {name: edit for name, edit in self.passing.items() if name in self.answers}
        found = standings(asked or self.passing, self.kinds, self.answers, crashed=self.crashed)
        names = sorted(found, key=lambda name: (*found[name].order, name))
        return [Ranked(self.passing[name], found[name]) for name in names]
