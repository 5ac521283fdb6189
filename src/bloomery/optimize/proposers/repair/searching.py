"""The search: classes of edits from cheap to dear, tried in batches; what passes is ranked."""

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bloomery.optimize.proposers.repair.candidates import Program
from bloomery.optimize.proposers.repair.edits import Change, Edit
from bloomery.optimize.proposers.repair.operators import LADDER
from bloomery.optimize.proposers.repair.ranking import Answer, Standing, read_answers, standings
from bloomery.optimize.proposers.repair.working import Pace, Worker

STAGES = ((1, 2), (3,), (4,))
BATCHES = (1500, 2500)
FIRST_DEAR = 3
MOST_PROBED = 150
FIRST_OF_PAIRS, SECOND_OF_PAIRS = 60, 500
DRAWN_INPUTS = 160


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
    near: list[tuple[int, bool, Edit]] = field(default_factory=list)

    def run(self) -> list[Ranked]:
        first = None
        for stage, costs in enumerate(STAGES):
            edits = (edit for cost in costs for edit in self.program.edits(cost, self.budget - self.tried))
            self._try_all(edits)
            if self.tried >= self.budget:
                return self.ranked()
            if self.passing:
                first = stage if first is None else first
                if stage > first or not self.ranked()[0].standing.is_doubtful:
                    return self.ranked()
        if not self.passing:
            self._try_all(self._pairs())
        return self.ranked()

    def _try_all(self, edits: Iterator[Edit]) -> None:
        """Try in batches; leave off after the class in which something passes that is in no doubt.

        Of the dear classes, which are large, only the batch is finished.
        """
        sizes = iter(BATCHES)
        size = next(sizes)
        waiting: list[tuple[Edit, dict[str, Any]]] = []
        while self.tried < self.budget:
            room = min(size, self.budget - self.tried)
            waiting += self._batch(edits, room - len(waiting))
            if not waiting:
                return
            waiting = self._try_batch(waiting)
            size = next(sizes, size)
            if self.progress is not None:
                cost = waiting[0][0].cost if waiting else 0
                self.progress(Progress(self.tried, self.budget, cost, len(self.passing)))
            if self._is_settled(waiting):
                return

    def _is_settled(self, waiting: Sequence[tuple[Edit, dict[str, Any]]]) -> bool:
        if not self.passing:
            return False
        last = max(edit.cost for edit in self.passing.values())
        over = last >= FIRST_DEAR or (bool(waiting) and waiting[0][0].cost > last)
        return over and not self.ranked()[0].standing.is_doubtful

    def _batch(self, edits: Iterator[Edit], size: int) -> list[tuple[Edit, dict[str, Any]]]:
        batch: list[tuple[Edit, dict[str, Any]]] = []
        while len(batch) < size and (edit := next(edits, None)) is not None:
            self.made += 1
            trial = self.program.trial(edit, self.made)
            if trial is not None:
                batch.append((edit, trial | {"cost": edit.cost}))
        return batch

    def _try_batch(self, batch: list[tuple[Edit, dict[str, Any]]]) -> list[tuple[Edit, dict[str, Any]]]:
        """Try all; what is left where the worker stopped after a class in which something passed.

        Where the worker ended before its time, those after the one that it ended in are tried again.
        """
        edits = {trial["id"]: edit for edit, trial in batch}
        waiting = [trial for _, trial in batch]
        while waiting:
            told = self._ask(waiting)
            ended = {line[1]: line for line in told if line[0] == "tried"}
            for name, line in ended.items():
                self._note(name, edits[name], *line[2:5])
            self.tried += len(ended)
            kinds, answers = read_answers(told)
            self.kinds = kinds or self.kinds
            self.answers |= answers
            left = [trial for trial in waiting if trial["id"] not in ended]
            if any(line[0] == "stopped" for line in told):
                return [(edits[trial["id"]], trial) for trial in left]
            self.tried += bool(left)
            waiting = left[1:]
        return []

    def _ask(self, trials: Sequence[dict[str, Any]]) -> list[list[Any]]:
        return self.worker.ask(
            "try",
            pace=self.pace,
            order=self.order,
            trials=trials,
            probed=MOST_PROBED,
            calls=list(self.calls),
            seed=self.seed,
            drawn=DRAWN_INPUTS,
        )

    def _note(self, name: int, edit: Edit, how: str, place: int, fingerprint: str) -> None:
        if how == "passed":
            self.passing[name] = edit
        elif how in ("failed", "steps"):
            moved = place > 0 or fingerprint != self.prints[0]
            if place < self.failing and moved:
                self.near.append((place, moved, edit))

    def _pairs(self) -> Iterator[Edit]:
        """Two edits at once: one that changes what the failing tests see, and another; near ones first."""
        firsts = sorted(self.near, key=lambda one: (-one[0], one[2].cost, -one[2].score))[:FIRST_OF_PAIRS]
        seconds = self.program.edits(1, SECOND_OF_PAIRS) + self.program.edits(2, SECOND_OF_PAIRS)
        pairs: list[tuple[Any, ...]] = []
        for place, _, first in firsts:
            for second in seconds:
                if not _overlap(first, second):
                    close = 3.0 if first.line == second.line else 1.0
                    score = first.score * second.score * close * (1 + place)
                    pairs.append((-score, first.line, second.line, len(pairs), first, second))
        for _, _, _, _, first, second in sorted(pairs):
            yield replace(
                first,
                operator=f"{first.operator} and {second.operator}",
                cost=len(LADDER) + 1,
                size=first.size + second.size,
                score=first.score * second.score,
                changes=(*first.changes, *second.changes),
                removes=first.removes + second.removes,
                parts=(first, second),
            )

    def ranked(self) -> list[Ranked]:
        """What passes, the likeliest first."""
        asked = {name: edit for name, edit in self.passing.items() if name in self.answers}
        found = standings(asked or self.passing, self.kinds, self.answers, crashed=self.crashed)
        names = sorted(found, key=lambda name: (found[name].penalty, name))
        return [Ranked(self.passing[name], found[name]) for name in names]


def _overlap(one: Edit, other: Edit) -> bool:
    """Whether one edit changes a place within what the other replaces."""
    for first in one.changes:
        for second in other.changes:
            if first.slot == second.slot or _holds(first, second) or _holds(second, first):
                return True
    return False


def _holds(outer: Change, inner: Change) -> bool:
    return any(node is inner.parent for old in outer.old for node in ast.walk(old))
