"""bloomery diffuse train: a repository becomes a model, and what a caller may do wrong."""

import ast
import json
from pathlib import Path

import pytest

from bloomery import core as bloomery_core
from bloomery.diffusion.code.modelling.model import CodeModel

NAMES = ("area", "size", "mean")


@pytest.fixture
def repository(tmp_path):
    root = tmp_path / "repository"
    (root / "vendor").mkdir(parents=True)
    for at in range(12):
        code = f"def {NAMES[at % 3]}(a, b):\n    total = {at}\n    return total * a + b\n\n\n" * (at % 4 + 2)
        (root / f"m{at}.py").write_text(code)
        (root / "vendor" / f"v{at}.py").write_text(code + "v")
    (root / "image.py").write_bytes(b"\x89PNG\0\0")
    (root / "main.go").write_text("package main\n\nfunc main() {\n\tprint(1)\n}\n" * 9)
    return root


def test_a_repository_becomes_a_model_with_a_report(bloomery, repository, tmp_path):
    asked = ["--data", repository, "-l", "python", "-l", "go", "--steps", 20, "--size", "tiny"]
    said = bloomery("diffuse", "train", *asked, "--out", tmp_path / "model", "--json")
    assert said.code == 0, said.err
    told = json.loads(said.out)
    assert (told["steps"], told["languages"]) == (20, {"go": 1, "python": 12})
    assert told["skipped"] == {"a folder of generated or foreign code": 1, "binary": 1}
    assert 0 < told["bits_per_byte"] < 8
    assert "left out, binary: 1 (image.py)" in said.err
    assert "left out, a folder of generated or foreign code: 1 (vendor)" in said.err
    assert "training 20/20" in said.err or "of all" in said.err
    model = CodeModel.load(tmp_path / "model")
    assert model.net.num_parameters() == told["parameters"]
    assert "bits a byte**" in (tmp_path / "model" / "report.md").read_text()
    again = bloomery("diffuse", "train", *asked, "--out", tmp_path / "model", "--json")
    assert json.loads(again.out) == told
    other = bloomery("diffuse", "train", *asked, "--seed", 1, "--out", tmp_path / "model")
    assert other.code == 2
    assert "holds a training with other seed (0 there, 1 now)" in other.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--data", "{}", "-l", "pythn"], "unknown language 'pythn'; did you mean 'python'?"),
        (["--data", "{}/none"], "no folder at"),
        (["--data", "{}/empty"], "the folder is empty"),
        (["--data", "{}/binary"], "left out: binary: 1"),
        (["--data", "{}", "-l", "java"], "holds 0 files and 0 bytes of java"),
    ],
)
def test_a_folder_that_nothing_can_be_learned_from_is_refused(bloomery, repository, tmp_path, words, told):
    (repository / "empty").mkdir()
    (repository / "binary").mkdir()
    (repository / "binary" / "a.py").write_bytes(b"\0\1")
    said = bloomery("diffuse", "train", *[word.format(repository) for word in words], "--out", tmp_path / "m")
    assert said.code == 2
    assert told in said.err
    assert not (tmp_path / "m").exists()


def test_other_languages_than_the_librarys_need_a_folder(bloomery, tmp_path):
    said = bloomery("diffuse", "train", "-l", "go", "--out", tmp_path / "m")
    assert said.code == 2
    assert "the standard library is Python; --data names a folder with go" in said.err


@pytest.mark.slow
def test_what_was_learned_of_a_small_repository_fills_a_hole_in_it(bloomery, tmp_path):
    """The guide's way: train on a folder, then fill a line of one of its files; nothing else changes."""
    core = Path(bloomery_core.__file__).parent
    model, file = tmp_path / "core-model", tmp_path / "sigterm.py"
    file.write_bytes((core / "sigterm.py").read_bytes())
    said = bloomery("diffuse", "train", "--data", core, "--size", "tiny", "--steps", 40, "--out", model)
    assert said.code == 0, said.err
    assert "fill a hole with it: bloomery diffuse fill" in said.out
    before = file.read_text().splitlines()
    said = bloomery("diffuse", "fill", file, "--hole", 13, "--model", model, "--write")
    assert said.code == 0, said.err
    after = file.read_text().splitlines()
    ast.parse(file.read_text())
    assert after[:12] == before[:12]
    assert after[-12:] == before[-12:]
