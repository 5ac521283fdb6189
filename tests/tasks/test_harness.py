import json
import os
import socket
import sys

import pytest
from huggingface_hub import constants

from bloomery.core.errors import CapabilityMissing, MissingFile, UnknownName
from bloomery.tasks.choice import Question, choice_accuracy
from bloomery.tasks.harness import OFFLINE, adapter, before_any, run_local_tasks

CHOICE_TASK = """
task: metals
dataset_path: json
dataset_kwargs: {data_files: {test: ROWS}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{question}}"
doc_to_choice: "{{choices}}"
doc_to_target: right
target_delimiter: " "
metric_list: [{metric: acc}]
metadata: {version: 3.0}
"""
WRITING_TASK = """
task: writing
dataset_path: json
dataset_kwargs: {data_files: {test: ROWS}}
test_split: test
output_type: generate_until
doc_to_text: "{{question}}"
doc_to_target: "{{choices[right]}}"
generation_kwargs: {until: ["\\n"], max_gen_toks: 4}
metric_list: [{metric: exact_match}]
metadata: {version: 1.0}
"""
PERPLEXITY_TASK = """
task: perplexity
dataset_path: json
dataset_kwargs: {data_files: {test: ROWS}}
test_split: test
output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: "{{question}}"
metric_list: [{metric: byte_perplexity}]
metadata: {version: 1.0}
"""
ROWS = [{"question": f"metal {i}:", "choices": ["iron", "tin", "gold"], "right": i % 3} for i in range(12)]


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_task_on_the_hub_is_not_fetched(folder, tokenizer, llama, monkeypatch):
    pytest.importorskip("lm_eval")
    (folder / "far.yaml").write_text(
        CHOICE_TASK.replace("task: metals", "task: far").replace(
            "dataset_path: json", "dataset_path: no/where"
        )
    )

    def refuse(self, address):
        raise AssertionError(f"a connection to {address} was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises((ConnectionError, OSError), match=r"(?i)offline|no/where"):
        run_local_tasks(llama, tokenizer, ["far"], folder)


@pytest.fixture
def folder(tmp_path):
    rows = tmp_path / "rows.jsonl"
    rows.write_text("\n".join(map(json.dumps, ROWS)))
    for name, text in {"metals": CHOICE_TASK, "writing": WRITING_TASK, "perplexity": PERPLEXITY_TASK}.items():
        (tmp_path / f"{name}.yaml").write_text(text.replace("ROWS", str(rows)))
    return tmp_path


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_local_tasks_run_offline_and_agree_with_ours(folder, tokenizer, llama, tmp_path, monkeypatch):
    pytest.importorskip("lm_eval")
    for name in OFFLINE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    found = run_local_tasks(llama, tokenizer, ["metals", "writing", "perplexity"], folder, batch_size=5)
    assert not [name for name in OFFLINE if name in os.environ]
    assert not constants.HF_HUB_OFFLINE
    questions = [
        Question(row["question"], tuple(f" {choice}" for choice in row["choices"]), row["right"])
        for row in ROWS
    ]
    ours = choice_accuracy(llama, tokenizer, questions, benchmark="metals v3")
    assert found["metals"]["acc,none"] == pytest.approx(ours.rate)
    assert found["metals"]["version"] == 3.0
    assert found["writing"]["exact_match,none"] == 0.0
    assert found["perplexity"]["byte_perplexity,none"] == pytest.approx(259, rel=0.2)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_an_unknown_local_task_is_named(folder, tokenizer, llama):
    pytest.importorskip("lm_eval")
    with pytest.raises(UnknownName, match="lm-eval task 'metal'; did you mean 'metals'"):
        run_local_tasks(llama, tokenizer, ["metal"], folder)


def test_a_folder_that_is_not_there_is_named(tokenizer, llama, tmp_path):
    with pytest.raises(MissingFile, match="nowhere"):
        run_local_tasks(llama, tokenizer, ["metals"], tmp_path / "nowhere")


def test_without_lm_eval_the_error_says_what_to_install(tokenizer, llama, tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "lm_eval"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "lm_eval", None)
    with pytest.raises(CapabilityMissing, match=r"install bloomery\[eval\]"):
        run_local_tasks(llama, tokenizer, ["metals"], tmp_path)
    with pytest.raises(CapabilityMissing, match=r"install bloomery\[eval\]"):
        adapter(llama, tokenizer)


def test_writing_ends_before_the_first_stop():
    assert before_any("iron, tin. gold", [".", ","]) == "iron"
    assert before_any("iron, tin", ";") == "iron, tin"
    assert before_any("iron", ["", "n"]) == "iro"
