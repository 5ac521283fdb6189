"""Random search: what any other search has to beat at equal evaluations."""

from dataclasses import dataclass
from random import Random

from bloomery.forge.evolving.genome import Space
from bloomery.forge.evolving.history import Child, History, last_generation


@dataclass(frozen=True, kw_only=True)
class AtRandom:
    """`population` genomes a generation, all alike probable."""

    space: Space
    seed: int
    population: int = 8

    def propose(self, history: History) -> list[Child]:
        rng = Random(f"random/{self.seed}/{last_generation(history) + 1}")
        return [Child(genome=self.space.draw(rng), operator="drawn") for _ in range(self.population)]
