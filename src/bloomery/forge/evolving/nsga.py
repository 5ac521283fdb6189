"""NSGA-II: several objectives at once, all to be made small, and nothing weighed against anything.

The table of individuals is plain JSON and the whole state: what comes next follows from it and the seed.

Source: Deb et al. 2002 (NSGA-II): non-dominated sorting, crowding distance, binary tournaments, SBX (eta 15)
and polynomial mutation (eta 20), parents and children competing for the next population.
Differs: a genome has a categorical form beside its genes; it is either parent's, rarely another one. A genome
that was judged before is not proposed again as long as ten draws find another.
"""

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

import numpy as np

from bloomery.core.errors import Failure
from bloomery.forge.evolving.genome import Genome, Space

SBX, POLYNOMIAL, CROSSED, CHANGE_FORM, DRAWS = 15.0, 20.0, 0.9, 0.1, 10
Evaluate = Callable[[Mapping[str, Genome]], Mapping[str, Sequence[float]]]


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A genome with its objectives, each the better the smaller."""

    name: str
    generation: int
    genome: Genome
    parents: tuple[str, ...]
    objectives: tuple[float, ...]


def fronts(points: np.ndarray) -> list[list[int]]:
    """The places of the points, best front first: nobody in a front is dominated by the rest of it and after.

    Shapes: points (N, M)
    """
    no_worse = (points[:, None] <= points[None]).all(-1)
    dominates = np.asarray(no_worse & (points[:, None] < points[None]).any(-1))
    above, found, left = dominates.sum(0), [], set(range(len(points)))
    while left:
        front = sorted(one for one in left if above[one] == 0)
        found.append(front)
        left -= set(front)
        above = above - dominates[front].sum(0)
    return found


def crowding(points: np.ndarray) -> np.ndarray:
    """How far apart each point's neighbours are, summed over the objectives; at the ends infinite.

    Shapes: (N, M) -> (N,)
    """
    distance = np.zeros(len(points))
    for column in points.T:
        order = np.argsort(column, kind="stable")
        width = column[order[-1]] - column[order[0]]
        distance[order[[0, -1]]] = math.inf
        if width > 0:
            distance[order[1:-1]] += (column[order[2:]] - column[order[:-2]]) / width
    return distance


def ranked(pool: Sequence[Judged]) -> list[tuple[Judged, int, float]]:
    """Best first: by front, then the less crowded; of equals the one that was there first."""
    points = np.array([one.objectives for one in pool], dtype=float)
    found = []
    for rank, front in enumerate(fronts(points)):
        apart = crowding(points[front])
        found += [(pool[front[at]], rank, float(apart[at])) for at in np.argsort(-apart, kind="stable")]
    return found


def population(history: Sequence[Judged], size: int) -> list[tuple[Judged, int, float]]:
    """Who is alive after the last generation: each one's children competed with their parents."""
    alive: list[tuple[Judged, int, float]] = []
    for number in range(1 + max(one.generation for one in history)):
        born = [one for one in history if one.generation == number]
        alive = ranked([one for one, _, _ in alive] + born)[:size]
    return alive


def _itself(genome: Genome) -> Hashable:
    return genome


@dataclass(frozen=True, kw_only=True)
class Nsga:
    """`size` children a generation; the smaller `eta`, the further mutants go. Genomes of one `essence` are
    one candidate."""

    space: Space
    seed: int
    size: int
    eta: float = POLYNOMIAL
    essence: Callable[[Genome], Hashable] = _itself

    def propose(self, history: Sequence[Judged]) -> list[tuple[Genome, tuple[str, ...]]]:
        """The next generation's genomes with their parents' names."""
        rng = Random(f"nsga/{self.seed}/{1 + max(one.generation for one in history)}")
        alive = population(history, self.size)
        seen = {self.essence(one.genome) for one in history}
        children: list[tuple[Genome, tuple[str, ...]]] = []
        for _ in range(self.size):
            for _ in range(DRAWS):
                mother, father = (_tournament(alive, rng) for _ in range(2))
                child = mutated(crossed(mother.genome, father.genome, rng), self.space, rng, self.eta)
                if self.essence(child) not in seen:
                    break
            seen.add(self.essence(child))
            children.append((child, (mother.name, father.name)))
        return children


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Random search, at equal evaluations."""

    space: Space
    seed: int
    size: int

    def propose(self, history: Sequence[Judged]) -> list[tuple[Genome, tuple[str, ...]]]:
        rng = Random(f"drawn/{self.seed}/{1 + max(one.generation for one in history)}")
        return [(self.space.draw(rng), ()) for _ in range(self.size)]


def evolve_front(
    search: Nsga | Drawn,
    evaluate: Evaluate,
    first: Sequence[Genome],
    generations: int,
    *,
    history: Sequence[Judged] = (),
    after: Callable[[list[Judged]], None] = lambda _history: None,
) -> list[Judged]:
    """Everything that was judged. `first` is generation 0; `history` is what an earlier attempt remembers.

    `after` is called with the history after each generation; what it raises ends the search.
    Raises: Failure for objectives that are missing or not finite.
    """
    found = list(history)
    for number in range(1 + max((one.generation for one in found), default=-1), generations + 1):
        children = search.propose(found) if number else [(genome, ()) for genome in first]
        named = {f"{number}.{place}": child for place, child in enumerate(children, start=1)}
        judged = evaluate({name: genome for name, (genome, _) in named.items()})
        found += [
            Judged(
                name=name, generation=number, genome=genome, parents=parents,
                objectives=_finite(name, judged.get(name)),
            )
            for name, (genome, parents) in named.items()
        ]  # fmt: skip
        after(found)
    return found


def best_front(history: Sequence[Judged]) -> list[Judged]:
    """Whom nobody dominates; of equals the first."""
    unlike = {one.objectives: one for one in reversed(history)}
    pool = [one for one in history if unlike[one.objectives] is one]
    points = np.array([one.objectives for one in pool], dtype=float)
    return [pool[place] for place in fronts(points)[0]]


def knee(front: Sequence[Judged]) -> Judged:
    """The point furthest below the plane through the front's ends, each objective scaled to the front.

    Source: Das 1999 (normal-boundary intersection); with scaled objectives that is the smallest sum.
    """
    points = np.array([one.objectives for one in front], dtype=float)
    low, width = points.min(0), np.ptp(points, axis=0)
    scaled = (points - low) / np.where(width > 0, width, 1.0)
    return front[int(np.argmin(scaled.sum(1)))]


def coverage(ours: Sequence[Judged], theirs: Sequence[Judged]) -> float:
    """The share of theirs that one of ours equals or betters in every objective (Zitzler's C)."""
    a, b = (np.array([one.objectives for one in front], dtype=float) for front in (ours, theirs))
    return float((a[:, None] <= b[None]).all(-1).any(0).mean())


def crossed(mother: Genome, father: Genome, rng: Random) -> Genome:
    """SBX, one of the two children; the form of either."""
    form = rng.choice((mother.form, father.form))
    if rng.random() > CROSSED:
        return Genome(form, mother.genes)
    return Genome(form, tuple(_sbx(a, b, rng) for a, b in zip(mother.genes, father.genes, strict=True)))


def mutated(genome: Genome, space: Space, rng: Random, eta: float) -> Genome:
    """Polynomial mutation of one gene in `space.genes`, on average; rarely another form."""
    genes = tuple(
        _polynomial(gene, rng, eta) if rng.random() < 1 / space.genes else gene for gene in genome.genes
    )
    form = rng.choice(space.forms) if rng.random() < CHANGE_FORM else genome.form
    return Genome(form, genes)


def _tournament(alive: Sequence[tuple[Judged, int, float]], rng: Random) -> Judged:
    """`alive` is best first, so the smaller place wins."""
    return alive[min(rng.randrange(len(alive)), rng.randrange(len(alive)))][0]


def _sbx(a: float, b: float, rng: Random) -> float:
    """One gene of a child: near either parent's, by how far the parents are apart."""
    if rng.random() < 0.5:
        a, b = b, a
    if rng.random() < 0.5:
        return a
    u = rng.random()
    beta = (2 * u) ** (1 / (SBX + 1)) if u < 0.5 else (1 / (2 * (1 - u))) ** (1 / (SBX + 1))
    return _clipped(0.5 * ((1 + beta) * a + (1 - beta) * b))


def _polynomial(gene: float, rng: Random, eta: float) -> float:
    u = rng.random()
    power = 1 / (eta + 1)
    return _clipped(gene + ((2 * u) ** power - 1 if u < 0.5 else 1 - (2 * (1 - u)) ** power))


def _clipped(value: float) -> float:
    return min(1.0, max(0.0, value))


def _finite(name: str, objectives: Sequence[float] | None) -> tuple[float, ...]:
    if objectives is None or not all(map(math.isfinite, objectives)):
        raise Failure(f"candidate {name} has objectives {objectives}; finite numbers were expected")
    return tuple(float(one) for one in objectives)


def to_plain(history: Sequence[Judged]) -> list[dict[str, Any]]:
    """JSON-able, to the bit; `from_plain` is the inverse."""
    return [asdict(one) for one in history]


def from_plain(values: Sequence[Mapping[str, Any]]) -> list[Judged]:
    return [
        Judged(
            name=one["name"], generation=one["generation"],
            genome=Genome(one["genome"]["form"], tuple(one["genome"]["genes"])),
            parents=tuple(one["parents"]), objectives=tuple(one["objectives"]),
        )
        for one in values
    ]  # fmt: skip
