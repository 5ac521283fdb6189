"""bloomery learn: how far a model climbs, what is measured, and what a caller may do wrong."""

import json
import shutil
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest

from bloomery.forge.bitnet.quantizing import quantize_folder
from bloomery.forge.curriculum import learned_folder
from bloomery.forge.curriculum.learned_folder import learn_folder
from bloomery.forge.curriculum.settings import (
    ClimbConfig,
    PrinciplesConfig,
    SelfModelConfig,
    StaircaseConfig,
)
from bloomery.forge.editing import load_editable
from bloomery.forge.fine_tuning import fine_tuning
from bloomery.forge.folders import save_model
from bloomery.forge.packed_folder import is_packed
from bloomery.forge.settings import ExamConfig, TernaryConfig
from bloomery.forge.stages.curriculum import CurriculumStageConfig
from bloomery.tasks import registry
from bloomery.tasks.chained_sums import ChainedSums
from bloomery.tasks.ingredient import Ingredient
from tests.cli.pausing import asked_to_stop, expect_to_go_on
from tests.forge.curriculum.pupils import TOKENIZER, pupil
from tests.forge.merging.families import tiny_llama
from tests.forge.small_folders import FOLDERS, files_of, llama

EXAM = ["--task", "chained_sums", "--difficulty", 4, "--count", 6]
LOW = ["--rungs", 2, "--hardest", 6, "--pool", 6, "--asked", 32, "--round-steps", 2, "--seq-len", 32]
TRAINING = ["--steps", 4, "--batch", 2, "--checkpoint-every", 2, *LOW]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return llama(tmp_path_factory.mktemp("given") / "llama")


@pytest.mark.parametrize("kind", FOLDERS)
def test_any_model_climbs_and_every_rung_is_measured_before_and_after(bloomery, tmp_path, kind):
    base = FOLDERS[kind](tmp_path / "base")
    said = bloomery("learn", "--base", base, "-o", tmp_path / "out", *EXAM, *TRAINING)
    assert said.code == 0
    rungs = [line.split() for line in said.out.splitlines() if line[:2] in ("1 ", "2 ")]
    assert [rung[:2] for rung in rungs] == [["1", "4"], ["2", "6"]]
    assert all(len(rung) == 4 for rung in rungs)  # accuracies before and after
    assert "frontier   rung 1 (chained_sums 4): " in said.out
    assert "rungs with 75% from the first on" in said.out
    assert bloomery("eval", tmp_path / "out", "-t", "parity", "-d", 10, "--count", 4).code == 0


@dataclass(frozen=True, kw_only=True)
class Counting(ChainedSums):
    """How many ones there are in a row of bits: what the pupil was taught on short rows."""

    name: ClassVar[str] = "counting"
    largest: int = 1


@pytest.mark.slow
def test_a_pupil_gains_at_its_frontier(bloomery, tmp_path, monkeypatch):
    monkeypatch.setitem(registry.KINDS, "counting", Counting)
    save_model(pupil(300), TOKENIZER, tmp_path / "base")
    said = bloomery(
        "learn", "--base", tmp_path / "base", "-o", tmp_path / "out", "-t", "counting", "-d", 7, "-d", 8,
        "--hardest", 12, "--rungs", 4, "--pool", 48, "--steps", 120, "--batch", 16, "--seq-len", 48, "--lr",
        0.005, "--count", 40, "--json",
    )  # fmt: skip
    found = json.loads(said.out)
    assert found["frontier"]["after"] > found["frontier"]["before"] + 0.1
    assert found["learned"]["reached"] > found["learned"]["reached_before"]


def test_every_option_reaches_the_function(bloomery, base, tmp_path, monkeypatch):
    asked = []

    def noted(*given, **options):
        asked.append((*given, options["seed"]))
        return learn_folder(*given, **options)

    monkeypatch.setattr(learned_folder, "learn_folder", noted)
    said = bloomery(
        "learn", "--base", base, "-o", tmp_path / "verb", *EXAM, *TRAINING, "--target", 0.6, "--temperature",
        0.7, "--replay", 0.3, "--dreams", 0.2, "--self-model", 2, "--lr", 0.01, "--seed", 3, "--json",
    )  # fmt: skip
    config = CurriculumStageConfig(
        mixture={"chained_sums": Ingredient(difficulties=(4,))},
        exam=ExamConfig(selection=6, test=6),
        examined=6,
        fit=fine_tuning({}, preset="curriculum", steps=4, seq_len=32, lr=0.01, batch=2, checkpoint_every=2),
        staircase=StaircaseConfig(target=0.6, most=32),
        climb=ClimbConfig(
            rungs=2,
            hardest={"chained_sums": 6},
            pool=6,
            round_steps=2,
            temperature=0.7,
            replay=0.3,
            dreams=0.2,
        ),
        self_model=SelfModelConfig(steps=2),
        principles=PrinciplesConfig(prompts={}),
    )
    assert asked == [(base, tmp_path / "verb", replace(config, uniform=False), 3)]
    learned = learn_folder(base, tmp_path / "function", config, seed=3)
    found = json.loads(said.out)
    assert files_of(tmp_path / "verb") == files_of(tmp_path / "function")
    assert found["learned"]["rates"] == list(learned.rates)
    assert found["learned"]["before"] == list(learned.before)
    assert (found["target"], found["latent"]) == (0.6, None)
    assert found["after"]["chained_sums"]["total"] == 6


def test_principles_are_baked_where_asked_and_what_is_left_of_them_is_measured(bloomery, tmp_path):
    base = tiny_llama(tmp_path / "base", max_position_embeddings=128)
    command = ("learn", "--base", base, "-o", tmp_path / "out", *EXAM, *TRAINING, "--principles")
    found = json.loads(bloomery(*command, "--json").out)
    assert set(found["learned"]["residuals"]) == {"values", "ooda", "identity"}
    assert all(0 < left < 2 for left in found["learned"]["residuals"].values())


def test_of_latent_weights_trits_are_written_and_the_weights_beside_them(bloomery, base, tmp_path):
    latent = shutil.copytree(base, tmp_path / "latent")
    (latent / "ternary.json").write_text("{}")
    command = ("learn", "--base", latent, "-o", tmp_path / "out", *EXAM, *TRAINING, "--json")
    found = json.loads(bloomery(*command).out)
    assert found["latent"] == str(tmp_path / "out-latent")
    assert is_packed(tmp_path / "out")
    assert load_editable(tmp_path / "out-latent").ternary == TernaryConfig()


def test_a_folder_where_latent_weights_would_go_is_not_written_over(bloomery, base, tmp_path):
    latent = shutil.copytree(base, tmp_path / "latent")
    (latent / "ternary.json").write_text("{}")
    (tmp_path / "out-latent").mkdir()
    (tmp_path / "out-latent" / "kept").write_text("mine")
    said = bloomery("learn", "--base", latent, "-o", tmp_path / "out", *EXAM, *TRAINING)
    assert (said.code, files_of(tmp_path / "out-latent")) == (2, {"kept": b"mine"})
    assert "out-latent exists; name a folder that does not" in said.err


def test_a_paused_climb_goes_on_with_the_same_command(bloomery, base, tmp_path, monkeypatch):
    monkeypatch.setattr(learned_folder, "climb", asked_to_stop(learned_folder.climb))
    command = ("learn", "--base", base, "-o", tmp_path / "out", *EXAM, *TRAINING)
    expect_to_go_on(bloomery, command, tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "no task is named to learn from; give --task NAME"),
        (["--task", "paritty"], "did you mean 'parity'"),
        (["--task", "mbpp"], "'mbpp' has no exact scorer here"),
        ([*EXAM, "--hardest", 99], "has difficulties 2 to 32, not 99"),
        ([*EXAM, "--hardest", 30, "--asked", 16, "--seq-len", 32], "needs 66 tokens and fit.seq_len is 32"),
        ([*EXAM, "--replay", 0.9], "give shares that sum to less than 1"),
        (["--task", "parity", "--difficulty", 10, "--target", 0.5], "a target of 0.5 tells nothing"),
        ([*EXAM, "--rungs", 0], "--rungs"),
        ([*EXAM, "--principles"], "the model's window is 64: shorten the prompt"),
    ],
)
def test_a_callers_mistake_is_one_line_and_leaves_nothing(bloomery, base, tmp_path, options, says):
    said = bloomery("learn", "--base", base, "-o", tmp_path / "out", *options)
    assert (said.code, said.out) == (2, "")
    assert says in said.err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_a_packed_folder_is_refused(bloomery, base, tmp_path):
    quantize_folder(base, tmp_path / "packed", TernaryConfig())
    said = bloomery("learn", "--base", tmp_path / "packed", "-o", tmp_path / "out", *EXAM, *TRAINING)
    assert said.code == 2
    assert "packed already; name the model that it was packed from" in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["packed"]
