"""A graph computes what the model computes, row by row."""

import sys

import pytest
import torch
from torch import nn

from bloomery.core.errors import CapabilityMissing, FormatRefused, UserError
from bloomery.forge.exporting import onnx_file
from bloomery.forge.exporting.onnx_file import direct_options, plain_memories, run_onnx, write_onnx
from bloomery.forge.exporting.plain import load_plain, logits_of, rows_of
from tests.forge.small_folders import cognate, llama, tied_llama

for package in ("onnx", "onnxruntime", "onnxscript"):
    pytest.importorskip(package, reason="the extra `export` is not installed")

# float32 sums in another order, through a memory that adds up what it reads: measured 2e-6 of the largest
CLOSE = {"rtol": 0, "atol": 1e-4}


@pytest.mark.slow  # tracing takes some ten seconds
@pytest.mark.parametrize("make", [llama, tied_llama])
def test_a_llama_s_graph_takes_rows_of_any_length(make, tmp_path):
    model, _ = load_plain(make(tmp_path / "model"))
    assert write_onnx(model, tmp_path / "x.onnx") is None
    rows = rows_of(model, [2, 3, 33, 64])
    for ours, theirs in zip(logits_of(model, rows), run_onnx(tmp_path / "x.onnx", rows), strict=True):
        torch.testing.assert_close(theirs, ours, **CLOSE)


@pytest.mark.slow  # tracing takes half a minute
def test_a_cognate_s_graph_takes_rows_of_one_length_and_shorter_ones_filled_up(tmp_path):
    model, _ = load_plain(cognate(tmp_path / "model"))
    assert write_onnx(model, tmp_path / "x.onnx", length=24) == 24
    rows = rows_of(model, [1, 7, 24])
    direct = logits_of(model, rows, halting=False)
    for ours, theirs in zip(direct, run_onnx(tmp_path / "x.onnx", rows, 24), strict=True):
        torch.testing.assert_close(theirs, ours, **CLOSE)


def test_plain_memories_compute_what_fused_ones_do_and_are_put_back(tmp_path):
    model, _ = load_plain(cognate(tmp_path / "model"))
    rows = rows_of(model, [30])
    fused = logits_of(model, rows, **direct_options(model))
    with plain_memories(model):
        (plain,) = logits_of(model, rows, **direct_options(model))
        assert [memory.fused for memory in memories(model)] == [False]
    assert [memory.fused for memory in memories(model)] == [True]
    torch.testing.assert_close(plain, fused[0], **CLOSE)


def memories(model):
    return [module for module in model.modules() if type(module).__name__ == "NeuralMemory"]


@pytest.mark.parametrize("length", [1, 65])
def test_a_length_that_the_model_does_not_take_is_refused(tmp_path, length):
    model, _ = load_plain(llama(tmp_path / "model"))
    with pytest.raises(UserError, match=f"--length is {length}, expected 2 to 64"):
        write_onnx(model, tmp_path / "x.onnx", length=length)


class Untraceable(nn.Module):
    def forward(self, input_ids, **_):
        return nn.Module() if input_ids.sum() > 3 else None


def test_a_model_that_cannot_be_traced_is_refused(tmp_path, monkeypatch):
    model, _ = load_plain(llama(tmp_path / "model"))
    monkeypatch.setattr(model, "forward", Untraceable().forward)
    with pytest.raises(FormatRefused, match="LlamaForCausalLM cannot be traced"):
        write_onnx(model, tmp_path / "x.onnx", length=4)
    assert not (tmp_path / "x.onnx").exists()


@pytest.mark.parametrize("package", ["onnx", "onnxruntime", "onnxscript"])
def test_without_a_package_it_says_what_to_install(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(CapabilityMissing, match=rf"{package} .*bloomery\[export\]"):
        onnx_file.onnx_packages()
