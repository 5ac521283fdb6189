"""bloomery quantize, by rounding and by training."""

import json
import os
import signal

import pytest

from bloomery.forge.bitnet import tuned_folder
from bloomery.forge.bitnet.quantizing import quantize_folder
from bloomery.forge.settings import TernaryConfig
from tests.forge.small_folders import FOLDERS, broken_llama, files_of, llama

EXAM = ["--task", "parity", "--difficulty", 10, "--count", 8]
EASY = ["--task", "parity"]  # at its first difficulties, which hold few different prompts
TRAINING = ["--steps", 4, "--batch", 2, "--seq-len", 16, "--checkpoint-every", 2, "--lr", 0.01]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return llama(tmp_path_factory.mktemp("given") / "llama")


@pytest.mark.parametrize("kind", FOLDERS)
def test_rounding_says_that_nothing_was_trained_and_what_it_costs(bloomery, tmp_path, kind):
    said = bloomery("quantize", "--base", FOLDERS[kind](tmp_path / "base"), "-o", tmp_path / "out", *EXAM)
    assert said.code == 0
    assert "nothing was trained" in said.out
    costs = [line for line in said.out.splitlines() if line.startswith("accuracy: parity")]
    assert costs[0].count("chance 0.5") == 2  # before and after
    assert bloomery("eval", tmp_path / "out", "-t", "parity", "-d", 10, "--count", 8).code == 0


def test_every_option_reaches_the_function(bloomery, base, tmp_path):
    said = bloomery(
        "quantize", "--base", base, "-o", tmp_path / "verb", "--threshold", 0.8, "--per-row", "--scaling",
        "least_squares", "--embedding-bits", 4, "--skip", "*.down_proj", "--skip", "*.k_proj", "--json",
    )  # fmt: skip
    config = TernaryConfig(
        threshold=0.8,
        per_row=True,
        scaling="least_squares",
        embedding_bits=4,
        skip=("*.down_proj", "*.k_proj"),
    )
    turned = quantize_folder(base, tmp_path / "function", config)
    found = json.loads(said.out)
    assert files_of(tmp_path / "verb") == files_of(tmp_path / "function")
    assert (found["trained_steps"], found["ternary_layers"]) == (0, turned)
    assert len(turned) == 10
    assert found["after"]["weight_bytes"] < found["before"]["weight_bytes"] / 4


def test_a_trained_model_is_another_than_a_rounded_one(bloomery, base, tmp_path):
    said = bloomery("quantize", "--base", base, "-o", tmp_path / "trained", *EASY, *TRAINING, "--json")
    bloomery("quantize", "--base", base, "-o", tmp_path / "rounded")
    found = json.loads(said.out)
    assert found["trained_steps"] == 4
    assert found["after"]["accuracy"]["parity"]["total"] > 0
    trained, rounded = (files_of(tmp_path / name)["model.safetensors"] for name in ("trained", "rounded"))
    assert trained != rounded
    assert {path.name for path in tmp_path.iterdir()} == {"trained", "rounded"}


def test_a_paused_training_goes_on_with_the_same_command(bloomery, base, tmp_path, monkeypatch):
    tune = tuned_folder.tune

    def paused_at_once(context):
        os.kill(os.getpid(), signal.SIGTERM)
        tune(context)

    monkeypatch.setattr(tuned_folder, "tune", paused_at_once)
    command = ("quantize", "--base", base, "-o", tmp_path / "out", *EXAM, *TRAINING)
    said = bloomery(*command)
    assert (said.code, said.out) == (0, "")
    assert "the same command goes on" in said.err.splitlines()[-1]
    assert not (tmp_path / "out").exists()
    monkeypatch.undo()
    assert bloomery(*command).code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--steps", 3], "none is named: give --task NAME"),
        (["--lr", 0.1, "--seq-len", 8], "--lr, --seq-len: of the training, and nothing is trained"),
        (["--task", "paritty"], "did you mean 'parity'"),
        (["--embedding-bits", 9], "--embedding-bits"),
        (["--threshold", -1], "--threshold"),
        (["--skip", "no.such"], "no linear layer is named 'no.such'"),
        ([*EXAM, "--steps", 2, "--seq-len", 4], "does not fit seq_len=4"),
        (["--task", "parity", "--difficulty", 2], "different test prompts"),
    ],
)
def test_a_callers_mistake_is_one_line_and_leaves_nothing(bloomery, base, tmp_path, options, says):
    said = bloomery("quantize", "--base", base, "-o", tmp_path / "out", *options)
    assert (said.code, said.out) == (2, "")
    assert says in said.err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_a_broken_model_is_refused(bloomery, tmp_path):
    broken = broken_llama(tmp_path / "broken")
    said = bloomery("quantize", "--base", broken, "-o", tmp_path / "out")
    assert said.code == 2
    assert "up_proj.weight has NaN or infinite weights" in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["broken"]
