"""CMA-ES over the genes of the form that did best in generation 0, from its genes onwards.

Source: arXiv 1604.00772 (CMA-ES); arXiv 2403.13187: sigma 1/6, population 4 + floor(3 ln n)
Differs: the search begins at the best of generation 0 and not in the middle.
"""

from dataclasses import dataclass
from math import log
from random import Random

import numpy as np
from cmaes import CMA

from bloomery.core.errors import Failure
from bloomery.forge.evolving.genome import Genome, Space
from bloomery.forge.evolving.history import (
    Child,
    History,
    Individual,
    best,
    generation_of,
    last_generation,
    ranked,
)


@dataclass(frozen=True, kw_only=True)
class Cma:
    """`population` 0 stands for 4 + floor(3 ln n)."""

    space: Space
    seed: int
    population: int = 0
    sigma: float = 1 / 6

    def propose(self, history: History) -> list[Child]:
        number = last_generation(history) + 1
        start = best(generation_of(history, 0))
        strategy = self._taught(start, history)
        strategy.reseed_rng(Random(f"cma/{self.seed}/{number}").getrandbits(32))
        parents = self._parents(start, generation_of(history, number - 1), first=number == 1)
        return [
            Child(genome=self._genome(start.genome.form, strategy.ask()), operator="CMA-ES", parents=parents)
            for _ in range(strategy.population_size)
        ]

    def _taught(self, start: Individual, history: History) -> CMA:
        """The strategy after all generations so far; telling draws nothing, so the seed does not matter."""
        count = self.space.genes
        if count < 2:
            raise Failure("CMA-ES needs at least two genes; use another search")
        strategy = CMA(
            mean=np.array(start.genome.genes),
            sigma=self.sigma,
            bounds=np.array([[0.0, 1.0]] * count),
            population_size=self.population or 4 + int(3 * log(count)),
        )
        for number in range(1, last_generation(history) + 1):
            seen = generation_of(history, number)
            strategy.tell([(np.array(one.genome.genes), -one.fitness) for one in seen])
        return strategy

    def _parents(self, start: Individual, last: list[Individual], *, first: bool) -> tuple[str, ...]:
        """Those whose weighted mean the children are drawn around: the better half of the last generation."""
        better = [start] if first else ranked(last)[: len(last) // 2]
        return tuple(one.name for one in better)

    def _genome(self, form: str, genes: np.ndarray) -> Genome:
        return Genome(form, tuple(genes.tolist()))
