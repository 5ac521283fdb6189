"""bloomery think: what is taught, what is measured, and what a caller may do wrong."""

import json
import shutil

import pytest

from bloomery.cli import think as verb
from bloomery.forge.bitnet.quantizing import quantize_folder
from bloomery.forge.fine_tuning import fine_tuning
from bloomery.forge.folders import load_model
from bloomery.forge.quietstar import taught_folder
from bloomery.forge.quietstar.looking import Worth, is_worth_it
from bloomery.forge.quietstar.reinforcement import ReinforceConfig
from bloomery.forge.quietstar.settings import ThoughtsConfig
from bloomery.forge.quietstar.taught_folder import think_folder
from bloomery.forge.quietstar.thinking_folder import MIXING
from bloomery.forge.quietstar.tokens import thought_ids
from bloomery.forge.settings import TernaryConfig
from bloomery.tasks.ingredient import Ingredient
from tests.cli.pausing import asked_to_stop, expect_to_go_on
from tests.forge.small_folders import FOLDERS, files_of, llama

EXAM = ["--task", "chained_sums", "--difficulty", 4, "--count", 6]
SHORT = ["--strategy", "sketch", "--tokens", 12, "--seq-len", 32, "--batch", 2]
TRAINING = ["--steps", 4, "--checkpoint-every", 2, *SHORT]
REINFORCED = ["--reinforce", 2, "--thoughts", 2, "--ahead", 2]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return llama(tmp_path_factory.mktemp("given") / "llama")


@pytest.mark.parametrize("kind", FOLDERS)
def test_any_model_is_taught_and_measured_under_every_condition(bloomery, tmp_path, kind):
    base = FOLDERS[kind](tmp_path / "base")
    said = bloomery("think", "--base", base, "-o", tmp_path / "out", *EXAM, *TRAINING)
    assert said.code == 0
    lines = said.out.splitlines()
    for called in ("before", *verb.CALLED.values()):
        (row,) = [line for line in lines if line.startswith(f"{called}  ") and line.endswith(" 6")]
        assert " to " in row  # its interval
    assert "4 steps of teaching, 0 of reinforcement" in said.out
    assert lines[-1] == verb.NOT_SHOWN  # of random weights
    _, tokenizer = load_model(tmp_path / "out")
    assert thought_ids(tokenizer) == (259, 260)
    assert bloomery("eval", tmp_path / "out", "-t", "parity", "-d", 10, "--count", 4).code == 0


def test_every_option_reaches_the_function(bloomery, base, tmp_path):
    said = bloomery(
        "think", "--base", base, "-o", tmp_path / "verb", *EXAM, *TRAINING, *REINFORCED, "--strategy",
        "self_check", "--tokens", 24, "--seq-len", 48, "--direct", 0.2, "--filler", 0.2, "--lr", 0.01,
        "--seed", 3, "--json",
    )  # fmt: skip
    mixture = {"chained_sums": Ingredient(difficulties=(4,))}
    numbers = {"preset": "quietstar", "seq_len": 48, "lr": 0.01, "batch": 2, "checkpoint_every": 2}
    thoughts = ThoughtsConfig(
        strategies={"sketch": 1.0, "self_check": 1.0}, direct=0.2, filler=0.2, tokens=24
    )
    learn = ReinforceConfig(fit=fine_tuning(mixture, steps=2, **numbers), thoughts=2, ahead=2, length=24)
    think_folder(
        base,
        tmp_path / "function",
        fine_tuning(mixture, steps=4, **numbers),
        thoughts,
        reinforce=learn,
        seed=3,
    )
    assert files_of(tmp_path / "verb") == files_of(tmp_path / "function")
    assert MIXING in files_of(tmp_path / "verb")
    found = json.loads(said.out)
    assert (found["steps"], found["reinforced_steps"], found["worth_it"]) == (4, 2, False)
    assert found["before"]["chained_sums"]["total"] == 6
    assert set(found["after"]["chained_sums"]["accuracy"]) == set(verb.CALLED)
    assert set(found["worth"]) == set(verb.CALLED) - {"own"}


def test_a_paused_teaching_goes_on_with_the_same_command(bloomery, base, tmp_path, monkeypatch):
    monkeypatch.setattr(taught_folder, "teach", asked_to_stop(taught_folder.teach))
    command = ("think", "--base", base, "-o", tmp_path / "out", *EXAM, *TRAINING)
    expect_to_go_on(bloomery, command, tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "no task is named to learn from; give --task NAME"),
        (["--task", "paritty"], "did you mean 'parity'"),
        (["--task", "mbpp"], "'mbpp' has no exact scorer here"),
        (["--task", "gsm8k"], "chains of thought are written for"),
        ([*EXAM, "--strategy", "scetch"], "did you mean 'sketch'"),
        ([*EXAM, "--thoughts", 3], "--thoughts: of the reinforcement, and there is none"),
        ([*EXAM, "--direct", 0.9], "leave no example for thoughts"),
        ([*EXAM, "--tokens", 20, "--seq-len", 8, "--steps", 2], "does not fit seq_len=8"),
        ([*EXAM, "--tokens", 2, "--steps", 2], "longer than thoughts.tokens=2"),
        ([*EXAM, "--tokens", 0], "--tokens"),
        ([*EXAM, "--tokens", 60], "the model's window is 64: lower --tokens"),
    ],
)
def test_a_callers_mistake_is_one_line_and_leaves_nothing(bloomery, base, tmp_path, options, says):
    said = bloomery("think", "--base", base, "-o", tmp_path / "out", *options)
    assert (said.code, said.out) == (2, "")
    assert says in said.err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_a_packed_folder_is_refused(bloomery, base, tmp_path):
    quantize_folder(base, tmp_path / "packed", TernaryConfig())
    said = bloomery("think", "--base", tmp_path / "packed", "-o", tmp_path / "out", *EXAM, *TRAINING)
    assert said.code == 2
    assert "packed already; name the model that it was packed from" in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["packed"]


def test_latent_weights_are_refused(bloomery, base, tmp_path):
    latent = shutil.copytree(base, tmp_path / "latent")
    (latent / "ternary.json").write_text("{}")
    said = bloomery("think", "--base", latent, "-o", tmp_path / "out", *EXAM, *TRAINING)
    assert said.code == 2
    assert "holds latent weights of trits" in said.err


def test_an_output_that_exists_is_not_written_over(bloomery, base, tmp_path):
    (tmp_path / "kept").write_text("mine")
    said = bloomery("think", "--base", base, "-o", tmp_path, *EXAM, *TRAINING)
    assert (said.code, files_of(tmp_path)) == (2, {"kept": b"mine"})
    assert "exists; name a folder that does not" in said.err


def test_thoughts_are_worth_it_only_if_clearly_better_than_all_that_the_gate_asks_for():
    good, doubtful = Worth(0.3, 0.1, 0.5), Worth(0.3, 0.0, 0.6)
    rivals = dict.fromkeys(("without", "shuffled", "filler"), good)
    assert is_worth_it(rivals | {"permuted": doubtful})
    for rival in rivals:
        assert not is_worth_it(rivals | {rival: doubtful})
