"""What a buffer holds, in figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .ledger import ORIGINS, Origin

if TYPE_CHECKING:
    from .trajectories import TrajectoryBuffer

Real = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Entries:
    """Copies of entries. `better` is the share of their task's entries with a higher score.

    Shapes: content (N, ...) each, all others (N,)
    """

    content: dict[str, NDArray[Any]]
    rewards: Real
    scores: Real
    better: Real
    tasks: tuple[str, ...]
    origins: Whole  # places in ORIGINS
    rounds: Whole
    seen: Whole
    ages: Whole

    @classmethod
    def of(
        cls,
        content: dict[str, NDArray[Any]],
        columns: Mapping[str, NDArray[Any]],
        names: Sequence[str],
        better: Real,
    ) -> Entries:
        return cls(
            content=content,
            rewards=columns["reward"],
            scores=columns["score"],
            better=better,
            tasks=tuple([names[number] for number in columns["task"].tolist()]),
            origins=columns["origin"],
            rounds=columns["round"],
            seen=columns["seen"],
            ages=columns["age"],
        )

    def __len__(self) -> int:
        return len(self.ages)


@dataclass
class Tally:
    """What became of the candidates of one origin and round."""

    kept: int = 0
    folded: int = 0  # the same as one that was there
    refused: int = 0  # worse than all in a full buffer
    rejected: int = 0  # turned away by a filter before they came here
    evicted: int = 0  # kept once, then gone to make room
    removed: int = 0  # kept once, then gone by a quality filter

    @property
    def acceptance(self) -> float:
        """The share of candidates that were kept; nan when there was none."""
        offered = self.kept + self.folded + self.refused + self.rejected
        return self.kept / offered if offered else float("nan")


@dataclass(frozen=True)
class TaskFigures:
    """Rewards of a task's entries: least, quartiles and most, and their mean."""

    entries: int
    mean: float
    quartiles: tuple[float, float, float, float, float]


@dataclass(frozen=True)
class Statistics:
    """`effective` is 1 / sum of squared probabilities: as many alike entries would be drawn as evenly."""

    entries: int
    capacity: int
    tasks: dict[str, TaskFigures]
    origins: dict[Origin, int]
    rounds: dict[int, int]
    duplicates: int
    drawn: int
    effective: float
    tallies: dict[tuple[Origin, int], Tally]


def statistics(buffer: TrajectoryBuffer, entries: Entries) -> Statistics:
    """The figures of a buffer, which holds these entries."""
    names, rounds = np.array(entries.tasks, dtype=object), np.unique(entries.rounds, return_counts=True)
    return Statistics(
        entries=len(entries),
        capacity=buffer.config.capacity,
        tasks={name: _figures(entries.rewards[names == name]) for name in dict.fromkeys(entries.tasks)},
        origins={name: int((entries.origins == number).sum()) for number, name in enumerate(ORIGINS)},
        rounds=dict(zip(rounds[0].tolist(), rounds[1].tolist(), strict=True)),
        duplicates=int(entries.seen.sum()) - len(entries),
        drawn=buffer.drawn,
        effective=float(1 / np.square(buffer.probabilities()).sum()) if len(entries) else 0.0,
        tallies={key: Tally(**vars(tally)) for key, tally in buffer.holdings.tallies.items()},
    )


def _figures(rewards: Real) -> TaskFigures:
    least, low, middle, high, most = np.quantile(rewards, [0, 0.25, 0.5, 0.75, 1]).tolist()
    return TaskFigures(len(rewards), float(rewards.mean()), (least, low, middle, high, most))
