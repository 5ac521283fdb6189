from random import Random

import pytest
import torch

from bloomery.forge.evolving.genome import Genome, distance
from bloomery.forge.evomerge.space import COMBINATIONS, MergeSpace, soup_recipe
from bloomery.forge.merging.combos import combinations
from bloomery.forge.merging.merge import merge

LAYERS, PARENTS = 4, 3
MERGES = MergeSpace(PARENTS, LAYERS, seed=5)
FIRST = {child.genome.form: child.genome for child in MERGES.first()}


def model(seed):
    generator = torch.Generator().manual_seed(seed)
    names = ["embedding.weight", *(f"layers.{layer}.mlp.weight" for layer in range(LAYERS)), "norm.weight"]
    return {name: torch.randn(3, 4, generator=generator) for name in names}


BASE, TRIO = model(0), [model(seed) for seed in (1, 2, 3)]


def merged(genome):
    return merge(MERGES.recipe(genome), TRIO, BASE)


def changed(genome, genes):
    return Genome(genome.form, tuple(genes.get(place, gene) for place, gene in enumerate(genome.genes)))


@pytest.mark.parametrize("form", COMBINATIONS)
def test_generation_0_is_the_eight_combinations_to_the_bit(form):
    """The reference is the operators' own defaults."""
    expected = merge(combinations(seed=5)[form], TRIO, BASE)
    found = merged(FIRST[form])
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor)


def test_beside_the_combinations_stand_the_soup_and_task_arithmetic():
    """By hand: the parents' mean, and half-way to it from the base. float32 sums of four terms."""
    soup, arithmetic = merged(FIRST["linear"]), merged(FIRST["dare"])
    for name in BASE:
        mean = sum(parent[name] for parent in TRIO) / 3
        torch.testing.assert_close(soup[name], mean, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(arithmetic[name], (BASE[name] + mean) / 2, rtol=1e-5, atol=1e-6)


def test_soups_of_some_parents_are_in_it_as_they_are():
    *_, pair, single = MERGES.first([[0, 2], [1]])
    found, alone = merged(pair.genome), merged(single.genome)
    for name in BASE:
        torch.testing.assert_close(found[name], (TRIO[0][name] + TRIO[2][name]) / 2, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(alone[name], TRIO[1][name], rtol=1e-5, atol=1e-6)


def test_a_soup_that_is_there_already_does_not_come_twice():
    assert MERGES.first([[0, 1, 2]]) == MERGES.first()


def test_no_two_of_generation_0_are_alike():
    genomes = [child.genome for child in MERGES.first()]
    assert len(genomes) == 11
    assert all(distance(a, b) > 0 for i, a in enumerate(genomes) for b in genomes[:i])


def test_every_genome_is_a_recipe_that_merges():
    rng = Random(1)
    for _ in range(60):
        genome = MERGES.space.draw(rng)
        assert set(merged(genome)) == set(BASE)


@pytest.mark.parametrize("form", COMBINATIONS)
@pytest.mark.parametrize("extreme", [0.0, 1.0])
def test_the_corners_of_the_space_merge_too(form, extreme):
    found = merged(Genome(form, (extreme,) * MERGES.space.genes))
    assert all(bool(torch.isfinite(tensor).all()) for tensor in found.values())


def different(genome, other):
    found, before = merged(genome), merged(other)
    return {name for name in BASE if not torch.equal(found[name], before[name])}


def test_a_layers_factors_act_on_that_layer_alone():
    """Genes 6 to 8 are layer 0's, after the shared weights and those outside the layers."""
    plain = FIRST["linear"]
    alone = changed(plain, {6: 0.0, 7: 0.0, 8: 1.0})
    assert different(alone, plain) == {"layers.0.mlp.weight"}
    found = merged(alone)["layers.0.mlp.weight"]
    torch.testing.assert_close(found, TRIO[2]["layers.0.mlp.weight"], rtol=1e-5, atol=1e-6)


def test_the_first_genes_weigh_a_parent_everywhere_and_the_next_outside_the_layers():
    plain = FIRST["linear"]
    assert different(changed(plain, {0: 1.0}), plain) == set(BASE)
    assert different(changed(plain, {3: 1.0}), plain) == {"embedding.weight", "norm.weight"}


def test_shared_and_own_factors_multiply():
    """2 x 1 of the first parent to 1 of each other outside the layers: half of it, and a quarter of each."""
    recipe = MERGES.recipe(changed(FIRST["linear"], {0: 1.0, 6: 0.25}))
    assert recipe.weights == pytest.approx((2 / 3, 1 / 3, 1 / 3))
    assert recipe.layer_weights[0] == pytest.approx((1 / 3, 1 / 3, 1 / 3))


def test_a_row_without_any_weight_counts_all_parents_alike():
    assert MERGES.recipe(changed(FIRST["linear"], {0: 0.0, 1: 0.0, 2: 0.0})).weights == (1 / 3,) * 3


@pytest.mark.parametrize("form", ["slerp+ties+frankenmerge", "slerp+ties+dfs"])
def test_the_last_genes_choose_where_each_layer_comes_from(form):
    """(0, .5] is the merged layer; thirds of what is above are the parents."""
    start = MERGES.space.genes - LAYERS
    places = {start: 0.5, start + 1: 0.6, start + 2: 0.75, start + 3: 1.0}
    found = merged(changed(FIRST[form], places))
    for layer, parent in ((1, 0), (2, 1), (3, 2)):
        assert torch.equal(found[f"layers.{layer}.mlp.weight"], TRIO[parent][f"layers.{layer}.mlp.weight"])
    assert not any(torch.equal(found["layers.0.mlp.weight"], one["layers.0.mlp.weight"]) for one in TRIO)


def test_density_and_factor_have_their_genes():
    start = MERGES.space.genes - LAYERS - 2
    recipe = MERGES.recipe(changed(FIRST["ties"], {start: 0.75, start + 1: 0.25}))
    assert (recipe.density, recipe.lam) == (0.75, 0.5)


def test_a_soup_is_the_mean_of_its_members():
    found = merge(soup_recipe(("a", "c"), ("a", "b", "c")), TRIO)
    for name in BASE:
        torch.testing.assert_close(found[name], (TRIO[0][name] + TRIO[2][name]) / 2, rtol=1e-5, atol=1e-6)
