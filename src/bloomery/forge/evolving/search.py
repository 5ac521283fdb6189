"""The loop that all searches share: propose, evaluate, remember, until a limit is reached.

A search is a function of the history. So the history alone is a checkpoint, and a search that goes on from
one proposes what it would have proposed without the interruption.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bloomery.core.errors import Failure
from bloomery.forge.evolving.genome import Genome
from bloomery.forge.evolving.history import Child, History, Individual, last_generation

Evaluate = Callable[[Mapping[str, Genome]], Mapping[str, float]]


class Search(Protocol):
    """A way of proposing the next generation."""

    def propose(self, history: History) -> Sequence[Child]: ...


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When a search ends; None: never for this reason. Generation 0 is not counted, its evaluations are."""

    generations: int | None = None
    evaluations: int | None = None
    patience: int | None = None
    gain: float = 0.0

    def __post_init__(self) -> None:
        if self.generations is None and self.evaluations is None:
            raise Failure("a search without a limit of generations or evaluations would not end")


def evolve(
    search: Search,
    evaluate: Evaluate,
    first: Sequence[Child],
    limits: Limits,
    *,
    history: History = (),
    after: Callable[[History], None] = lambda _history: None,
) -> list[Individual]:
    """Everything that was evaluated. `first` is generation 0; `history` what an earlier attempt remembers.

    `after` is called with the history after each generation; what it raises ends the search.
    Raises: Failure for a fitness that is missing or not finite.
    """
    found = list(history)
    while ended(found, limits) is None:
        number = last_generation(found) + 1
        children = search.propose(found) if number else first
        found += _evaluated(children[: _left(found, limits)], number, evaluate)
        after(found)
    return found


def ended(history: History, limits: Limits) -> str | None:
    """Why the search is over; None while it goes on."""
    number = last_generation(history)
    if limits.evaluations is not None and len(history) >= limits.evaluations:
        return f"{len(history)} evaluations"
    if limits.generations is not None and number >= limits.generations:
        return f"{number} generations"
    if limits.patience is not None and number >= limits.patience:
        before = max(one.fitness for one in history if one.generation <= number - limits.patience)
        if max(one.fitness for one in history) - before < limits.gain:
            return f"less than {limits.gain:g} gained in {limits.patience} generations"
    return None


def _left(history: History, limits: Limits) -> int | None:
    return None if limits.evaluations is None else limits.evaluations - len(history)


def _evaluated(children: Sequence[Child], number: int, evaluate: Evaluate) -> list[Individual]:
    if not children:
        raise Failure(f"generation {number} has no candidates")
    named = {f"{number}.{place}": child for place, child in enumerate(children, start=1)}
    fitness = evaluate({name: child.genome for name, child in named.items()})
    return [
        Individual(
            name=name, generation=number, genome=child.genome, operator=child.operator,
            parents=child.parents, fitness=_finite(name, fitness.get(name)),
        )
        for name, child in named.items()
    ]  # fmt: skip


def _finite(name: str, fitness: float | None) -> float:
    if fitness is None or not math.isfinite(fitness):
        raise Failure(f"candidate {name} has fitness {fitness}; a finite number was expected")
    return float(fitness)
