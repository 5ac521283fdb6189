"""The eight combinations of the seed."""

from itertools import combinations as pairs

import pytest
import torch

from bloomery.forge.merging.combos import BITS, combinations
from bloomery.forge.merging.merge import merge
from bloomery.forge.merging.recipe import MergeRecipe
from tests.forge.merging.families import SHAPES, equal, specialists

ONE_LAYER = {name: shape for name, shape in SHAPES.items() if "layers.1" not in name}


def test_there_are_eight_and_each_stage_has_its_two_methods_in_half_of_them():
    names = [name.split("+") for name in combinations()]
    assert len(names) == 8
    assert [{name[stage] for name in names} for stage in range(3)] == [
        {"linear", "slerp"}, {"dare", "ties"}, {"frankenmerge", "dfs"},
    ]  # fmt: skip


@pytest.mark.parametrize("shapes", [SHAPES, ONE_LAYER], ids=["two layers", "one layer"])
def test_all_eight_differ_from_each_other_from_the_parents_and_from_the_mean(shapes):
    _, parents = specialists(3, shapes=shapes)
    results = {name: merge(recipe, parents) for name, recipe in combinations().items()}
    results["mean"] = merge(MergeRecipe(methods=("linear",)), parents)
    results |= {f"parent {n}": parent for n, parent in enumerate(parents)}
    alike = [(a, b) for a, b in pairs(results, 2) if equal(results[a], results[b])]
    assert alike == []


@pytest.mark.parametrize("stage", [0, 1, 2])
def test_every_stage_changes_what_comes_out(stage):
    """In the seed's origin frankenmerge threw the stages before it away: four combinations were one."""
    _, parents = specialists(3)
    recipes = {recipe.methods: recipe for recipe in combinations().values()}
    for methods in recipes:
        (swapped,) = [m for m in BITS[stage] if m != methods[stage]]
        other = (*methods[:stage], swapped, *methods[stage + 1 :])
        ours, theirs = merge(recipes[methods], parents), merge(recipes[other], parents)
        assert not equal(ours, theirs), (methods, other)


@pytest.mark.parametrize("name", combinations())
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_equal_models_merge_into_themselves_to_the_bit(name, dtype):
    _, (model, _) = specialists(2, dtype)
    merged = merge(combinations()[name], [model] * 3)
    assert equal(merged, model)


@pytest.mark.parametrize("name", combinations())
def test_no_weight_is_far_from_the_parents(name):
    """A stage that shrinks weights (the origin's DFS took a norm of 4.63 to 0.046) destroys the model."""
    _, parents = specialists(3)
    merged = merge(combinations()[name], parents)
    for key, tensor in merged.items():
        norms = [float(parent[key].norm()) for parent in parents]
        assert 0.8 * min(norms) < float(tensor.norm()) < 1.5 * max(norms), key
