"""bloomery merge, on folders and forged models."""

import json
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM

from bloomery.forge.folders import load_model
from bloomery.forge.merging import merge_folders as merging
from bloomery.forge.merging.merge_folders import merge_folders
from bloomery.forge.merging.recipe import MergeRecipe
from tests.forge.merging.families import tiny_llama
from tests.forge.small_disk import small_disk
from tests.forge.small_folders import broken_llama, files_of


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    """A base and two models near it."""
    root = tmp_path_factory.mktemp("family")
    base = tiny_llama(root / "base")
    return base, [tiny_llama(root / name, seed=seed, near=base) for seed, name in enumerate("ab", start=1)]


CASES = {
    "linear": ([], {"methods": ("linear",)}),
    "weights": (
        ["--weight", 2, "--weight", 1, "--no-normalize"],
        {"methods": ("linear",), "weights": (2.0, 1.0), "normalize": False},
    ),
    "slerp": (["-m", "slerp", "--t", 0.3], {"methods": ("slerp",), "t": 0.3}),
    "ties": (
        ["-m", "ties", "--density", 0.5, "--lam", 0.7],
        {"methods": ("ties",), "density": 0.5, "lam": 0.7},
    ),
    "dare": (
        ["-m", "dare", "--rescale", "l1", "--elect-signs", "--seed", 3],
        {"methods": ("dare",), "rescale": "l1", "elect_signs": True, "seed": 3},
    ),
    "frankenmerge": (
        ["-m", "frankenmerge", "--layers", "1,0"], {"methods": ("frankenmerge",), "sources": (1, 0)},
    ),
    "dfs": (
        ["-m", "linear", "-m", "dfs", "--layers", "0:0,-1:1,1:1"],
        {"methods": ("linear", "dfs"), "path": ((0, 0), (-1, 1), (1, 1))},
    ),
}  # fmt: skip


PAPERS = Path(__file__).parents[2] / "papers"


@pytest.mark.parametrize(
    ("file", "options"),
    [
        ("ties/merge.yaml", ["-m", "ties", "--density", 0.2]),
        ("dare/merge.yaml", ["-m", "dare", "--density", 0.1]),
        ("dare/elected.yaml", ["-m", "dare", "--density", 0.1, "--elect-signs"]),
    ],
)
def test_a_recipe_from_a_file_merges_as_the_options_do(bloomery, tmp_path, family, file, options):
    base, parents = family
    for name, said in (("file", ["--recipe", PAPERS / file]), ("options", options)):
        made = bloomery(
            "merge", *parents, "--base", base, *said, "-o", tmp_path / name, "-w", tmp_path / "ws"
        )
        assert made.code == 0, made.err
    assert files_of(tmp_path / "file") == files_of(tmp_path / "options")


@pytest.mark.parametrize(
    ("said", "says"),
    [
        (["--density", 0.5], "leave --density out"),
        (["-m", "ties", "--seed", 1], "leave --method and --seed out"),
    ],
)
def test_a_recipe_from_a_file_takes_no_options_beside_it(bloomery, tmp_path, family, said, says):
    base, parents = family
    words = ["--base", base, "--recipe", PAPERS / "ties" / "merge.yaml", "-o", tmp_path / "out"]
    made = bloomery("merge", *parents, *words, *said, "-w", tmp_path / "ws")
    assert made.code == 2
    assert says in made.err.splitlines()[-1]


@pytest.mark.parametrize("case", CASES)
def test_the_verb_writes_what_the_function_writes(bloomery, family, tmp_path, case):
    base, parents = family
    options, recipe = CASES[case]
    from_base = ["--base", base] if case in ("ties", "dare") else []
    said = bloomery("merge", *parents, *from_base, "-o", tmp_path / "verb", *options, "--json")
    merge_folders(MergeRecipe(**recipe), parents, base, tmp_path / "function")
    found = json.loads(said.out)
    assert said.code == 0
    assert files_of(tmp_path / "verb") == files_of(tmp_path / "function")
    assert found["folder"] == str(tmp_path / "verb")
    assert found["weight_bytes"] == (tmp_path / "verb" / "model.safetensors").stat().st_size
    assert found["recipe"]["methods"] == list(recipe["methods"])


def test_models_of_a_workspace_merge_by_name_and_plain_transformers_loads_them(
    bloomery, forged_workspace, tmp_path
):
    names = [f"cognate.{one}" for one in ("reasoning", "memory_integration", "adaptive_computation")]
    options = ["-m", "ties", "-b", "cognate.base", "-w", forged_workspace]
    said = bloomery("merge", *names, "-o", tmp_path / "out", *options)
    assert said.code == 0
    assert said.out.splitlines()[:3] == [f"model      {tmp_path / 'out'}", "merged by  ties", "of         3"]
    assert "merge" in said.err  # progress
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    assert model.num_parameters() == load_model(tmp_path / "out")[0].num_parameters() == 7852


def refused(bloomery, tmp_path, *arguments, code=2):
    before = sorted(tmp_path.iterdir())
    said = bloomery("merge", *arguments, "-o", tmp_path / "out")
    assert (said.code, said.out) == (code, "")
    assert said.err.splitlines()[-1].startswith("error: ")
    assert sorted(tmp_path.iterdir()) == before
    return said.err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["-m", "tiess"], "unknown method 'tiess'; did you mean 'ties'?"),
        (["-m", "ties", "--density", 0], "density is 0.0, expected a share in (0, 1]"),
        (["-m", "ties", "--density", 1.5], "density is 1.5, expected a share in (0, 1]"),
        (["--density", 0.5], "--density is for ties and dare and the method linear"),
        (["--seed", 1], "--seed is for dare and the method linear"),
        (["-m", "slerp", "--t", 2], "t"),
        (["--weight", 1], "1 weights"),
        (["-m", "ties"], "takes task vectors from a base model, and there is none"),
        (["-m", "linear", "-m", "ties", "--base", "x"], "leave --base out"),
        (["-m", "frankenmerge", "--layers", "0,x"], "--layers is '0,x', expected numbers as in 0,0,1,1"),
        (["-m", "dfs", "--layers", "0,1"], "expected numbers as in 0:0,1:0,0:1"),
        (["-m", "frankenmerge", "--layers", "0"], "1 sources for 2 layers"),
    ],
)
def test_a_mistake_in_an_option_is_one_line(bloomery, family, tmp_path, options, says):
    base, parents = family
    if "ties" in options and "--density" in options:
        options = [*options, "--base", base]
    assert says in refused(bloomery, tmp_path, *parents, *options)


def test_models_that_do_not_fit_are_told_apart_by_their_tensors(bloomery, family, tmp_path):
    wide = tiny_llama(tmp_path / "wide", hidden_size=32)
    err = refused(bloomery, tmp_path, family[1][0], wide)
    assert "lm_head.weight is (259, 16)" in err
    assert "different architecture or vocabulary" in err


def test_weights_that_are_not_finite_are_refused_by_name(bloomery, family, tmp_path):
    broken = broken_llama(tmp_path / "broken")
    err = refused(bloomery, tmp_path, family[1][0], broken)
    assert "model.layers.1.mlp.up_proj.weight" in err
    assert "NaN" in err


def test_a_folder_that_is_there_is_not_written_over(bloomery, family, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "kept").write_text("mine")
    assert "exists; name a folder that does not" in refused(bloomery, tmp_path, *family[1])
    assert (tmp_path / "out" / "kept").read_text() == "mine"


@pytest.mark.slow
def test_a_full_disk_is_exit_code_1_and_leaves_nothing(bloomery, tmp_path):
    """Four layers of 1.6 MB in 4 MB of disk."""
    with small_disk(tmp_path / "disk", "4m") as disk:
        sizes = {"hidden_size": 192, "intermediate_size": 384, "num_hidden_layers": 4}
        parents = [tiny_llama(tmp_path / f"{n}", seed=n, **sizes) for n in range(2)]
        for verb in (["merge", *parents], ["compress", "--base", parents[0], "--coder", "float32"]):
            said = bloomery(*verb, "-o", disk / "out")
            assert (said.code, said.out) == (1, "")
            assert "no space left while writing" in said.err.splitlines()[-1]
            assert list(disk.iterdir()) == []


def test_a_failure_in_the_middle_leaves_nothing(bloomery, family, tmp_path, monkeypatch):
    def interrupted(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(merging, "merge_tensor", interrupted)
    said = bloomery("merge", *family[1], "-o", tmp_path / "out")
    assert said.code == 130
    assert list(tmp_path.iterdir()) == []
