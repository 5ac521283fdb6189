"""An exported folder is one that a second runtime computes alike from, or it is not there."""

import json

import pytest

from bloomery.core.errors import Failure, FormatRefused, UnknownName, UserError
from bloomery.forge.bitnet.quantizing import quantize_folder
from bloomery.forge.exporting import folder, gguf_file
from bloomery.forge.exporting.folder import export_folder
from bloomery.forge.exporting.gguf_elsewhere import read_elsewhere
from bloomery.forge.folders import load_model
from bloomery.forge.settings import TernaryConfig
from bloomery.models.packed.experts import to_bytes
from tests.forge.exporting.reading import read_here
from tests.forge.exporting.test_plain import mixed
from tests.forge.merging.families import tiny_llama
from tests.forge.small_folders import cognate, files_of, llama
from tests.models.packed.expert_sets import expert_set

pytest.importorskip("gguf", reason="the extra `export` is not installed")


@pytest.fixture
def here(monkeypatch):
    monkeypatch.setattr(folder, "read_elsewhere", read_here)


@pytest.mark.slow
def test_a_packed_llama_is_read_by_another_process_without_this_package(tmp_path):
    sizes = {"hidden_size": 256, "intermediate_size": 256, "num_hidden_layers": 1}
    quantize_folder(tiny_llama(tmp_path / "base", **sizes), tmp_path / "packed", TernaryConfig())
    made = export_folder(tmp_path / "packed", tmp_path / "out", "gguf")
    assert (made.tensors, made.runtime.same) == ({"F16": 2, "TQ2_0": 7, "F32": 3}, 1.0)
    assert made.runtime.difference <= 1e-6  # the same values through the same operations
    assert 0 < made.folder.difference < 0.1  # float16 scales, and no 8-bit activations
    assert made.size_bytes == (tmp_path / "out" / "model.gguf").stat().st_size
    told = json.loads((tmp_path / "out" / "export.json").read_text())
    assert (told["format"], told["tensors"]["TQ2_0"]) == ("gguf", 7)


def test_the_same_folder_gives_the_same_bytes(tmp_path, here):
    base = llama(tmp_path / "base")
    for name in ("one", "two"):
        export_folder(base, tmp_path / name, "gguf")
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


def test_heads_in_the_wrong_order_are_noticed_and_nothing_is_left(tmp_path, here, monkeypatch):
    base = tiny_llama(tmp_path / "base", hidden_size=64, num_attention_heads=2, initializer_range=0.5)
    export_folder(base, tmp_path / "right", "gguf")
    monkeypatch.setattr(gguf_file, "_paired", lambda data, heads: data)
    with pytest.raises(Failure, match="GGUF reader computes something else"):
        export_folder(base, tmp_path / "out", "gguf")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base", "right"]


def test_a_tokenizer_that_is_read_otherwise_is_refused_and_nothing_is_left(tmp_path, monkeypatch):
    def other_ids(path, rows):
        logits, encoded = read_here(path, rows)
        return logits, [[*ids, 0] for ids in encoded]

    monkeypatch.setattr(folder, "read_elsewhere", other_ids)
    with pytest.raises(FormatRefused, match=r"encode '1\+2\+3=' otherwise"):
        export_folder(llama(tmp_path / "base"), tmp_path / "out", "gguf")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base"]


def test_a_file_that_does_not_load_is_a_failure(tmp_path):
    (tmp_path / "x.gguf").write_bytes(b"no gguf")
    with pytest.raises(Failure, match="does not load in plain transformers"):
        read_elsewhere(tmp_path / "x.gguf", [])


def test_what_cannot_be_exported_leaves_nothing(tmp_path, here):
    base = cognate(tmp_path / "base")
    with pytest.raises(FormatRefused, match="not for 'cognate'"):
        export_folder(base, tmp_path / "out", "gguf")
    with pytest.raises(UnknownName, match="unknown format 'ggml'"):
        export_folder(base, tmp_path / "out", "ggml")
    with pytest.raises(UserError, match="exists"):
        export_folder(base, base, "gguf")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base"]


@pytest.mark.slow  # tracing takes half a minute
def test_a_packed_cognate_is_read_by_onnxruntime(tmp_path):
    pytest.importorskip("onnxruntime", reason="the extra `export` is not installed")
    quantize_folder(cognate(tmp_path / "base"), tmp_path / "packed", TernaryConfig())
    made = export_folder(tmp_path / "packed", tmp_path / "out", "onnx", length=16)
    assert (made.length, made.second_runtime, made.tensors) == (16, "onnxruntime", {})
    assert made.runtime.difference < 1e-4
    assert made.folder.difference > made.runtime.difference
    assert {"model.onnx", "tokenizer.json", "export.json"} <= files_of(tmp_path / "out").keys()


@pytest.mark.parametrize("format", ["gguf", "onnx"])
def test_experts_among_whom_prompts_are_sent_are_refused_since_weights_are_one_set(tmp_path, format):
    base = llama(tmp_path / "base")
    (base / "experts.safetensors").write_bytes(to_bytes(expert_set(*load_model(base))))
    with pytest.raises(
        FormatRefused, match=rf"sends each prompt to one of 2 experts \(one, two\), and {format}"
    ):
        export_folder(base, tmp_path / "out", format)
    assert not (tmp_path / "out").exists()


def test_the_mixture_that_answers_where_no_prompt_is_sent_is_exported_on_request(tmp_path, here):
    base = llama(tmp_path / "base")
    (base / "experts.safetensors").write_bytes(to_bytes(expert_set(*load_model(base))))
    made = export_folder(base, tmp_path / "out", "gguf", floats="f32", mixture=True)
    assert made.runtime.difference <= 1e-6
    assert made.folder.difference <= 1e-4  # the folder computes with the mixture, too: sums in another order


def test_a_packed_llama_s_fixed_mixture_is_in_the_file_that_another_runtime_reads(tmp_path, here):
    quantize_folder(llama(tmp_path / "base"), tmp_path / "packed", TernaryConfig())
    (tmp_path / "packed" / "experts.safetensors").write_bytes(
        to_bytes(mixed(*load_model(tmp_path / "packed")))
    )
    made = export_folder(tmp_path / "packed", tmp_path / "out", "gguf", floats="f32")
    assert made.runtime.difference <= 1e-6
    assert made.folder.difference < 0.2  # 8-bit activations are left out, as without experts


@pytest.mark.slow  # tracing takes half a minute
def test_a_packed_cognate_s_fixed_mixture_is_in_the_graph(tmp_path):
    """Trits, and beside them one vector for every prompt."""
    quantize_folder(cognate(tmp_path / "base"), tmp_path / "packed", TernaryConfig())
    (tmp_path / "packed" / "experts.safetensors").write_bytes(
        to_bytes(mixed(*load_model(tmp_path / "packed")))
    )
    made = export_folder(tmp_path / "packed", tmp_path / "out", "onnx", length=16)
    assert made.runtime.difference < 1e-4
    assert made.folder.difference < 0.2


def test_a_folder_is_not_exported_as_less_than_it_is(tmp_path):
    """Without the head that mixes its thoughts in, or with the floats behind the trits."""
    thinking = llama(tmp_path / "thinking")
    (thinking / "mixing.safetensors").write_bytes((thinking / "model.safetensors").read_bytes())
    with pytest.raises(FormatRefused, match="has a mixing head, which gguf has no place for"):
        export_folder(thinking, tmp_path / "out", "gguf")
    latent = llama(tmp_path / "latent")
    (latent / "ternary.json").write_text("{}")
    with pytest.raises(UserError, match="latent weights of trits; name the packed folder"):
        export_folder(latent, tmp_path / "out", "gguf")
    assert not (tmp_path / "out").exists()
