"""What every merge method must hold, whichever it is: a newcomer in RANK is tested on arrival."""

import pytest
import torch

from bloomery.forge.merging.merge import merge
from bloomery.forge.merging.recipe import DENSITY, RANK, MergeRecipe
from bloomery.forge.merging.tensorwise import OPERATORS
from tests.forge.merging.families import equal, specialists

METHODS = tuple(RANK)
DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)


def recipe_of(method, **coefficients):
    return MergeRecipe(methods=(method,), **coefficients)


def test_every_method_that_computes_has_an_operator_and_no_other():
    assert {method for method, rank in RANK.items() if rank < 2} == set(OPERATORS)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_shapes_and_types_are_the_parents_and_all_is_finite(method, dtype):
    base, parents = specialists(3, dtype)
    merged = merge(recipe_of(method), parents, base)
    assert {k: (x.shape, x.dtype) for k, x in merged.items()} == {
        k: (x.shape, x.dtype) for k, x in base.items()
    }
    assert all(torch.isfinite(x).all() for x in merged.values())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_equal_models_merge_into_themselves_to_the_bit(method, dtype):
    base, _ = specialists(1, dtype)
    merged = merge(recipe_of(method), [base] * 3, base)
    assert equal(merged, base)


@pytest.mark.parametrize("method", METHODS)
def test_inputs_stay_as_they_are_and_nothing_of_them_is_shared(method):
    base, parents = specialists(2)
    copies = [{name: x.clone() for name, x in model.items()} for model in (base, *parents)]
    merged = merge(recipe_of(method), parents, base)
    for tensor in merged.values():
        tensor.fill_(99.0)
    assert all(equal(model, copy) for model, copy in zip((base, *parents), copies, strict=True))


@pytest.mark.parametrize("method", METHODS)
def test_the_same_merge_twice_gives_the_same_bits_and_leaves_the_global_generator_alone(method):
    base, parents = specialists(2)
    before = torch.get_rng_state()
    one = merge(recipe_of(method, seed=3), parents, base)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(5)
    assert equal(one, merge(recipe_of(method, seed=3), parents, base))


@pytest.mark.parametrize("method", METHODS)
def test_it_is_another_model_than_each_parent(method):
    _, parents = specialists(2)
    base, _ = specialists(1)
    merged = merge(recipe_of(method), parents, base)
    assert not any(equal(merged, p) for p in parents)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(0,), (), (1,), (1, 1, 3)])
def test_odd_shapes_pass_through(method, shape):
    shapes = {"layers.0.weight": shape, "layers.1.weight": (2,)}
    base, parents = specialists(2, shapes=shapes)
    density = {"density": 1.0} if method in DENSITY else {}
    merged = merge(recipe_of(method, **density), parents, base)["layers.0.weight"]
    assert merged.shape == shape
    of = [model["layers.0.weight"].double() for model in (base, *parents)]
    # slerp is a straight line where the cosine is above .9995: 1 / cos(half the angle) is 1.3e-4 from 1 there
    torch.testing.assert_close(merged.double(), by_hand(method, *of), rtol=2e-4, atol=1e-6)


def by_hand(method, base, one, two):
    """Two parents' merge with equal weights that drops nothing, in float64."""
    if method in ("frankenmerge", "dfs"):
        return one  # the first layer is the first parent's
    mean = (one + two) / 2
    if method == "slerp" and one.numel() > 1:
        cosine = (one * two).sum() / (one.norm() * two.norm())
        return mean / torch.sqrt((1 + cosine) / 2)
    if method == "ties":
        moves = torch.stack([one - base, two - base])
        agree = moves.sign() == moves.sum(0).sign()
        return base + (moves * agree).sum(0) / agree.sum(0)
    return mean


@pytest.mark.parametrize("method", [method for method, rank in RANK.items() if rank < 2])
def test_where_the_weight_is_all_on_one_model_it_is_that_model(method):
    base, parents = specialists(3)
    merged = merge(recipe_of(method, weights=(0.0, 1.0, 0.0), density=1.0), parents, base)
    for name, tensor in merged.items():
        # base + (model - base), in float32 at numbers of size 4
        torch.testing.assert_close(tensor, parents[1][name], rtol=0, atol=1e-6)


@pytest.mark.parametrize("method", [method for method, rank in RANK.items() if rank < 2])
def test_memory_that_is_not_contiguous_changes_nothing(method):
    base, parents = specialists(2)
    strided = [{k: x.t().contiguous().t() if x.dim() == 2 else x for k, x in p.items()} for p in parents]
    assert any(not x.is_contiguous() for x in strided[0].values())
    merged, other = (merge(recipe_of(method, seed=1), models, base) for models in (parents, strided))
    for name in merged:
        # a sum taken in another order differs in its last bits
        torch.testing.assert_close(merged[name], other[name], rtol=1e-5, atol=1e-6)
