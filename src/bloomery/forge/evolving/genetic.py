"""Genetic search with real elitism: the best two live on unchanged, and are not evaluated again.

Of each generation's children three of four are mutants of the two winners, one of four is merged from three
losers. Where the population has become too alike, fresh genomes take the place of the last two mutants.

Source: the evolution of Agent Forge (50 generations, 2 winners, losers merged in groups of 3)
Differs: there the elites were lost, mutants were noise on 1 % of the weights, and diversity was divided by
itself; here mutants move coefficients, and diversity is measured against generation 0.
"""

from dataclasses import dataclass
from itertools import cycle, islice
from random import Random

from bloomery.forge.evolving.genome import Space, merged, mutated
from bloomery.forge.evolving.history import (
    ELITES,
    Child,
    History,
    Individual,
    diversity,
    last_generation,
    population,
    ranked,
)

GROUP = 3
FRESH = 2
CHANGE_FORM = 0.1


@dataclass(frozen=True, kw_only=True)
class Genetic:
    """`population` children a generation; `sigma` is the strongest mutation, in genes."""

    space: Space
    seed: int
    population: int = 8
    sigma: float = 1 / 6
    diversity_bar: float = 0.2

    def propose(self, history: History) -> list[Child]:
        number = last_generation(history) + 1
        rng = Random(f"genetic/{self.seed}/{number}")
        alive = ranked(population(history, number - 1))
        from_losers = self._merged(alive[ELITES:], rng)
        mutants = self._mutants(alive[:ELITES], self.population - len(from_losers), rng)
        if diversity(history, number - 1) < self.diversity_bar:
            mutants = mutants[:-FRESH] + [self._fresh(rng) for _ in range(min(FRESH, len(mutants)))]
        return mutants + from_losers

    def _merged(self, losers: list[Individual], rng: Random) -> list[Child]:
        """From the worst, in their order; a population that is too small for a group has none."""
        groups = min(max(1, self.population // 4), len(losers) // GROUP)
        worst = losers[len(losers) - groups * GROUP :]
        return [
            _merger(worst[start : start + GROUP], self.space, rng) for start in range(0, len(worst), GROUP)
        ]

    def _mutants(self, winners: list[Individual], count: int, rng: Random) -> list[Child]:
        return [self._mutant(winner, rng) for winner in islice(cycle(winners), count)]

    def _mutant(self, parent: Individual, rng: Random) -> Child:
        genome = mutated(parent.genome, self.space, rng, sigma=self.sigma, change_form=CHANGE_FORM)
        return Child(genome=genome, operator="mutation", parents=(parent.name,))

    def _fresh(self, rng: Random) -> Child:
        return Child(genome=self.space.draw(rng), operator="fresh")


def _merger(group: list[Individual], space: Space, rng: Random) -> Child:
    genome = merged([one.genome for one in group], space, rng)
    return Child(genome=genome, operator="losers merged", parents=tuple(one.name for one in group))
