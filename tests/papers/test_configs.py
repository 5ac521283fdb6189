"""Every config in papers/ is read by what its verb reads it with, and a key that nobody knows is refused."""

from pathlib import Path

import pytest

from benchmarks.ddpm import Mixture
from bloomery.core.config import build, load_recipe
from bloomery.core.errors import UserError
from bloomery.forge.merging.recipe import MergeRecipe
from bloomery.forge.pipeline import plan as plan_forge
from bloomery.forge.supervised.training import plan as plan_training

ROOT = Path(__file__).parents[2]
NO_CONFIGS = ("paper.yaml", "base.yaml")  # claims; what several configs share and extend
CONFIGS = sorted(path for path in ROOT.glob("papers/*/*.yaml") if path.name not in NO_CONFIGS)


def read(path: Path) -> str:
    """The verb that reads a config of these keys, after it has read this one."""
    values = load_recipe(path).values
    if "stages" in values:
        plan_forge(path)
        return "forge"
    if "model" in values:
        plan_training(path)
        return "train"
    if "methods" in values:
        build(MergeRecipe, values)
        return "merge"
    build(Mixture, values)
    return "benchmark"


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_config_of_a_paper_is_read_by_its_verb_and_a_stray_key_is_refused(path, tmp_path):
    read(path)
    stray = tmp_path / path.name
    stray.write_text(f"extends: {path}\nstrayed: {{by: 1}}\n")
    with pytest.raises(UserError, match="strayed"):
        read(stray)


@pytest.mark.parametrize("base", sorted(ROOT.glob("papers/*/base.yaml")), ids=lambda path: path.parent.name)
def test_what_is_shared_is_extended(base):
    users = [path for path in base.parent.glob("*.yaml") if "extends: base.yaml" in path.read_text()]
    assert len(users) > 1


def test_every_paper_has_a_config_or_says_why_not():
    """What no verb takes, and what is part of another paper's config."""
    papers = {path.parent.name for path in ROOT.glob("papers/*/paper.yaml")}
    without = papers - {path.parent.name for path in CONFIGS}
    assert without == {"act"}
    assert "has no config" in (ROOT / "papers" / "act" / "README.md").read_text()


def test_each_verb_that_takes_configs_is_among_them():
    assert {read(path) for path in CONFIGS} == {"forge", "train", "merge", "benchmark"}
