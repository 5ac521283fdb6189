from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bloomery.core.errors import Failure
from bloomery.forge.evolving.genome import Genome, Space, distance, merged, mutated

SPACE = Space(("a", "b"), 3)
GENES = st.tuples(*[st.floats(0, 1)] * 3)


def mutant(genome, seed, **settings):
    return mutated(genome, SPACE, Random(seed), **{"sigma": 0.2, "change_form": 0.0} | settings)


def test_distances_by_hand():
    assert distance(Genome("a", (0.0, 0.0)), Genome("a", (1.0, 0.5))) == pytest.approx(0.375)
    assert distance(Genome("a", (0.5,)), Genome("b", (0.5,))) == 0.5
    assert distance(Genome("a", (0.0,)), Genome("b", (1.0,))) == 1.0


@given(GENES, GENES, GENES)
def test_distance_is_a_metric(x, y, z):
    a, b, c = Genome("a", x), Genome("b", y), Genome("a", z)
    assert distance(a, a) == 0.0
    assert distance(a, b) == distance(b, a)
    assert distance(a, c) <= distance(a, b) + distance(b, c) + 1e-12  # rounding of six sums


@given(GENES, st.integers(0, 1000), st.floats(0.01, 1.0))
def test_a_mutant_stays_inside_and_differs(genes, seed, sigma):
    parent = Genome("a", genes)
    child = mutant(parent, seed, sigma=sigma)
    assert all(0.0 <= gene <= 1.0 for gene in child.genes)
    assert child.form == "a"
    assert child != parent


def test_mutants_are_within_their_strength():
    """A step is a normal one times a uniform share of sigma: its deviation is sigma / sqrt(3)."""
    steps = [
        gene - 0.5
        for seed in range(2000)
        for gene in mutant(SPACE.neutral("a"), seed, sigma=0.1).genes
        if gene != 0.5
    ]
    deviation = (sum(step**2 for step in steps) / len(steps)) ** 0.5
    assert deviation == pytest.approx(0.1 / 3**0.5, rel=0.06)  # 3000 heavy-tailed draws: 2.5 standard errors
    assert 0.5 < len(steps) / 6000 < 0.58  # half of the genes, and one where that would be none: 13/24


def test_the_form_changes_as_often_as_asked():
    others = sum(mutant(SPACE.neutral("a"), seed, change_form=0.5).form == "b" for seed in range(1000))
    assert 200 < others < 300  # a form drawn in half of the cases is the other one in a quarter


def test_merging_averages_the_genes():
    parents = [Genome("a", (0.0, 0.3, 1.0)), Genome("a", (0.5, 0.3, 0.0)), Genome("b", (1.0, 0.3, 0.5))]
    assert merged(parents, SPACE, Random(0)).genes == pytest.approx((0.5, 0.3, 0.5))
    assert {merged(parents, SPACE, Random(seed)).form for seed in range(20)} == {"a", "b"}


def test_merging_a_genome_with_itself_returns_its_genes():
    parent = Genome("a", (0.25, 0.5, 0.75))
    assert merged([parent] * 3, SPACE, Random(0)).genes == parent.genes


@pytest.mark.parametrize(("forms", "genes"), [((), 3), (("a",), 0)])
def test_an_empty_space_is_refused(forms, genes):
    with pytest.raises(Failure, match="at least one of each"):
        Space(forms, genes)
