"""bloomery bake: what is baked, what is measured, and what a caller may do wrong."""

import json
import shutil
import sys
from dataclasses import replace

import pytest

from bloomery.forge.baking import in_turn
from bloomery.forge.baking.baked_folder import bake_folder
from bloomery.forge.baking.looking import NOTHING, asked_of_file, queries_of, together
from bloomery.forge.baking.settings import BakeConfig, LoraConfig
from bloomery.forge.bitnet.quantizing import quantize_folder
from bloomery.forge.editing import load_editable
from bloomery.forge.fine_tuning import fine_tuning
from bloomery.forge.folders import save_model
from bloomery.forge.packed_folder import is_packed
from bloomery.forge.settings import TernaryConfig
from tests.cli.pausing import asked_to_stop, expect_to_go_on
from tests.forge.baking.promptable import LOUD, TOKENIZER, control, promptable_llama, queries
from tests.forge.small_folders import FOLDERS, cognate, files_of, llama

ASKED = ["--task", "chained_sums", "--difficulty", 4, "--count", 6, "--queries", 8]
SHORT = ["--per-query", 1, "--max-new-tokens", 3, "--seq-len", 32, "--batch", 4]
TRAINING = ["--steps", 4, "--checkpoint-every", 2, *SHORT]
PROMPT = ["--prompt", "UUUU"]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return llama(tmp_path_factory.mktemp("given") / "llama")


@pytest.fixture
def questions(tmp_path_factory):
    path = tmp_path_factory.mktemp("asked") / "questions.txt"
    path.write_text("\n".join(f"{letter}{number}=" for letter in "abc" for number in range(8)))
    return path


def lines_with(said, name):
    return [line for line in said.out.splitlines() if line.startswith(name)]


@pytest.mark.parametrize("kind", FOLDERS)
def test_any_model_is_baked_and_what_is_left_is_measured(bloomery, tmp_path, kind):
    base = FOLDERS[kind](tmp_path / "base")
    said = bloomery("bake", "--base", base, "-o", tmp_path / "out", *PROMPT, *ASKED, *TRAINING)
    assert said.code == 0
    assert lines_with(said, "residual ratio")[0].split()[-2] == "1"  # of all before
    assert len(lines_with(said, "accuracy: chained_sums")) == 1
    assert "drift: not measured; --control-task NAME or --controls FILE" in said.out
    assert bloomery("eval", tmp_path / "out", "-t", "parity", "-d", 10, "--count", 4).code == 0


@pytest.mark.slow
def test_a_prompt_that_is_baked_in_does_without_it_what_it_did(bloomery, tmp_path):
    """Letters are answered in upper case under the prompt, and digits as ever."""
    save_model(promptable_llama(), TOKENIZER, tmp_path / "base")
    for name, kind in {"letters": [], "digits": [control]}.items():
        asked = [*queries("train", *kind), *queries("test", *kind)]
        (tmp_path / name).write_text("\n".join(asked))
    said = bloomery(
        "bake", "--base", tmp_path / "base", "-o", tmp_path / "out", "--prompt", LOUD, "--questions",
        tmp_path / "letters", "--controls", tmp_path / "digits", "--steps", 60, "--batch", 24, "--lr", 0.003,
        "--max-new-tokens", 4, "--seq-len", 32, "--json",
    )  # fmt: skip
    found = json.loads(said.out)
    assert found["residual"]["base"] > 0.5  # nats: there was something to bake
    assert found["residual"]["ratio"] < 0.2  # the bar of the stage
    assert found["residual"]["strength"] == 1 - found["residual"]["ratio"]
    assert found["drift"] < 0.1


def test_every_option_reaches_the_function(bloomery, base, tmp_path, questions):
    said = bloomery(
        "bake", "--base", base, "-o", tmp_path / "verb", *PROMPT, "--questions", questions, *TRAINING,
        "--mode", "lora", "--rank", 2, "--alpha", 3, "--temperature", 0.8, "--strength", 0.9, "--rounds", 2,
        "--lr", 0.01, "--seed", 3, "--json",
    )  # fmt: skip
    fit = fine_tuning(
        {}, preset="baking", steps=4, seq_len=32, lr=0.01, batch=4, checkpoint_every=2, evaluate_every=1
    )
    config = BakeConfig(
        mode="lora",
        lora=LoraConfig(rank=2, alpha=3),
        per_query=1,
        max_new_tokens=3,
        temperature=0.8,
        strength=0.9,
    )
    asked = asked_of_file(questions)
    baked = bake_folder(
        base, tmp_path / "function", "UUUU", queries_of(asked, NOTHING),
        fitting=replace(fit, optimizer="adamw"), config=config, rounds=2, seed=3,
    )  # fmt: skip
    assert files_of(tmp_path / "verb") == files_of(tmp_path / "function")
    found = json.loads(said.out)
    assert [one["steps"] for one in found["rounds"]] == [one.steps for one in baked]
    assert (found["drift"], found["prompted"], found["after"]) == (None, None, {})


def test_latent_weights_are_baked_through_their_trits_and_packed_where_asked(bloomery, base, tmp_path):
    latent = shutil.copytree(base, tmp_path / "latent")
    (latent / "ternary.json").write_text("{}")
    options = (*PROMPT, *ASKED, *TRAINING, "--json")
    edited = bloomery("bake", "--base", latent, "-o", tmp_path / "edited", *options)
    packed = bloomery("bake", "--base", latent, "-o", tmp_path / "packed", *options, "--packed")
    assert load_editable(tmp_path / "edited").ternary == TernaryConfig()
    assert is_packed(tmp_path / "packed")
    one, other = json.loads(edited.out), json.loads(packed.out)
    assert other["weight_bytes"][1] < one["weight_bytes"][1] / 4
    # the same trits but for the embeddings, which are packed in 8 bits
    assert other["residual"]["baked"] == pytest.approx(one["residual"]["baked"], rel=0.3)
    assert other["residual"]["base"] == one["residual"]["base"]


def test_lines_of_a_text_are_learned_or_held_out_and_never_both(tmp_path):
    (tmp_path / "text").write_text("a\n\nb\nc\nd\na\ne\nf\n")
    assert asked_of_file(tmp_path / "text") == (["a", "c", "e"], ["b", "f"], ["d"])
    assert together([(["a", "b"], ["b", "c"], ["c", "d", "a"])]) == (["a", "b"], ["c"], ["d"])


def test_a_question_that_only_measures_is_refused_before_anything_is_baked(bloomery, base, tmp_path):
    lines = ["a1=", "b1=", "c1=", "d" * 60, "e1=", "f1=", "g1=", "h1=", "i1="]  # the fourth one measures
    (tmp_path / "text").write_text("\n".join(lines))
    command = ("bake", "--base", base, "-o", tmp_path / "out", *PROMPT, "--questions", tmp_path / "text")
    said = bloomery(*command, *TRAINING)
    assert (said.code, said.out) == (2, "")
    assert "with a query of 60 and 3 new ones that is 68, and the model's window is 64" in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["text"]


def test_answers_that_are_too_long_to_learn_are_counted(bloomery, base, tmp_path):
    lines = [f"{letter}{number}=" for letter in "abcd" for number in range(8)]
    lines[0] = "a" * 30  # it is learned
    (tmp_path / "text").write_text("\n".join(lines))
    command = ("bake", "--base", base, "-o", tmp_path / "out", *PROMPT, "--questions", tmp_path / "text")
    assert (
        "(1 answers longer than --seq-len left out)" in lines_with(bloomery(*command, *TRAINING), "baked")[0]
    )


def test_a_paused_bake_goes_on_with_the_same_command(bloomery, base, tmp_path, monkeypatch):
    monkeypatch.setattr(in_turn, "bake", asked_to_stop(in_turn.bake))
    command = ("bake", "--base", base, "-o", tmp_path / "out", *PROMPT, *ASKED, *TRAINING)
    expect_to_go_on(bloomery, command, tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (ASKED, "give the prompt to bake by one of --prompt TEXT and --prompt-file FILE"),
        ([*ASKED, *PROMPT, "--prompt-file", "x"], "by one of --prompt TEXT and --prompt-file FILE"),
        ([*ASKED, "--prompt-file", "no-such"], "there is no prompt no-such; name a text"),
        ([*ASKED, "--prompt", ""], "the prompt is empty"),
        ([*ASKED, *SHORT, "--prompt", "x" * 70], "the model's window is 64: shorten the prompt"),
        (PROMPT, "no questions to bake the prompt on; give --task NAME or --questions FILE"),
        ([*PROMPT, "--questions", "no-such"], "there is no file no-such; name one with a question a line"),
        ([*PROMPT, "--questions", "/dev/null"], "has 0 different lines"),
        ([*PROMPT, "--task", "paritty"], "did you mean 'parity'"),
        ([*PROMPT, "--task", "mbpp"], "'mbpp' has no exact scorer here"),
        ([*PROMPT, *ASKED, "--rank", 4], "--rank: of a low-rank change, and all weights move"),
        ([*PROMPT, *ASKED, "--packed"], "--packed packs trits behind latent weights"),
        ([*PROMPT, *ASKED, *SHORT, "--batch", 90], "and a batch takes 90: raise seq_len, give more queries"),
        ([*PROMPT, *ASKED, "--strength", 2], "--strength"),
    ],
)
def test_a_callers_mistake_is_one_line_and_leaves_nothing(bloomery, base, tmp_path, options, says):
    said = bloomery("bake", "--base", base, "-o", tmp_path / "out", *options)
    assert (said.code, said.out) == (2, "")
    assert says in said.err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_a_prompt_that_empties_the_output_leaves_room_for_another_one(bloomery, base, tmp_path, monkeypatch):
    command = ("bake", "--base", base, "-o", tmp_path / "out", *ASKED, *TRAINING)
    with monkeypatch.context() as patch:
        patch.setattr("bloomery.forge.baking.completions.empty_share", lambda *_: 0.9)
        said = bloomery(*command, "--prompt", "Say nothing.")
    assert said.code == 2
    assert "90% of the model's answers are empty" in said.err
    assert bloomery(*command, *PROMPT).code == 0


def test_without_peft_a_low_rank_change_names_the_extra_and_leaves_nothing(bloomery, tmp_path, monkeypatch):
    base = cognate(tmp_path / "base")
    monkeypatch.setitem(sys.modules, "peft", None)
    said = bloomery("bake", "-b", base, "-o", tmp_path / "out", *PROMPT, *ASKED, *TRAINING, "--mode", "lora")
    assert said.code == 1
    assert "peft is not installed; install bloomery[lora]" in said.err.splitlines()[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["base"]


def test_a_packed_folder_is_refused(bloomery, base, tmp_path):
    quantize_folder(base, tmp_path / "packed", TernaryConfig())
    said = bloomery("bake", "--base", tmp_path / "packed", "-o", tmp_path / "out", *PROMPT, *ASKED)
    assert said.code == 2
    assert "packed already; name the model that it was packed from" in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["packed"]
