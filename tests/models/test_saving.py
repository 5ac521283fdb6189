"""Saving, and loading where Bloomery is not installed."""

import ast
import os
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

from bloomery.models.configuration_cognate import CognateConfig
from bloomery.models.modeling_cognate import CognateForCausalLM

ELSEWHERE = """
import sys
sys.modules["bloomery"] = None  # any import of it fails
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM
folder, given, result = sys.argv[1:]
assert AutoConfig.from_pretrained(folder, trust_remote_code=True).model_type == "cognate"
model = AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True)
ids = load_file(given)["ids"]
logits = model(ids, recursion_steps=3).logits
tokens = model.generate(ids, max_new_tokens=5, do_sample=False)
save_file({"logits": logits.detach(), "tokens": tokens}, result)
"""


def ids():
    return torch.randint(2, 61, (2, 13), generator=torch.Generator().manual_seed(1))


@pytest.fixture
def calibrated(model):
    model.halting.correct_ema.copy_(torch.tensor([0.2, 0.4, 0.6]))
    return model


def test_a_loaded_model_is_the_saved_one_to_the_bit(calibrated, tmp_path):
    calibrated.save_pretrained(tmp_path)
    loaded = CognateForCausalLM.from_pretrained(tmp_path)
    assert not loaded.training
    for key, value in calibrated.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value), key
    for steps in (None, 3):
        a, b = (m(ids(), recursion_steps=steps) for m in (calibrated, loaded))
        assert torch.equal(a.logits, b.logits)
        assert torch.equal(a.halt_probabilities, b.halt_probabilities)


def test_the_folder_carries_all_code_that_it_needs(make_model, tmp_path):
    make_model().save_pretrained(tmp_path)
    files = {p.stem: ast.parse(p.read_text()) for p in tmp_path.glob("*.py")}
    imports = [node for tree in files.values() for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    needed = {
        name for i in imports if i.level for name in ([i.module] if i.module else [a.name for a in i.names])
    }
    assert needed == set(files) - {"modeling_cognate"}
    assert not [node for node in imports if (node.module or "").startswith("bloomery")]


@pytest.mark.slow
def test_the_folder_loads_bit_equal_where_bloomery_cannot_be_imported(make_model, tmp_path):
    model, folder = make_model(), tmp_path / "model"
    model.save_pretrained(folder)
    save_file({"ids": ids()}, tmp_path / "given.safetensors")
    arguments = [folder, tmp_path / "given.safetensors", tmp_path / "result.safetensors"]
    environment = {**os.environ, "HF_MODULES_CACHE": str(tmp_path / "modules"), "PYTHONPATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, *map(str, arguments)],
        capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = load_file(arguments[2])
    assert torch.equal(result["logits"], model(ids(), recursion_steps=3).logits)
    assert torch.equal(result["tokens"], model.generate(ids(), max_new_tokens=5, do_sample=False))


def test_a_checkpoint_without_a_weight_is_noticed(make_model, tmp_path):
    make_model().save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["norm.weight"]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    _, found = CognateForCausalLM.from_pretrained(tmp_path, output_loading_info=True)
    assert set(found["missing_keys"]) == {"norm.weight"}


def test_half_precision_weights_load_in_half_precision(make_model, tmp_path):
    make_model().save_pretrained(tmp_path)
    loaded = CognateForCausalLM.from_pretrained(tmp_path, dtype=torch.bfloat16)
    assert {p.dtype for p in loaded.parameters()} == {torch.bfloat16}
    assert loaded(ids()).logits.isfinite().all()


def test_capacity_and_threshold_change_after_loading_without_touching_weights(make_model, tmp_path):
    model = make_model(memory_capacity=50.0)
    model.save_pretrained(tmp_path)
    changed = CognateForCausalLM.from_pretrained(tmp_path, memory_capacity=5.0, halt_threshold=0.9)
    assert changed.config.halt_threshold == 0.9
    for key, value in model.state_dict().items():
        assert torch.equal(changed.state_dict()[key], value)
    assert not torch.equal(changed(ids()).logits, model(ids()).logits)


def test_a_config_survives_its_file(tmp_path):
    config = CognateConfig(memory_layers=[0, 3], supervision_weights=[1, 2, 3], halt_ema=0.9, eos_token_id=7)
    config.save_pretrained(tmp_path)
    assert CognateConfig.from_pretrained(tmp_path).to_dict() == config.to_dict()
