"""bloomery diffuse fill: a hole of a file, its diff, and what a caller may do wrong."""

import ast
import json
import subprocess
from pathlib import Path

import pytest

from bloomery.cli.diffuse_fill import _diff, _write
from bloomery.diffusion.code.decoding import filling
from bloomery.diffusion.code.lexemes.tokenizer import LexemeTokenizer
from bloomery.diffusion.code.modelling.model import CodeModel

CODE = """\
def total(values, start = 0):
    found=start

    for value in values:
        found += value
    return found
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """One that knows nothing: all tokens are as likely."""
    folder = tmp_path_factory.mktemp("model")
    tokenizer = LexemeTokenizer.trained([(CODE.encode(), "python")] * 6, 1400)
    CodeModel.fresh(tokenizer, "tiny", num_hidden_layers=1).save(folder)
    return folder


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "code.py"
    path.write_text(CODE)
    return path


def test_the_diff_is_shown_and_the_file_is_changed_only_when_asked(bloomery, file, model):
    asked = ["diffuse", "fill", file, "--hole", "5", "--model", model, "--length", "3"]
    shown = bloomery(*asked)
    assert shown.code == 0
    assert file.read_text() == CODE
    assert "-        found += value\n" in shown.out
    written = bloomery(*asked, "--write")
    assert written.out == shown.out
    before, after = CODE.splitlines(), file.read_text().splitlines()
    assert after[:4] == before[:4]
    assert after[-1] == before[-1]
    assert after[4].startswith("        ")
    assert after != before
    ast.parse(file.read_text())


def test_json_says_the_candidates_their_cost_and_the_diff(bloomery, file, model):
    asked = ["--hole", "2:11-2:16", "-m", model, "--length", "1", "--candidates", "2"]
    said = bloomery("diffuse", "fill", file, *asked, "--json")
    told = json.loads(said.out)
    assert said.code == 0
    assert told["answered"]
    assert not told["written"]
    assert (told["hole"], told["language"]) == ({"start": 40, "stop": 45}, "python")
    text = told["candidates"][0]["text"]
    ast.parse(CODE[:40] + text + CODE[45:])
    assert f"+    found={text}\n" in told["diff"]
    assert told["counts"]["passes"] >= 1


def test_what_cannot_be_filled_is_refused_with_its_reasons(bloomery, file, model):
    file.write_text("x = [(1)]\n")
    said = bloomery("diffuse", "fill", file, "--hole", "1:5-1:7", "-m", model, "--length", "1", "--write")
    assert said.code == 1
    assert "1 tokens: what stands around the masks leaves nothing to complete" in said.err
    assert file.read_text() == "x = [(1)]\n"


@pytest.mark.parametrize(
    ("text", "name", "words", "told"),
    [
        (CODE, "code.py", ["--hole", "12:20"], "outside of the file, which has 6 lines"),
        (CODE, "code.py", ["--hole", "a:b"], "--hole is `12`"),
        (CODE, "code.py", ["--hole", "2:6-2:8"], "inside of a word"),
        ("f(:\nx = 1\n", "code.py", ["--hole", "2"], "does not parse before the hole"),
        ("x = 1\nf(:\n", "code.py", ["--hole", "1"], "does not parse after the hole"),
        ("x = 1\n", "code.cob", ["--hole", "1"], ".cob"),
        ("x = 1\n", "code.py", ["--hole", "1", "--language", "cobol"], "unknown language"),
        ("x = \0\n", "code.py", ["--hole", "1"], "it is a binary file"),
        (CODE, "code.py", ["--hole", "20:12"], "20:12 ends before it begins"),
        ("x = 1\n", "none.py", ["--hole", "1"], "there is no such file"),
        ("x = 1\n", "code.py", ["--hole", "1", "--model", "not-there"], "bloomery diffuse train --data"),
        ("x = 1\n", "code.py", ["--hole", "1", "--length", "400"], "1 to 96 tokens"),
    ],
)
def test_bad_input_is_told_in_one_line_with_exit_code_2(bloomery, tmp_path, model, text, name, words, told):
    (tmp_path / name.replace("none", "other")).write_text(text)
    words = words if "--model" in words else [*words, "--model", model]
    said = bloomery("diffuse", "fill", tmp_path / name, *words)
    assert said.code == 2
    assert told in said.err.replace("\n", " ")
    assert "Traceback" not in said.err


def test_a_file_that_was_changed_meanwhile_is_left_alone(bloomery, file, model, monkeypatch):
    """Somebody saves it while the hole is filled."""
    real, saved = filling.fill, CODE + "# seen to\n"

    def slow(*asked, **options):
        file.write_text(saved)
        return real(*asked, **options)

    monkeypatch.setattr(filling, "fill", slow)
    said = bloomery("diffuse", "fill", file, "--hole", "5", "-m", model, "--length", "3", "--write")
    assert said.code == 2
    assert "was changed while its hole was filled" in said.err.replace("\n", " ")
    assert file.read_text() == saved


def test_the_rights_of_a_file_are_there_when_it_takes_its_place(file, monkeypatch):
    file.chmod(0o751)
    seen, real = list[int](), Path.replace

    def replace(self, target):
        seen.append(self.stat().st_mode & 0o777)
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    _write(file, file.read_bytes(), b"x = 2\n")
    assert (seen, file.stat().st_mode & 0o777, file.read_bytes()) == ([0o751], 0o751, b"x = 2\n")


def test_the_diff_of_a_marked_file_is_of_its_bytes(tmp_path):
    """git is asked to apply it."""
    before, after = (b"\xef\xbb\xbfx = 1\ny = 1\n", b"\xef\xbb\xbfx = 2\ny = 1\n")
    (tmp_path / "code.py").write_bytes(before)
    diff = _diff(Path("code.py"), before, after, "python")
    subprocess.run(["git", "apply", "-"], input=diff.encode(), cwd=tmp_path, check=True)
    assert (tmp_path / "code.py").read_bytes() == after


def test_a_folder_in_a_files_place_is_told_as_one(bloomery, tmp_path, model):
    (tmp_path / "a.py").mkdir()
    said = bloomery("diffuse", "fill", tmp_path / "a.py", "--hole", "1", "-m", model)
    assert said.code == 2
    assert "is a folder" in said.err.replace("\n", " ")
