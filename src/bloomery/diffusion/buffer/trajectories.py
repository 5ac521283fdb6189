"""The buffer: entries of many tasks under one capacity, drawn by their rank within their task."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bloomery.core.config import option
from bloomery.core.errors import UnknownName, UserError

from .contents import Field
from .drawing import Sample, draw, draw_all, relative_probabilities
from .evicting import EVICTIONS, Eviction
from .holdings import Holdings, Outcome
from .ledger import ORIGINS, Origin
from .quality import Test
from .ranking import RankLaw
from .statistics import Entries, Statistics, statistics


@dataclass(frozen=True, kw_only=True)
class BufferConfig:
    """How much a buffer holds, who makes room, and how draws favour the best."""

    capacity: int = option(100_000, help="entries of all tasks together", low=1)
    alpha: float = option(0.6, help="rank r weighs r^-alpha; 0: all alike", low=0.0)
    beta: float = option(0.4, help="importance weights' exponent at the first draw", low=0.0, high=1.0)
    beta_draws: int = option(100_000, help="draws until the exponent is 1; 0: it stays as it is", low=0)
    eviction: Eviction = option("worst", help="who makes room: worst (of the fullest task), oldest, random")

    def __post_init__(self) -> None:
        if self.capacity < 1 or self.beta_draws < 0:
            raise UserError(f"capacity is at least 1, beta_draws 0; got {self.capacity}, {self.beta_draws}")
        if not (0 <= self.alpha < math.inf and 0 <= self.beta <= 1):
            raise UserError(f"alpha is at least 0, beta in [0, 1]; got {self.alpha} and {self.beta}")
        if self.eviction not in EVICTIONS:
            raise UnknownName("eviction", self.eviction, EVICTIONS)


class TrajectoryBuffer:
    """Trajectories (or canvases, or any arrays) with their reward, task, origin and round.

    Priorities know the order of scores within a task only: any increasing transform of a task's rewards
    draws the same entries. An entry that is already there is not added again; its newest reward counts.
    Everything random comes from one generator, whose state is saved with the buffer.
    """

    def __init__(self, fields: Mapping[str, Field], config: BufferConfig, *, seed: int) -> None:
        self.config = config
        self.random = np.random.Generator(np.random.PCG64(seed))
        self.holdings = Holdings(fields, config.capacity, config.eviction, self.random)
        self.law = RankLaw(config.alpha, config.capacity)
        self.drawn = 0

    def __len__(self) -> int:
        return len(self.holdings)

    @property
    def tasks(self) -> dict[str, int]:
        """The names of tasks, and their numbers of entries."""
        return {name: self.holdings.sizes[number] for name, number in self.holdings.numbers.items()}

    @property
    def beta(self) -> float:
        """The exponent of importance weights, which rises evenly to 1 with the number of draws."""
        first, draws = self.config.beta, self.config.beta_draws
        return first + (1 - first) * min(1.0, self.drawn / draws) if draws else first

    def add(
        self,
        content: Mapping[str, Any],
        reward: float,
        *,
        task: str = "",
        origin: Origin = "real",
        round: int = 0,
    ) -> Outcome:
        """Keep an entry, fold it into the same one that is there, or refuse it as worse than all others.

        Raises: UserError for a reward or content that is not finite, other fields, an unknown origin.
        """
        arrays = self.holdings.contents.checked(content)
        return self.holdings.admit(arrays, _finite(reward), task, origin, round)

    def add_many(
        self,
        contents: Mapping[str, Any],
        rewards: Any,
        *,
        tasks: str | Sequence[str] = "",
        origin: Origin = "real",
        round: int = 0,
    ) -> list[Outcome]:
        """`add` of many, in order; nothing is added if one of them is not as it should be.

        Shapes: contents (B, ...) each, rewards (B,)
        """
        scores = [_finite(reward) for reward in np.asarray(rewards).tolist()]
        names = [tasks] * len(scores) if isinstance(tasks, str) else list(tasks)
        if len(names) != len(scores):
            raise UserError(f"{len(scores)} rewards came with {len(names)} tasks; give one for each")
        arrays = self.holdings.contents.checked(contents, rows=len(scores))
        rows = ({name: array[row] for name, array in arrays.items()} for row in range(len(scores)))
        return [
            self.holdings.admit(row, score, name, origin, round)
            for row, score, name in zip(rows, scores, names, strict=True)
        ]

    def reject(self, count: int, *, origin: Origin = "synthetic", round: int = 0) -> None:
        """Count candidates that a filter turned away before they came here: part of the acceptance rate."""
        self.holdings.tally(origin, round).rejected += count

    def sample(self, count: int, *, task: str | None = None) -> Sample:
        """Draw entries, with replacement; a batch draws what as many single draws would.

        Raises: UserError when there is nothing to draw from; UnknownName for a task.
        """
        held, number = self.holdings, None if task is None else self._number(task)
        among = len(held) if number is None else held.sizes[number]
        if count < 1 or not among:
            what = "the buffer" if task is None else f"the task '{task}'"
            raise UserError(f"{count} entries were asked of {what}, which has {among}")
        u, beta = self.random.random((count, 3)), self.beta
        self.drawn += count
        if count == 1:
            slot, relative = draw(u[0].tolist(), held.orders, held.sizes, self.law, number)
            return self._one(slot, relative, among, beta)
        slots, likelier = draw_all(u, held.orders, held.sizes, self.law, number)
        columns = held.ledger.columns
        return Sample(
            content=held.contents.take(slots),
            reward=columns["reward"][slots],
            tasks=tuple([held.names[one] for one in columns["task"][slots].tolist()]),
            probability=likelier / among,
            weight=likelier**-beta,
            slot=slots,
            age=columns["age"][slots],
        )

    def rescore(self, sample: Sample, scores: Any) -> int:
        """Rank the entries of a sample by other scores than their rewards; how many were still there."""
        given = [_finite(score) for score in np.asarray(scores).tolist()]
        found = 0
        for slot, age, score in zip(sample.slot.tolist(), sample.age.tolist(), given, strict=True):
            if slot < len(self) and self.holdings.ledger.age[slot] == age:
                self.holdings.rank_anew(slot, score)
                found += 1
        return found

    def best(self, count: int, *, task: str) -> Entries:
        """The entries of a task with the highest scores, the best first; of equal ones the newest first."""
        order = self.holdings.orders[self._number(task)]
        entries = len(order)
        places = np.arange(entries - 1, max(entries - 1 - count, -1), -1)
        return self.entries(order.at_all(places)[1] if len(places) else places)

    def keep(self, test: Test) -> int:
        """Remove the entries that fail a test (see `quality`); how many went."""
        everything = self.entries()
        passed = np.asarray(test(everything))
        if passed.shape != (len(self),) or passed.dtype != bool:
            told = f"{passed.dtype} of shape {passed.shape}"
            raise UserError(f"a test says True or False of each of {len(self)} entries; got {told}")
        for origin, round_ in zip(everything.origins[~passed], everything.rounds[~passed], strict=True):
            self.holdings.tally(ORIGINS[origin], int(round_)).removed += 1
        slots = np.flatnonzero(passed)
        slots = slots[np.argsort(self.holdings.ledger.columns["age"][slots])]
        self.holdings.refill(self.holdings.contents.take(slots), self.holdings.ledger.take(slots))
        return int((~passed).sum())

    def merge(self, other: "TrajectoryBuffer") -> list[Outcome]:
        """Add the other buffer's entries in the order of their age, with their origins, rounds and counts.

        Raises: UserError when the fields differ.
        """
        mine, theirs = self.holdings.contents.fields, other.holdings
        if theirs.contents.fields != mine:
            raise UserError(f"buffers merge when their fields are alike; {mine} met {theirs.contents.fields}")
        ages = theirs.ledger.columns["age"][: len(theirs)]
        return [self.holdings.admit(*theirs.whole(slot)) for slot in np.argsort(ages).tolist()]

    def probabilities(self) -> NDArray[np.float64]:
        """Of drawing each entry, by slot. Shapes: (N,)"""
        out = np.zeros(len(self))
        for order in self.holdings.orders:
            if len(order):
                slots, relative = relative_probabilities(order, self.law)
                out[slots] = relative / len(self)
        return out

    def entries(self, slots: NDArray[np.int64] | None = None) -> Entries:
        """Copies of what is kept of these slots, or of all."""
        where = np.arange(len(self)) if slots is None else slots
        better = np.zeros(len(self))
        for order in self.holdings.orders:
            scores, theirs = order.in_order()
            better[theirs] = 1 - np.searchsorted(scores, scores, "right") / max(len(scores), 1)
        held = self.holdings
        return Entries.of(held.contents.take(where), held.ledger.take(where), held.names, better[where])

    def statistics(self) -> Statistics:
        """What is here, where it came from and what became of what was offered."""
        return statistics(self, self.entries())

    def _number(self, task: str) -> int:
        if task not in self.holdings.numbers:
            raise UnknownName("task of the buffer", task, self.holdings.names)
        return self.holdings.numbers[task]

    def _one(self, slot: int, relative: float, among: int, beta: float) -> Sample:
        held, ledger = self.holdings, self.holdings.ledger
        return Sample(
            content=held.contents.take(slice(slot, slot + 1)),
            reward=np.array([ledger.reward[slot]]),
            tasks=(held.names[ledger.task[slot]],),
            probability=np.array([relative / among]),
            weight=np.array([relative**-beta]),
            slot=np.array([slot]),
            age=np.array([ledger.age[slot]]),
        )


def _finite(reward: Any) -> float:
    try:
        value = float(reward)
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"a reward is a finite number; got {reward}: mend the reward, or leave the entry out")
    return value + 0.0  # no negative zero
