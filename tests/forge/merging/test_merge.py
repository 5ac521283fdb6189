"""Whole models in memory."""

import pytest
import torch

from bloomery.core.errors import ConfigError, FormatRefused
from bloomery.forge.merging.merge import merge
from bloomery.forge.merging.recipe import RANK, MergeRecipe
from tests.forge.merging.families import equal, random_model, specialists

DARE = MergeRecipe(methods=("dare",), density=0.5)


def test_dare_s_masks_depend_on_the_seed_and_the_tensor_s_name_alone():
    base, parents = specialists(2)
    merged = merge(DARE, parents, base)
    turned = [dict(reversed(list(model.items()))) for model in parents]
    some = {name: base[name] for name in list(base)[2:4]}
    few = merge(DARE, [{name: model[name] for name in some} for model in parents], some)
    assert all(torch.equal(merge(DARE, turned, base)[name], merged[name]) for name in base)
    assert all(torch.equal(few[name], merged[name]) for name in some)
    # two tensors of equal shape have masks of their own
    zero, ones = ({name: torch.full_like(x, fill) for name, x in base.items()} for fill in (0.0, 1.0))
    masks = merge(DARE, [ones], zero)
    assert not torch.equal(masks["layers.0.up.weight"], masks["layers.1.up.weight"])
    other = merge(MergeRecipe(methods=("dare",), density=0.5, seed=1), [ones], zero)
    assert not torch.equal(masks["layers.0.up.weight"], other["layers.0.up.weight"])


def test_weights_of_layers_hold_in_their_layer_and_the_others_elsewhere():
    _, (a, b) = specialists(2)
    recipe = MergeRecipe(methods=("linear",), weights=(0, 1), layer_weights=((1, 0), (1, 3)))
    merged = merge(recipe, [a, b])
    # to rounding: with weights 0 and 1 the mean is a + (b - a)
    torch.testing.assert_close(merged["embed.weight"], b["embed.weight"])
    assert torch.equal(merged["layers.0.up.weight"], a["layers.0.up.weight"])
    quarter = 0.25 * a["layers.1.up.bias"] + 0.75 * b["layers.1.up.bias"]
    torch.testing.assert_close(merged["layers.1.up.bias"], quarter)


def test_layer_weights_of_another_depth_are_refused():
    _, parents = specialists(2)
    with pytest.raises(ConfigError, match="1 rows of layer_weights for 2 layers"):
        merge(MergeRecipe(methods=("linear",), layer_weights=((1, 1),)), parents)


def test_frankenmerge_alone_takes_what_lies_outside_layers_from_parent_0():
    _, parents = specialists(2)
    merged = merge(MergeRecipe(methods=("frankenmerge",), sources=(1, 0)), parents)
    sources = {name: 1 if name.startswith("layers.0") else 0 for name in merged}
    assert equal({name: parents[source][name] for name, source in sources.items()}, merged)


def test_dfs_makes_deeper_models_whose_layers_share_no_memory():
    _, parents = specialists(2)
    merged = merge(MergeRecipe(methods=("dfs",), path=((0, 0), (1, 0), (0, 0))), parents)
    assert torch.equal(merged["layers.2.up.weight"], merged["layers.0.up.weight"])
    assert torch.equal(merged["layers.1.up.weight"], parents[1]["layers.0.up.weight"])
    assert len({x.data_ptr() for x in merged.values()}) == len(merged)


def test_what_dfs_takes_from_parents_is_in_parent_0_s_type():
    _, (a, b) = specialists(2)
    half = {name: x.bfloat16() for name, x in a.items()}
    merged = merge(MergeRecipe(methods=("dfs",), path=((1, 0), (0, 1))), [half, b])
    assert {x.dtype for x in merged.values()} == {torch.bfloat16}


def test_later_methods_work_on_what_the_earlier_ones_made():
    _, (a, b) = specialists(2)
    blend = merge(MergeRecipe(methods=("linear",), weights=(3, 1)), [a, b])
    after = merge(MergeRecipe(methods=("linear", "ties"), weights=(3, 1)), [a, b])
    alone = merge(MergeRecipe(methods=("ties",), weights=(3, 1)), [a, b], blend)
    assert equal(after, alone)
    sources = merge(
        MergeRecipe(methods=("linear", "ties", "frankenmerge"), weights=(3, 1), sources=(-1, 1)), [a, b]
    )
    expected = {name: b[name] if name.startswith("layers.1") else after[name] for name in sources}
    assert equal(sources, expected)


def test_between_methods_bfloat16_is_not_rounded():
    _, parents = specialists(2, torch.bfloat16)
    wide = [{name: x.float() for name, x in parent.items()} for parent in parents]
    recipe = MergeRecipe(methods=("slerp", "ties"), density=0.5)
    exact = {name: x.bfloat16() for name, x in merge(recipe, wide).items()}
    assert equal(merge(recipe, parents), exact)


def test_tied_tensors_are_merged_once_and_stay_tied():
    base, parents = specialists(2)
    for model in (base, *parents):
        model["head.weight"] = model["embed.weight"]
    merged = merge(DARE, parents, base)
    assert merged["head.weight"] is merged["embed.weight"]
    untied = merge(DARE, [{**p, "head.weight": p["embed.weight"].clone()} for p in parents], base)
    assert torch.equal(untied["embed.weight"], merged["embed.weight"])
    assert not torch.equal(untied["head.weight"], untied["embed.weight"])


def test_counters_and_masks_come_from_parent_0_when_all_agree():
    _, parents = specialists(2)
    for parent in parents:
        parent["steps"] = torch.tensor(7)
    merged = merge(MergeRecipe(methods=("linear",)), parents)["steps"]
    merged += 1
    assert (merged.item(), parents[0]["steps"].item()) == (8, 7)
    parents[1]["steps"] = torch.tensor(8)
    with pytest.raises(
        FormatRefused, match=r"steps holds torch\.int64, which has no mean, and model 1 differs"
    ):
        merge(MergeRecipe(methods=("linear",)), parents)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("method", RANK)
def test_weights_that_are_not_finite_are_named_with_their_model(method, bad):
    base, parents = specialists(2)
    parents[1]["layers.1.up.bias"][3] = bad
    with pytest.raises(FormatRefused, match=r"layers\.1\.up\.bias of model 1 holds NaN or infinite"):
        merge(MergeRecipe(methods=(method,)), parents, base)


def test_a_base_that_is_not_finite_is_named():
    base, parents = specialists(2)
    base["norm.weight"][0] = float("nan")
    with pytest.raises(FormatRefused, match=r"norm\.weight of the base"):
        merge(MergeRecipe(methods=("ties",)), parents, base)


def test_large_finite_weights_are_not_taken_for_infinite_ones():
    _, parents = specialists(2)
    for parent in parents:
        parent["embed.weight"].fill_(3e38)  # their sum is beyond float32, they are not
    merged = merge(MergeRecipe(methods=("linear",)), parents)
    assert torch.equal(merged["embed.weight"], parents[0]["embed.weight"])


def test_a_result_beyond_its_type_is_refused_rather_than_infinite():
    zero = {"weight": torch.zeros(64, dtype=torch.float16)}
    big = {"weight": torch.full((64,), 6e4, dtype=torch.float16)}
    with pytest.raises(FormatRefused, match=r"weight grew beyond what torch\.float16 can hold"):
        merge(MergeRecipe(methods=("dare",), density=0.5), [big], zero)


def test_models_of_different_shapes_are_refused_with_the_tensors_that_differ():
    _, (a, b) = specialists(2)
    b = {**b, "embed.weight": torch.zeros(9, 6), "extra": torch.zeros(1)}
    del b["norm.weight"]
    with pytest.raises(FormatRefused) as caught:
        merge(MergeRecipe(methods=("linear",)), [a, b])
    message = str(caught.value)
    assert "embed.weight is (7, 6) in model 0 and (9, 6) in model 1" in message
    assert "norm.weight is missing from model 1" in message
    assert "extra is missing from model 0" in message
    assert "\n" not in message


def test_many_differences_are_counted_not_listed():
    _, (a, _) = specialists(2)
    with pytest.raises(FormatRefused, match=r"; 3 more$"):
        merge(MergeRecipe(methods=("linear",)), [a, {name: torch.zeros(1) for name in a}])


def test_the_base_is_compared_where_it_is_used_and_only_there():
    _, parents = specialists(2)
    other = random_model(9, shapes={"embed.weight": (9, 9)})
    with pytest.raises(FormatRefused, match="the base and model 0 are of different"):
        merge(MergeRecipe(methods=("ties",)), parents, other)
    without = merge(MergeRecipe(methods=("linear",)), parents)
    assert equal(merge(MergeRecipe(methods=("linear",)), parents, other), without)


def test_parameters_that_train_are_merged_off_the_graph():
    base, parents = specialists(2)
    trained = [{name: torch.nn.Parameter(x) for name, x in parent.items()} for parent in parents]
    for methods in (("linear",), ("slerp",), ("ties",), ("dare",), ("dfs",)):
        merged = merge(MergeRecipe(methods=methods), trained, base)
        assert not any(x.requires_grad for x in merged.values())
        assert equal(merged, merge(MergeRecipe(methods=methods), parents, base))
