"""The merges that a search may propose: which recipe a genome stands for. Imports no torch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bloomery.forge.evolving.genome import NEUTRAL, Genome, Space
from bloomery.forge.evolving.history import Child
from bloomery.forge.merging.combos import combinations
from bloomery.forge.merging.dfs import alternating
from bloomery.forge.merging.frankenmerge import blocks
from bloomery.forge.merging.layers import MERGED
from bloomery.forge.merging.recipe import DENSITY, MergeRecipe

COMBINATIONS = tuple(combinations())
PLAIN = ("linear", "ties", "dare")
SMALLEST = 0.01  # density: a task vector keeps something


@dataclass(frozen=True)
class MergeSpace:
    """Merges of so many parents with so many layers; `seed` is that of DARE's masks.

    A genome's genes are, in this order: a weight for each parent; a factor of that weight outside the layers,
    and in each layer; the density; the factor of the task vectors; and for each layer where frankenmerge or
    DFS take it from. In the middle all parents weigh 1/N, factors are 1, and every layer is the merged one.

    Source: arXiv 2403.13187, section 3.1 (coefficients a layer)
    Differs: a weight has a part that all layers share, so that one gene can move a parent as a whole; a path
    of DFS visits every layer once and in order, so that the model keeps its depth.
    """

    parents: int
    layers: int
    seed: int

    @property
    def space(self) -> Space:
        return Space(COMBINATIONS + PLAIN, self._weights() + 2 + self.layers)

    def first(self, soups: Iterable[Sequence[int]] = ()) -> list[Child]:
        """Generation 0: the eight combinations; the uniform soup; TIES from the base; task arithmetic (DARE
        that drops nothing) half-way from the base to that soup; soups of some parents, by their places."""
        density = {form: DENSITY[form.split("+")[1]] for form in COMBINATIONS} | {"ties": DENSITY["ties"]}
        genomes = [self._genome(form, density.get(form, 1.0)) for form in self.space.forms]
        genomes += [self._soup(members) for members in soups]
        return [Child(genome=genome, operator="given") for genome in dict.fromkeys(genomes)]

    def recipe(self, genome: Genome) -> MergeRecipe:
        methods = tuple(genome.form.split("+"))
        rows, (density, factor), places = self._parts(genome.genes)
        shared, *local = [tuple(2 * gene for gene in row) for row in rows]
        outside, *layers = [self._weighted(shared, row) for row in local]
        sources = tuple(self._source(place) for place in places)
        return MergeRecipe(
            methods=methods,  # type: ignore[arg-type]  # the forms are made of methods
            weights=outside,
            layer_weights=tuple(layers),
            density=max(SMALLEST, density),
            lam=2 * factor,
            sources=sources if "frankenmerge" in methods else (),
            path=tuple((source, layer) for layer, source in enumerate(sources)) if "dfs" in methods else (),
            seed=self.seed,
        )

    def _weights(self) -> int:
        return self.parents * (self.layers + 2)

    def _parts(
        self, genes: tuple[float, ...]
    ) -> tuple[list[tuple[float, ...]], tuple[float, ...], tuple[float, ...]]:
        end = self._weights()
        rows = [genes[start : start + self.parents] for start in range(0, end, self.parents)]
        return rows, genes[end : end + 2], genes[end + 2 :]

    def _weighted(self, shared: tuple[float, ...], local: tuple[float, ...]) -> tuple[float, ...]:
        """Equal weights where none is above 0: they cannot be normalised."""
        weights = tuple(a * b / self.parents for a, b in zip(shared, local, strict=True))
        return weights if sum(weights) > 1e-6 else (1.0 / self.parents,) * self.parents

    def _source(self, gene: float) -> int:
        """The merged layer up to the middle, above it the parents in equal shares."""
        return MERGED if gene <= NEUTRAL else min(self.parents - 1, int((2 * gene - 1) * self.parents))

    def _place(self, source: int) -> float:
        """A gene that stands for this source, in the middle of its share."""
        return NEUTRAL / 2 if source == MERGED else NEUTRAL + (source + 0.5) / (2 * self.parents)

    def _genome(self, form: str, density: float) -> Genome:
        """The form with its method's own defaults, where it has any."""
        layout = (MERGED,) * self.layers
        if "frankenmerge" in form:
            layout = blocks(self.layers, self.parents)
        elif "dfs" in form:
            layout = tuple(source for source, _ in alternating(self.layers, self.parents, merged=True))
        factor = NEUTRAL / 2 if form == "dare" else NEUTRAL
        genes = (NEUTRAL,) * self._weights() + (density, factor) + tuple(self._place(one) for one in layout)
        return Genome(form, genes)

    def _soup(self, members: Sequence[int]) -> Genome:
        soup = self._genome("linear", 1.0)
        shares = tuple(NEUTRAL if place in members else 0.0 for place in range(self.parents))
        return Genome("linear", shares + soup.genes[self.parents :])


def soup_recipe(members: tuple[str, ...], parents: tuple[str, ...]) -> MergeRecipe:
    """The mean of the members, among these parents."""
    return MergeRecipe(methods=("linear",), weights=tuple(float(name in members) for name in parents))
