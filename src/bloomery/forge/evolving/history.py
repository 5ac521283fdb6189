"""What a search has seen: every individual with its parents and its fitness, in the order of evaluation.

The history is the whole state of a search: what it proposes next follows from it and the seed alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from statistics import fmean
from typing import Any

from bloomery.forge.evolving.genome import Genome, distance

ELITES = 2


@dataclass(frozen=True, kw_only=True)
class Child:
    """A proposal: a genome, how it was made and from whom."""

    genome: Genome
    operator: str
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Individual:
    """A child that was named and evaluated."""

    name: str
    generation: int
    genome: Genome
    operator: str
    parents: tuple[str, ...]
    fitness: float


History = Sequence[Individual]


def ranked(individuals: Iterable[Individual]) -> list[Individual]:
    """Best first; of equals the one that was there first."""
    return sorted(individuals, key=lambda one: -one.fitness)


def best(history: History) -> Individual:
    return ranked(history)[0]


def generation_of(history: History, number: int) -> list[Individual]:
    return [one for one in history if one.generation == number]


def last_generation(history: History) -> int:
    """-1 where nothing has been evaluated."""
    return max((one.generation for one in history), default=-1)


def population(history: History, number: int) -> list[Individual]:
    """Who is alive in a generation: the best two of all before it, as they were, and its own."""
    before = [one for one in history if one.generation < number]
    return ranked(before)[:ELITES] + generation_of(history, number)


def spread(individuals: Sequence[Individual]) -> float:
    """The mean distance of two individuals; 0 for fewer than two."""
    pairs = combinations([one.genome for one in individuals], 2)
    return fmean(apart) if (apart := [distance(a, b) for a, b in pairs]) else 0.0


def diversity(history: History, number: int) -> float:
    """The spread of a generation's population, as a share of that of generation 0; 0 where that had none."""
    first = spread(population(history, 0))
    return spread(population(history, number)) / first if first else 0.0


def ancestry(history: History, name: str) -> list[Individual]:
    """An individual and all it descends from, ancestors first."""
    by_name = {one.name: one for one in history}
    wanted, waiting = {name}, [name]
    while waiting:
        for parent in by_name[waiting.pop()].parents:
            if parent not in wanted:
                wanted.add(parent)
                waiting.append(parent)
    return [one for one in history if one.name in wanted]


def history_to_plain(history: History) -> list[dict[str, Any]]:
    """JSON-able, to the bit; `history_from_plain` is the inverse."""
    return [asdict(one) for one in history]


def history_from_plain(values: Iterable[Mapping[str, Any]]) -> list[Individual]:
    return [_individual(one) for one in values]


def _individual(values: Mapping[str, Any]) -> Individual:
    genome = Genome(values["genome"]["form"], tuple(values["genome"]["genes"]))
    return Individual(**{**values, "genome": genome, "parents": tuple(values["parents"])})
