"""Packed folders: one model, whether in memory, from its folder, or loaded by a stranger."""

import json
import os
import shutil
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

from bloomery.core.errors import DamagedArtifact, FormatRefused
from bloomery.forge.bitnet.quantizing import items_of, make_ternary
from bloomery.forge.elsewhere import logits_elsewhere
from bloomery.forge.folders import load_model
from bloomery.forge.measuring import count_parameters, logits_of
from bloomery.forge.packed_folder import from_items, save_packed, weights_size
from bloomery.forge.settings import TernaryConfig
from bloomery.models.configuration_cognate import cognate_tiny
from bloomery.models.modeling_cognate import CognateForCausalLM
from bloomery.models.packed.configuration_packed import PackedConfig
from bloomery.models.packed.modeling_packed import PackedForCausalLM
from bloomery.models.packed.packed_linear import PackedTernaryLinear
from bloomery.tasks.tokenizer import train_tokenizer

PROMPT = "1+2+3="


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer([])


def llama(tokenizer, *, tied):
    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=tied,
            bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    ).eval()  # fmt: skip


def cognate(tokenizer):
    torch.manual_seed(0)
    return CognateForCausalLM(
        cognate_tiny(
            vocab_size=len(tokenizer), bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
        )
    ).eval()  # fmt: skip


MODELS = {
    "cognate": cognate,
    "llama": lambda tokenizer: llama(tokenizer, tied=False),
    "tied llama": lambda tokenizer: llama(tokenizer, tied=True),
}


@pytest.fixture(scope="module", params=MODELS)
def packed(request, tokenizer, tmp_path_factory):
    """A ternary model, its items, and its folder."""
    model = MODELS[request.param](tokenizer)
    make_ternary(model, TernaryConfig())
    items = items_of(model, 8)
    folder = tmp_path_factory.mktemp(request.param.replace(" ", "-")) / "packed"
    save_packed(model.config, items, tokenizer, folder)
    return model, items, folder


def test_the_folder_loads_as_the_model_in_memory_to_the_bit(packed, tokenizer):
    model, items, folder = packed
    here = logits_of(from_items(model.config, items), tokenizer, PROMPT)
    assert torch.equal(logits_of(*load_model(folder), PROMPT), here)


@pytest.mark.slow
def test_a_stranger_gets_the_same_bits(packed, tokenizer):
    _, _, folder = packed
    assert torch.equal(logits_elsewhere(folder, PROMPT), logits_of(load_model(folder)[0], tokenizer, PROMPT))


def test_its_linear_layers_compute_on_packed_trits(packed):
    _, items, folder = packed
    loaded, _ = load_model(folder)
    layers = [layer for layer in loaded.modules() if isinstance(layer, PackedTernaryLinear)]
    assert len(layers) == sum(one.scheme == "ternary" for one in items) > 5


def test_it_generates_as_its_forward_pass_says(packed, tokenizer):
    _, _, folder = packed
    model, _ = load_model(folder)
    ids = torch.tensor([tokenizer.encode(PROMPT)])
    written = model.generate(ids, max_new_tokens=3, do_sample=False, eos_token_id=-1)
    with torch.inference_mode():
        for _ in range(3):
            logits = model(input_ids=ids, use_cache=False).logits[:, -1]
            ids = torch.cat([ids, logits.argmax(-1, keepdim=True)], dim=1)
    assert written.tolist() == ids.tolist()


def test_every_weight_is_counted_and_none_twice(packed, tokenizer):
    model, _, folder = packed
    assert count_parameters(load_model(folder)[0]) == sum(p.numel() for p in model.parameters())


def test_the_file_is_not_much_more_than_its_trits_and_bytes(packed):
    """Five trits a byte, a byte for other matrices, two for vectors; index and scales are what is left."""
    _, items, folder = packed
    trits = sum(one.numel for one in items if one.scheme == "ternary")
    matrices = sum(one.numel for one in items if one.scheme == "rows")
    vectors = sum(one.numel for one in items if one.scheme == "float16")
    least = trits / 5 + matrices + 2 * vectors
    assert weights_size(folder) < 1.12 * least + 1000


def test_the_same_items_give_the_same_bytes(packed, tokenizer, tmp_path):
    model, items, folder = packed
    save_packed(model.config, items, tokenizer, tmp_path / "again")
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


def test_loading_leaves_the_callers_random_state_alone(packed):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    load_model(packed[2])
    assert torch.equal(torch.rand(3), expected)


def test_a_change_of_the_packed_models_config_takes_effect(tokenizer, tmp_path):
    model = cognate(tokenizer)
    make_ternary(model, TernaryConfig())
    save_packed(model.config, items_of(model, 8), tokenizer, tmp_path / "packed")
    changed, _ = load_model(tmp_path / "packed", halt_threshold=0.123)
    assert changed.config.halt_threshold == 0.123
    assert load_model(tmp_path / "packed")[0].config.halt_threshold == model.config.halt_threshold != 0.123


def test_a_packed_model_says_how_it_is_saved(packed, tmp_path):
    with pytest.raises(ValueError, match="copying its folder"):
        load_model(packed[2])[0].save_pretrained(tmp_path)
    assert not list(tmp_path.iterdir())


def test_other_precisions_are_refused_instead_of_ignored(packed):
    with pytest.raises(ValueError, match="float32"):
        PackedForCausalLM.from_pretrained(packed[2], dtype=torch.bfloat16)


@pytest.mark.parametrize("name", ["dtype", "torch_dtype"])
@pytest.mark.parametrize("dtype", [None, "auto", "float32", torch.float32])
def test_a_dtype_that_is_float32_changes_nothing(packed, tokenizer, name, dtype):
    config = PackedConfig.from_pretrained(packed[2])
    config.inner["dtype"] = "float32"  # as a config.json of transformers may hold it
    model = PackedForCausalLM.from_pretrained(packed[2], config=config, **{name: dtype})
    assert torch.equal(logits_of(model, tokenizer, PROMPT), logits_of(*load_model(packed[2]), PROMPT))
    assert config.inner["dtype"] == "float32"


@pytest.mark.parametrize("device_map", ["auto", "cpu", {"": "cpu"}])
def test_a_device_map_is_one_device(packed, device_map, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    model = PackedForCausalLM.from_pretrained(packed[2], device_map=device_map)
    assert {one.device.type for one in model.state_dict().values()} == {"cpu"}


def test_a_model_in_parts_on_several_devices_is_refused(packed):
    with pytest.raises(ValueError, match="one device"):
        PackedForCausalLM.from_pretrained(packed[2], device_map={"model": "cpu", "lm_head": "cpu"})


def test_loading_info_comes_with_the_model_and_misses_nothing(packed):
    model, info = PackedForCausalLM.from_pretrained(packed[2], output_loading_info=True)
    assert isinstance(model, torch.nn.Module)
    assert info == {"missing_keys": [], "unexpected_keys": [], "mismatched_keys": [], "error_msgs": []}


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_the_attention_that_is_asked_for_is_the_models(tokenizer, tmp_path, attention):
    model = llama(tokenizer, tied=False)
    make_ternary(model, TernaryConfig())
    save_packed(model.config, items_of(model, 8), tokenizer, tmp_path / "packed")
    given = {"attn_implementation": attention}
    by_class = PackedForCausalLM.from_pretrained(tmp_path / "packed", **given)
    by_config = PackedForCausalLM.from_pretrained(
        tmp_path / "packed", config=PackedConfig.from_pretrained(tmp_path / "packed", **given)
    )
    assert by_class.config._attn_implementation == by_config.config._attn_implementation == attention


PIPELINE = """
import sys
sys.modules["bloomery"] = None  # importing it raises ImportError
from transformers import pipeline
writer = pipeline("text-generation", model=sys.argv[1], trust_remote_code=True)
print(writer(sys.argv[2], max_new_tokens=2, do_sample=False)[0]["generated_text"])
"""


@pytest.mark.slow
def test_a_strangers_pipeline_writes_text(packed, tmp_path):
    folder = shutil.copytree(packed[2], tmp_path / "packed")
    config = json.loads((folder / "config.json").read_text())
    config["inner"]["dtype"] = "float32"  # as a model that was loaded from a folder has it
    (folder / "config.json").write_text(json.dumps(config))
    done = subprocess.run(
        [sys.executable, "-c", PIPELINE, str(folder), PROMPT],
        env=os.environ | {"HF_MODULES_CACHE": str(tmp_path), "HF_HUB_OFFLINE": "1"},
        capture_output=True, text=True, timeout=120, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(PROMPT)


@pytest.mark.parametrize("place", [10, -5])
def test_an_altered_file_is_refused(packed, tmp_path, place):
    folder = shutil.copytree(packed[2], tmp_path / "altered")
    weights = load_file(folder / "model.safetensors")["packed"].clone()
    weights[place] ^= 1
    save_file({"packed": weights}, folder / "model.safetensors")
    with pytest.raises(DamagedArtifact, match=r"altered|truncated"):
        load_model(folder)


@pytest.mark.parametrize("bytes_left", [30, 2000])
def test_a_truncated_file_is_refused(packed, tmp_path, bytes_left):
    folder = shutil.copytree(packed[2], tmp_path / "short")
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:bytes_left])
    with pytest.raises(DamagedArtifact, match="truncated"):
        load_model(folder)


def test_weights_of_another_model_are_refused(packed, tokenizer, tmp_path):
    folder = shutil.copytree(packed[2], tmp_path / "swapped")
    other = llama(tokenizer, tied=False)
    make_ternary(other, TernaryConfig())
    save_packed(other.config, items_of(other, 8)[:-2], tokenizer, tmp_path / "other")
    shutil.copyfile(tmp_path / "other" / "model.safetensors", folder / "model.safetensors")
    with pytest.raises(DamagedArtifact, match="different models"):
        load_model(folder)


def test_a_folder_of_an_unknown_kind_of_model_does_not_run_its_code(packed, tmp_path):
    folder = shutil.copytree(packed[2], tmp_path / "foreign")
    config = json.loads((folder / "config.json").read_text())
    config["inner"]["model_type"] = "something-else"
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(FormatRefused, match="something-else"):
        load_model(folder)
