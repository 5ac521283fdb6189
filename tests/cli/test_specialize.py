"""bloomery specialize: which experts are found, what they gain, and what a caller may do wrong."""

import json
import shutil

import pytest
import torch
from safetensors.torch import save_file

from bloomery.forge.bitnet.quantizing import quantize_folder
from bloomery.forge.experts import specialized_folder
from bloomery.forge.experts.folder import load_with_experts
from bloomery.forge.experts.settings import DesignSearchConfig, FindConfig, TeachConfig
from bloomery.forge.experts.specialized_folder import specialize_folder
from bloomery.forge.settings import ExamConfig, TernaryConfig
from bloomery.forge.stages.experts import ExpertsStageConfig
from bloomery.tasks.ingredient import Ingredient
from tests.cli.pausing import asked_to_stop, expect_to_go_on
from tests.forge.experts.planted import PLANTED, register, torn_model
from tests.forge.small_folders import FOLDERS, files_of, llama

EXAM = ["--task", "chained_sums", "--task", "sorting", "--difficulty", 4, "--difficulty", 5, "--count", 8]
FEW = ["--fewest", 3, "--most", 3, "--probe-steps", 4, "--generations", 0, "--examples", 4]
TRAINING = ["--steps", 3, "--batch", 2, "--checkpoint-every", 1]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return llama(tmp_path_factory.mktemp("given") / "llama")


@pytest.mark.parametrize("kind", [*FOLDERS, "packed"])
@pytest.mark.slow
def test_any_model_is_given_experts_and_measured_with_and_without(bloomery, tmp_path, base, kind):
    if kind == "packed":
        quantize_folder(base, tmp_path / "base", TernaryConfig())
    given = tmp_path / "base" if kind == "packed" else FOLDERS[kind](tmp_path / "base")
    said = bloomery("specialize", "-b", given, "-o", tmp_path / "out", *EXAM, *FEW, *TRAINING)
    assert said.code == 0
    lines = {line.split("  ")[0]: line for line in said.out.splitlines()}
    assert lines["experts"].count("chained_sums/") == lines["experts"].count("sorting/") == 2
    for name in ("no experts", "two passes: a prompt's own expert", "operations a token"):
        assert any(one.isdigit() for one in lines[name])
    assert "of 16 prompts are sent to their own expert" in said.out
    assert bloomery("eval", tmp_path / "out", "-t", "parity", "-d", 10, "--count", 4).code == 0


@pytest.mark.slow
def test_three_kinds_are_found_and_two_passes_are_better_than_none(bloomery, tmp_path, monkeypatch):
    """A model that is torn between three kinds of prompts: what helps with the one hurts with the others."""
    register(monkeypatch, *PLANTED)
    said = bloomery(
        "specialize", "--base", torn_model(tmp_path / "base"), "-o", tmp_path / "out", "-t", "first", "-t",
        "second", "-t", "last", "--count", 24, *FEW, "--objective", "supervised", "--steps", 25, "--lr",
        0.05, "--examples", 24, "--seed", 1, "--json",
    )  # fmt: skip
    found = json.loads(said.out)
    assert sorted(found["experts"]) == [[f"{name}/1", f"{name}/2"] for name in ("first", "last", "second")]
    assert found["passes"]["two_pass"] > found["passes"]["none"] + 0.2
    assert found["after"]["accuracy"] > found["before"]["accuracy"] + 0.2
    assert found["after"]["size"] > found["before"]["size"]
    _, _, experts = load_with_experts(tmp_path / "out")
    assert experts.held.design["strategy"] == found["design"]["strategy"]


@pytest.mark.slow
def test_every_option_reaches_the_function(bloomery, base, tmp_path, monkeypatch):
    asked = []

    def noted(*given, **options):
        asked.append((*given, options["seed"]))
        return specialize_folder(*given, **options)

    monkeypatch.setattr(specialized_folder, "specialize_folder", noted)
    said = bloomery(
        "specialize", "--base", base, "-o", tmp_path / "verb", *EXAM, "--fewest", 3, "--most", 4, "--layer",
        "*.mlp.*", "--rank", 5, "--probe-steps", 3, "--objective", "reinforce", "--dispatch", "cem",
        "--steps", 2, "--lr", 0.05, "--batch", 3, "--samples", 3, "--kl", 0.2, "--checkpoint-every", 1,
        "--generations", 1, "--population", 3, "--examples", 4, "--within", 0.5, "--seed", 2, "--json",
    )  # fmt: skip
    config = ExpertsStageConfig(
        mixture={name: Ingredient(difficulties=(4, 5)) for name in ("chained_sums", "sorting")},
        exam=ExamConfig(selection=8, test=8),
        find=FindConfig(fewest=3, most=4, layers=("*.mlp.*",), rank=5, probe_steps=3),
        teach=TeachConfig(dispatch="cem", steps=2, lr=0.05, prompts=3, samples=3, kl=0.2, checkpoint_every=1),
        search=DesignSearchConfig(generations=1, population=3, examples=4, within=0.5),
        random_search=False,
    )
    assert asked == [(base, tmp_path / "verb", config, 2)]
    table, gained = specialize_folder(base, tmp_path / "function", config, seed=2)
    found = json.loads(said.out)
    assert {int(number): gain for number, gain in found["gains"].items()} == gained.found.gains
    assert files_of(tmp_path / "verb") == files_of(tmp_path / "function")
    assert found["experts"] == [list(kind) for kind in gained.found.kinds]
    assert found["passes"] == gained.passes._asdict()
    assert (found["front"], found["evaluations"]) == (table["front"], table["evaluations"])


def test_a_paused_teaching_goes_on_with_the_same_command(bloomery, base, tmp_path, monkeypatch):
    monkeypatch.setitem(specialized_folder.STEPS, "teach", asked_to_stop(specialized_folder.STEPS["teach"]))
    command = ("specialize", "--base", base, "-o", tmp_path / "out", *EXAM, *FEW, *TRAINING)
    expect_to_go_on(bloomery, command, tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "no task is named to learn from; give --task NAME"),
        (["--task", "paritty"], "did you mean 'parity'"),
        (["--task", "mbpp"], "'mbpp' has no exact scorer here"),
        ([*EXAM, "--fewest", 2], "--fewest"),
        ([*EXAM, "--most", 11], "less than or equal to 10"),
        ([*EXAM, "--fewest", 5, "--most", 4], "fewest is 5 and most 4; give a range of experts"),
        ([*EXAM, "--fewest", 6], "at least 6 experts were asked for and the held-out tasks have 4 cells"),
        ([*EXAM, "--layer", "no.such"], "no.such"),
        ([*EXAM, "--samples", 1], "--samples"),
    ],
)
def test_a_callers_mistake_is_one_line_and_leaves_nothing(bloomery, base, tmp_path, options, says):
    said = bloomery("specialize", "--base", base, "-o", tmp_path / "out", *options)
    assert (said.code, said.out) == (2, "")
    assert says in said.err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_folders_that_experts_cannot_be_taught_for_are_refused(bloomery, base, tmp_path):
    latent, has_experts = (shutil.copytree(base, tmp_path / name) for name in ("latent", "expert"))
    (latent / "ternary.json").write_text("{}")
    save_file({"deltas": torch.zeros(1)}, has_experts / "experts.safetensors")
    for folder, says in {latent: "name the packed folder that ships", has_experts: "experts already"}.items():
        said = bloomery("specialize", "--base", folder, "-o", tmp_path / "out", *EXAM, *FEW)
        assert said.code == 2
        assert says in said.err.splitlines()[-1]
    said = bloomery("specialize", "--base", base, "-o", latent, *EXAM, *FEW)
    assert (said.code, "exists; name a folder that does not" in said.err) == (2, True)
    assert {path.name for path in tmp_path.iterdir()} == {"latent", "expert"}
