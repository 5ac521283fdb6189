"""A tournament: everyone meets everyone, by criteria with stated weights; what is unsure is a draw."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bloomery.optimize.proposal import Goal
from bloomery.source.languages.parsing import parse
from bloomery.source.languages.registry import language_of
from bloomery.source.quality.metric import Metric
from bloomery.source.quality.report import assess

Interval = tuple[float, float]
UNKNOWN: Interval = (-math.inf, math.inf)
CRITERIA = ("speed", "memory", "readability", "maintainability")
WEIGHTS: Mapping[str, float] = {"speed": 0.25, "memory": 0.15, "readability": 0.3, "maintainability": 0.3}
GOAL_WEIGHTS: Mapping[Goal, Mapping[str, float]] = {
    "speed": {"speed": 0.5, "memory": 0.1, "readability": 0.2, "maintainability": 0.2},
    "memory": {"speed": 0.1, "memory": 0.5, "readability": 0.2, "maintainability": 0.2},
}
"""Correctness has no weight: whoever is told from the original has no place at all."""
READABILITY = ("naming", "style")
MAINTAINABILITY = ("complexity", "duplication", "error handling")


@dataclass(frozen=True)
class Entrant:
    """A rival's values by criterion, larger is better, each with the interval that it lies in."""

    name: str
    values: Mapping[str, Interval]

    def of(self, criterion: str) -> Interval:
        return self.values.get(criterion, UNKNOWN)


def weights_for(goal: Goal) -> Mapping[str, float]:
    return GOAL_WEIGHTS.get(goal, WEIGHTS)


def scores(entrants: Sequence[Entrant], weights: Mapping[str, float]) -> list[float]:
    """For each the weighted share of its meetings that it wins, a draw being half of one."""
    if len(entrants) < 2:
        return [1.0] * len(entrants)
    return [
        sum(
            weight * sum(meeting(one.of(name), other.of(name)) for other in entrants if other is not one)
            for name, weight in weights.items()
        )
        / (sum(weights.values()) * (len(entrants) - 1))
        for one in entrants
    ]


def meeting(mine: Interval, theirs: Interval) -> float:
    """1 where mine is surely larger, 0 where theirs is, else a draw."""
    if mine[0] > theirs[1]:
        return 1.0
    return 0.0 if theirs[0] > mine[1] else 0.5


def exact(value: float | None) -> Interval:
    return UNKNOWN if value is None or math.isnan(value) else (value, value)


def quality(texts: Mapping[str, str]) -> dict[str, Interval]:
    """Readability and maintainability of some texts: means of the metrics of source/quality.

    Each metric counts from 0 to 1, 1 being the best: shares as they are, figures of which less is better as
    1 / (1 + value / 10).
    """
    sources = [parse(text, language_of(path)) for path, text in texts.items()]
    report = assess(sources)
    by_name = {one.name: share(one) for one in report.metrics}
    return {
        "readability": _mean([by_name[name] for name in READABILITY]),
        "maintainability": _mean([by_name[name] for name in MAINTAINABILITY]),
    }


def share(metric: Metric) -> float | None:
    if metric.value is None:
        return None
    return metric.value if metric.better == "higher" else 1 / (1 + metric.value / 10)


def _mean(values: Sequence[float | None]) -> Interval:
    known = [value for value in values if value is not None]
    return exact(sum(known) / len(known)) if known else UNKNOWN
