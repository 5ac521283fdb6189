"""Layers by their names, and the two methods that only choose among them."""

import pytest

from bloomery.core.errors import ConfigError, FormatRefused
from bloomery.forge.merging.dfs import alternating, dfs
from bloomery.forge.merging.frankenmerge import blocks, frankenmerge
from bloomery.forge.merging.layers import MERGED, depth_of, layer_of

NAMES = ["embed.weight", "h.0.up.weight", "h.0.experts.5.weight", "h.1.up.weight", "norm.weight"]


def test_the_layer_is_the_outermost_number_in_a_name():
    assert layer_of(NAMES) == {"h.0.up.weight": 0, "h.0.experts.5.weight": 0, "h.1.up.weight": 1}
    assert depth_of(NAMES) == 2


def test_of_several_numbered_lists_the_largest_is_the_stack():
    names = ["extra.heads.7.weight", "model.layers.0.a", "model.layers.0.b", "model.layers.1.a"]
    assert layer_of(names) == {"model.layers.0.a": 0, "model.layers.0.b": 0, "model.layers.1.a": 1}


def test_a_list_of_layers_may_have_no_name():
    assert layer_of(["0.weight", "1.weight", "head.weight"]) == {"0.weight": 0, "1.weight": 1}


def test_a_model_without_layers_has_none():
    assert layer_of(["weight", "bias"]) == {}
    with pytest.raises(FormatRefused, match="no layers"):
        depth_of(["weight", "bias"])


def test_frankenmerge_takes_each_layer_whole_and_leaves_it_in_place():
    arranged = frankenmerge(NAMES, sources=[2, MERGED], outside=0)
    assert arranged == {
        "embed.weight": (0, "embed.weight"),
        "norm.weight": (0, "norm.weight"),
        "h.0.up.weight": (2, "h.0.up.weight"),
        "h.0.experts.5.weight": (2, "h.0.experts.5.weight"),
        "h.1.up.weight": (MERGED, "h.1.up.weight"),
    }


def test_frankenmerge_wants_a_source_for_each_layer():
    with pytest.raises(ConfigError, match="1 sources for 2 layers"):
        frankenmerge(NAMES, sources=[0], outside=0)


@pytest.mark.parametrize(
    ("depth", "parents", "expected"),
    [(6, 3, (0, 0, 1, 1, 2, 2)), (4, 3, (0, 0, 1, 2)), (1, 3, (0,)), (2, 3, (0, 1))],
)
def test_blocks_are_contiguous_and_as_even_as_they_come(depth, parents, expected):
    assert blocks(depth, parents) == expected


def test_dfs_repeats_reorders_and_leaves_out_layers():
    arranged = dfs(NAMES, path=[(1, 1), (0, 0), (1, 1)], outside=MERGED)
    assert arranged == {
        "embed.weight": (MERGED, "embed.weight"),
        "norm.weight": (MERGED, "norm.weight"),
        "h.0.up.weight": (1, "h.1.up.weight"),
        "h.1.up.weight": (0, "h.0.up.weight"),
        "h.1.experts.5.weight": (0, "h.0.experts.5.weight"),
        "h.2.up.weight": (1, "h.1.up.weight"),
    }


@pytest.mark.parametrize(
    ("path", "message"), [([], "is empty"), ([(0, 2)], "visits layer 2, expected one of 0 to 1")]
)
def test_a_path_that_leads_nowhere_is_refused(path, message):
    with pytest.raises(ConfigError, match=message):
        dfs(NAMES, path=path, outside=0)


def test_the_alternating_path_visits_every_layer_in_order():
    assert alternating(5, 2, merged=True) == ((MERGED, 0), (0, 1), (MERGED, 2), (1, 3), (MERGED, 4))
    assert alternating(3, 2, merged=False) == ((0, 0), (1, 1), (0, 2))
