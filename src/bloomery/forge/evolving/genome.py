"""A candidate as a point: one of a few forms, and genes between 0 and 1."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from statistics import fmean

from bloomery.core.errors import Failure

NEUTRAL = 0.5


@dataclass(frozen=True)
class Genome:
    """What the form is and what the genes do is the business of whoever evaluates them."""

    form: str
    genes: tuple[float, ...]


@dataclass(frozen=True)
class Space:
    """All genomes of these forms with so many genes.

    Raises: Failure where there is nothing to search.
    """

    forms: tuple[str, ...]
    genes: int

    def __post_init__(self) -> None:
        if not self.forms or self.genes < 1:
            raise Failure(f"{len(self.forms)} forms and {self.genes} genes: give at least one of each")

    def neutral(self, form: str) -> Genome:
        """The form with every gene in the middle."""
        return Genome(form, (NEUTRAL,) * self.genes)

    def draw(self, rng: Random) -> Genome:
        """Any genome, all alike probable."""
        return Genome(rng.choice(self.forms), tuple(rng.random() for _ in range(self.genes)))


def mutated(genome: Genome, space: Space, rng: Random, *, sigma: float, change_form: float) -> Genome:
    """A neighbour: Gaussian steps of one strength, itself drawn up to `sigma`; rarely another form.

    Half of the genes move, and at least one, reflected at 0 and 1.
    """
    strength = sigma * rng.random()
    moving = [gene for gene in range(space.genes) if rng.random() < 0.5] or [rng.randrange(space.genes)]
    steps = {gene: rng.gauss(0.0, strength) for gene in moving}
    genes = tuple(_reflected(value + steps.get(gene, 0.0)) for gene, value in enumerate(genome.genes))
    form = rng.choice(space.forms) if rng.random() < change_form else genome.form
    return Genome(form, genes)


def merged(genomes: Sequence[Genome], space: Space, rng: Random) -> Genome:
    """The mean of the genes, in a form drawn from all."""
    columns = zip(*(genome.genes for genome in genomes), strict=True)
    return Genome(rng.choice(space.forms), tuple(fmean(column) for column in columns))


def distance(a: Genome, b: Genome) -> float:
    """From 0 to 1: half for another form, half for the mean distance of the genes."""
    apart = fmean(abs(x - y) for x, y in zip(a.genes, b.genes, strict=True))
    return 0.5 * (a.form != b.form) + 0.5 * apart


def _reflected(value: float) -> float:
    """Back into [0, 1] as a ball from two walls."""
    value = abs(value) % 2.0
    return 2.0 - value if value > 1.0 else value
