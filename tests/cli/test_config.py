"""bloomery config: the effective recipe, and where its values came from."""

import json

import yaml

from bloomery.core.config import load_recipe
from bloomery.forge.pipeline import plan
from tests.cli.forged import RECIPE


def test_show_names_the_origin_of_each_value(bloomery):
    found = {
        one["key"]: one
        for one in json.loads(bloomery("config", "show", RECIPE, "--set", "seed=5", "--json").out)
    }
    assert (found["seed"]["value"], found["seed"]["origin"]) == (5, "--set")
    assert found["stages.cognate.base.steps"]["origin"].endswith("tiny.yaml:15")
    assert found["stages.cognate.base.muon_grokfast.beta"]["origin"] == "default"


def test_what_show_prints_is_a_recipe_with_the_same_effect(bloomery, tmp_path):
    said = bloomery("config", "show", "forge/quickstart")
    (tmp_path / "copy.yaml").write_text(said.out)
    assert plan(tmp_path / "copy.yaml").to_plain() == plan("forge/quickstart").to_plain()
    assert yaml.safe_load(said.out)["seed"] == load_recipe("forge/quickstart").values["seed"]


def test_the_packaged_recipes_are_listed(bloomery):
    assert "forge/quickstart" in json.loads(bloomery("config", "list", "--json").out)
    assert "forge/quickstart" in bloomery("config", "list").out


def test_the_nearest_recipe_is_named(bloomery):
    said = bloomery("config", "show", "forge/quickstrat")
    assert (said.code, said.err) == (
        2,
        "error: unknown recipe 'forge/quickstrat'; did you mean 'forge/quickstart'?\n",
    )
