"""bloomery diffuse write: a program for a prompt, and what a caller may do wrong."""

import json

import pytest

from bloomery.diffusion.code.lexemes.tokenizer import LexemeTokenizer
from bloomery.diffusion.code.modelling.model import CodeModel
from bloomery.diffusion.code.prompting.cutting import prepared
from bloomery.diffusion.code.prompting.model import PromptModel
from bloomery.diffusion.code.tasks.catalogue import OPERATIONS

TINY = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
PROMPT = "return the sum of the even numbers"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([PROMPT, "--language", "typoscript"], "did you mean 'typescript'"),
        (["x" * 100_000], "a prompt has at most 400 characters; this has 100,000"),
        ([""], "the prompt is empty"),
        (["return the sum of the evil numbers"], "nearest prompts that are understood"),
        ([PROMPT, "--example", "f(1, 2) == 3"], "the prompt takes one input, the numbers; the example gives"),
        ([PROMPT, "--example", "['a']"], "is no example"),
        ([PROMPT, "--example", '[["a"], 1]'], "the prompt takes one input, the numbers"),
        ([PROMPT, "--model", "{tmp}"], "holds no model"),
    ],
)
def test_what_cannot_be_written_is_refused_before_any_training(bloomery, tmp_path, words, told):
    words = [word.format(tmp=tmp_path) if word == "{tmp}" else word for word in words]
    said = bloomery("diffuse", "write", *words, "-w", tmp_path / "space")
    assert said.code == 2
    assert told in said.err
    assert not (tmp_path / "space" / "runs").exists()


def test_a_folders_model_writes_and_what_is_wrong_is_said_and_ends_with_1(bloomery, tmp_path):
    tokenizer, layouts = prepared()
    model = PromptModel.fresh(tokenizer, layouts, operations=tuple(OPERATIONS), **TINY)
    model.save(tmp_path / "model")
    said = bloomery(
        "diffuse", "write", PROMPT, "--model", tmp_path / "model", "--candidates", 2, "--json",
        "--example", "f([1, 2]) == 2", "--out", tmp_path / "made" / "solve.py",
    )  # fmt: skip
    told = json.loads(said.out)
    assert (said.code, told["runs"], told["score"]) == (1, "failed", 0.0)  # it learned nothing
    assert (tmp_path / "made" / "solve.py").read_text() == told["code"]
    assert told["reason"].startswith("does not load")


@pytest.mark.slow
def test_the_first_use_trains_and_the_second_remembers(bloomery, tmp_path):
    words = ["diffuse", "write", PROMPT, "--steps", 12, "--json", "-w", tmp_path / "space"]
    first, again = bloomery(*words), bloomery(*words)
    one, other = json.loads(first.out), json.loads(again.out)
    assert one["code"] == other["code"]
    assert "remembered" in again.err
    assert "remembered" not in first.err


def test_a_model_that_reads_no_prompts_says_what_it_is_for(bloomery, tmp_path):
    tokenizer = LexemeTokenizer.trained([(b"x = 1\n", "python")] * 4, 1400)
    CodeModel.fresh(tokenizer, "tiny", num_hidden_layers=1).save(tmp_path / "code")
    said = bloomery("diffuse", "write", PROMPT, "--model", tmp_path / "code", "-w", tmp_path / "space")
    assert said.code == 2
    told = " ".join(said.err.split())
    assert "a code model of `bloomery diffuse train`, which reads no prompts" in told
    assert "bloomery diffuse fill FILE" in told
