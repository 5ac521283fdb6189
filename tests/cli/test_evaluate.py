"""bloomery eval, on forged models and folders."""

import json

import pytest
from transformers import GPT2Config, GPT2LMHeadModel

from bloomery.tasks.tokenizer import train_tokenizer


def test_a_forged_model_is_measured_by_name_with_chance_and_interval(bloomery, forged_workspace):
    said = bloomery("eval", "ship", "-t", "parity", "--count", 12, "-d", 10, "-w", forged_workspace, "--json")
    found = json.loads(said.out)["results"]["parity"]
    assert said.code == 0
    assert (found["total"], found["chance"]) == (12, 0.5)
    assert found["low"] <= found["rate"] == found["correct"] / 12 <= found["high"]


def test_a_table_says_the_interval_in_words(bloomery, forged_workspace):
    said = bloomery("eval", "ship", "-t", "parity", "--count", 12, "-d", 10, "-w", forged_workspace)
    assert " to " in said.out.splitlines()[1]


@pytest.fixture
def foreign(tmp_path):
    tokenizer = train_tokenizer([])
    sizes = {"n_embd": 8, "n_layer": 1, "n_head": 1, "n_positions": 64, "vocab_size": len(tokenizer)}
    special = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    GPT2LMHeadModel(GPT2Config(**sizes, **special)).save_pretrained(tmp_path / "gpt2")
    tokenizer.save_pretrained(tmp_path / "gpt2")
    return tmp_path / "gpt2"


def test_any_causal_model_in_a_folder_is_measured_without_a_workspace(bloomery, foreign, tmp_path):
    said = bloomery(
        "eval", foreign, "-t", "parity", "--count", 4, "-d", 10, "-w", tmp_path / "none", "--json"
    )
    assert json.loads(said.out)["results"]["parity"]["total"] == 4
    assert not (tmp_path / "none").exists()


def test_a_cache_of_the_papers_checker_is_taken_for_no_workspace(bloomery, foreign, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".bloomery" / "verify").mkdir(parents=True)
    said = bloomery("eval", foreign, "-t", "parity", "--count", 4, "-d", 10, "--json")
    assert json.loads(said.out)["results"]["parity"]["total"] == 4


@pytest.mark.parametrize("option", [["--recursion-steps", 1], ["--without-memory"]])
def test_options_of_cognate_are_refused_for_other_models(bloomery, foreign, option):
    said = bloomery("eval", foreign, "-t", "parity", "--count", 4, "-d", 10, *option)
    assert said.code == 2
    assert "cognate" in said.err.lower()


def test_an_unknown_task_gets_the_nearest_name(bloomery, forged_workspace):
    said = bloomery("eval", "ship", "-t", "paritty", "-w", forged_workspace)
    assert (said.code, said.err) == (2, "error: unknown task 'paritty'; did you mean 'parity'?\n")


def test_a_difficulty_that_a_task_does_not_have_is_the_callers_mistake(bloomery, forged_workspace):
    said = bloomery("eval", "ship", "-t", "parity", "-d", 10_000, "-w", forged_workspace)
    assert said.code == 2
    assert "difficulties" in said.err


def test_without_difficulties_a_task_with_few_prompts_gives_all_that_it_has(bloomery, foreign):
    """Parity of 2 to 5 digits has 60 different prompts, of which an eighth is held out."""
    said = bloomery("eval", foreign, "-t", "parity", "--json")
    found = json.loads(said.out)["results"]["parity"]
    assert said.code == 0
    assert 0 < found["total"] < 60


def test_at_difficulties_that_are_named_there_must_be_enough(bloomery, foreign):
    said = bloomery("eval", foreign, "-t", "parity", "-d", 3)
    assert said.code == 2
    assert "ask for fewer or for harder ones" in said.err
