"""The merges that a search may propose: which recipe a genome stands for. Imports no torch."""

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
SMALLEST = 0.01  # of a weight and of a density: SLERP needs one above zero, a task vector something to keep


@dataclass(frozen=True)
class MergeSpace:
    """Merges of so many parents with so many layers; `seed` is that of DARE's masks.

    A genome's genes are, in this order: a weight for each parent, outside the layers and then in each layer;
    the density; the factor of the task vectors; and for each layer where frankenmerge or DFS take it from.
    In the middle, weights are equal, the factor is 1, and every layer is the merged one.

    Source: arXiv 2403.13187, section 3.1 (coefficients a layer)
    Differs: a path of DFS visits every layer once and in order, so that the model keeps its depth.
    """

    parents: int
    layers: int
    seed: int

    @property
    def space(self) -> Space:
        return Space(COMBINATIONS + PLAIN, self._weights() + 2 + self.layers)

    def first(self) -> list[Child]:
        """Generation 0: the eight combinations, and beside them the plain soup, TIES and task arithmetic."""
        combined = [self._genome(form, DENSITY[form.split("+")[1]]) for form in COMBINATIONS]
        density = {"linear": NEUTRAL, "ties": DENSITY["ties"], "dare": 1.0}
        plain = [self._genome(form, density[form]) for form in PLAIN]
        return [Child(genome=genome, operator="given") for genome in combined + plain]

    def recipe(self, genome: Genome) -> MergeRecipe:
        """DARE alone sums whole task vectors in the middle; everything else takes the parents' mean."""
        methods = tuple(genome.form.split("+"))
        share = 1.0 if methods == ("dare",) else 1.0 / self.parents
        weights, (density, factor), places = self._parts(genome.genes)
        outside, *rows = [tuple(max(SMALLEST, 2 * gene) * share for gene in row) for row in weights]
        sources = tuple(self._source(place) for place in places)
        return MergeRecipe(
            methods=methods,  # type: ignore[arg-type]  # the forms are made of methods
            weights=outside,
            layer_weights=tuple(rows),
            density=max(SMALLEST, density),
            lam=2 * factor,
            sources=sources if "frankenmerge" in methods else (),
            path=tuple((source, layer) for layer, source in enumerate(sources)) if "dfs" in methods else (),
            seed=self.seed,
        )

    def _weights(self) -> int:
        return self.parents * (self.layers + 1)

    def _parts(
        self, genes: tuple[float, ...]
    ) -> tuple[list[tuple[float, ...]], tuple[float, ...], tuple[float, ...]]:
        end = self._weights()
        rows = [genes[start : start + self.parents] for start in range(0, end, self.parents)]
        return rows, genes[end : end + 2], genes[end + 2 :]

    def _source(self, gene: float) -> int:
        """The merged layer up to the middle, above it the parents in equal shares."""
        return MERGED if gene <= NEUTRAL else min(self.parents - 1, int((2 * gene - 1) * self.parents))

    def _place(self, source: int) -> float:
        """A gene that stands for this source, in the middle of its share."""
        return NEUTRAL / 2 if source == MERGED else NEUTRAL + (source + 0.5) / (2 * self.parents)

    def _genome(self, form: str, density: float) -> Genome:
        """The form as its method's own defaults have it."""
        layout = (MERGED,) * self.layers
        if "frankenmerge" in form:
            layout = blocks(self.layers, self.parents)
        elif "dfs" in form:
            layout = tuple(source for source, _ in alternating(self.layers, self.parents, merged=True))
        genes = (NEUTRAL,) * self._weights() + (density, NEUTRAL) + tuple(self._place(one) for one in layout)
        return Genome(form, genes)


def soup_recipe(members: tuple[str, ...], parents: tuple[str, ...]) -> MergeRecipe:
    """The mean of the members, among these parents."""
    return MergeRecipe(methods=("linear",), weights=tuple(float(name in members) for name in parents))
