"""Merges as data: what a recipe may say, and that it survives a file."""

import json
import subprocess
import sys

import pytest

from bloomery.core.config import build, to_plain
from bloomery.core.errors import ConfigError
from bloomery.forge.merging.recipe import MergeRecipe

FULL = MergeRecipe(
    methods=("slerp", "dare", "dfs"), weights=(0.5, 0.25), layer_weights=((1.0, 0.0), (0.0, 1.0)),
    density=0.3, rescale="l1", elect_signs=True, lam=0.8, path=((-1, 0), (1, 1)), seed=4,
)  # fmt: skip


def test_a_recipe_comes_back_from_json():
    assert build(MergeRecipe, json.loads(json.dumps(to_plain(FULL)))) == FULL


@pytest.mark.parametrize(
    "methods",
    [(), ("mean",), ("ties", "linear"), ("linear", "slerp"), ("dfs", "frankenmerge"), ("ties", "ties")],
)
def test_methods_out_of_order_or_unknown_are_refused(methods):
    with pytest.raises(ConfigError, match="expected some of linear or slerp"):
        MergeRecipe(methods=methods)


@pytest.mark.parametrize("density", [0.0, -1.0, 1.5, float("nan")])
def test_a_density_that_is_no_share_is_refused(density):
    with pytest.raises(ConfigError, match="density is"):
        MergeRecipe(methods=("ties",), density=density)


@pytest.mark.parametrize(
    ("recipe", "count", "message"),
    [
        ({"methods": ("linear",)}, 1, "give at least 2"),
        ({"methods": ("ties",)}, 0, "give at least 1 besides the base"),
        ({"methods": ("linear",), "weights": (1.0, 1.0)}, 3, "2 weights .* for 3 models"),
        ({"methods": ("linear",), "layer_weights": ((1.0,),)}, 2, "1 weights .* for 2 models"),
        ({"methods": ("slerp",), "t": 0.5}, 3, "t is for slerp of two"),
        ({"methods": ("frankenmerge",), "sources": (0, 2)}, 2, "source 2: expected 0 to 1"),
        ({"methods": ("frankenmerge",), "sources": (0, -1)}, 2, "source -1: expected 0 to 1"),
        ({"methods": ("linear", "dfs"), "path": ((-2, 0),)}, 2, "source -2: expected -1 to 1"),
    ],
)
def test_coefficients_that_do_not_fit_the_parents_are_refused(recipe, count, message):
    with pytest.raises(ConfigError, match=message):
        MergeRecipe(**recipe).check_parents(count, has_base=True)


@pytest.mark.parametrize("methods", [("ties",), ("dare", "dfs")])
def test_task_vectors_from_nowhere_are_refused(methods):
    with pytest.raises(ConfigError, match="from a base model, and there is none"):
        MergeRecipe(methods=methods).check_parents(2, has_base=False)
    MergeRecipe(methods=("linear", *methods)).check_parents(2, has_base=False)


@pytest.mark.parametrize("given", [{"methods": ("linear",)}, {"methods": ("slerp",), "weights": (1.0, 1.0)}])
def test_t_where_it_means_nothing_is_refused(given):
    with pytest.raises(ConfigError, match="in place of weights"):
        MergeRecipe(t=0.5, **given)


def test_the_papers_densities_hold_where_none_is_given():
    kept = {name: MergeRecipe(methods=(name,)).kept for name in ("ties", "dare")}
    assert kept == {"ties": 0.2, "dare": 0.1}
    assert MergeRecipe(methods=("dare",), density=0.7).kept == 0.7


def test_weights_of_a_layer_win_over_those_of_the_model():
    assert FULL.weights_of(1, 2) == (0.0, 1.0)
    assert FULL.weights_of(None, 2) == (0.5, 0.25)
    assert MergeRecipe(methods=("linear",)).weights_of(0, 4) == (0.25,) * 4
    assert MergeRecipe(methods=("slerp",), t=0.25).weights_of(0, 2) == (0.75, 0.25)


def test_a_recipe_needs_no_torch():
    names = "recipe", "combos", "dfs", "frankenmerge", "layers", "arrangement"
    imports = "; ".join(f"import bloomery.forge.merging.{name}" for name in names)
    done = subprocess.run([sys.executable, "-c", f"{imports}; import sys; sys.exit('torch' in sys.modules)"])
    assert done.returncode == 0
