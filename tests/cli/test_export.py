"""bloomery export."""

import json

import pytest

from bloomery.forge.exporting import folder
from tests.forge.exporting.reading import read_here
from tests.forge.small_folders import cognate, files_of, llama

pytest.importorskip("gguf", reason="the extra `export` is not installed")


@pytest.fixture(autouse=True)
def here(monkeypatch):
    monkeypatch.setattr(folder, "read_elsewhere", read_here)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return llama(tmp_path_factory.mktemp("given") / "llama")


def test_a_folder_becomes_a_file_and_the_command_says_how_it_computes_elsewhere(bloomery, base, tmp_path):
    said = bloomery("export", base, "--format", "gguf", "-o", tmp_path / "out")
    assert said.code == 0
    lines = dict(line.split(maxsplit=1) for line in said.out.splitlines())
    assert lines["file"].startswith(str(tmp_path / "out" / "model.gguf"))
    assert lines["tensors"] == "16 F16, 5 F32"
    assert lines["runtime"] == "transformers, gguf_file: 0.0e+00 of the largest logit apart"
    assert "the same first choice at" in lines["folder"]
    assert "rows" not in lines


def test_every_option_reaches_the_function(bloomery, base, tmp_path):
    options = ["--floats", "f32", "--ternary", "tq1_0", "--json"]
    said = bloomery("export", base, "-f", "gguf", "-o", tmp_path / "verb", *options)
    folder.export_folder(base, tmp_path / "function", "gguf", floats="f32", ternary="tq1_0")
    assert files_of(tmp_path / "verb") == files_of(tmp_path / "function")
    assert json.loads(said.out)["tensors"] == {"F32": 21}


def test_the_length_reaches_the_graph(bloomery, base, tmp_path):
    said = bloomery("export", base, "-f", "onnx", "-o", tmp_path / "out", "--length", 65)
    assert said.code == 2
    assert "--length is 65, expected 2 to 64" in said.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-f", "gguf", "--length", 8], "--length is read by --format onnx alone"),
        (["-f", "onnx", "--floats", "f32"], "--floats is read by --format gguf alone"),
        (["-f", "onnx", "--ternary", "tq1_0"], "--ternary is read by --format gguf alone"),
        (["-f", "ggml"], "ggml"),
    ],
)
def test_an_option_of_the_other_format_is_refused(bloomery, base, tmp_path, arguments, said):
    came = bloomery("export", base, "-o", tmp_path / "out", *arguments)
    assert came.code == 2
    assert said in came.err
    assert not (tmp_path / "out").exists()


def test_what_has_no_place_in_the_format_is_the_user_s_to_change(bloomery, tmp_path):
    said = bloomery("export", cognate(tmp_path / "base"), "-f", "gguf", "-o", tmp_path / "out")
    assert said.code == 2
    assert "--format onnx" in said.err
    assert not (tmp_path / "out").exists()
