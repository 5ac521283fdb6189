"""bloomery compress, and what becomes of a packed folder that was altered."""

import json

import pytest

from bloomery.forge.compression.coded_folder import CodingConfig, compress_folder
from tests.forge.small_folders import FOLDERS, files_of, llama, tied_llama

EXAM = ["--task", "parity", "--difficulty", 10, "--count", 8]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return llama(tmp_path_factory.mktemp("given") / "llama")


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    root = tmp_path_factory.mktemp("packed")
    compress_folder(tied_llama(root / "base"), root / "out", CodingConfig(coders=("rows-4bit",)))
    return root / "out"


@pytest.mark.parametrize("kind", FOLDERS)
def test_calibrated_on_tasks_it_says_what_it_costs(bloomery, tmp_path, kind):
    said = bloomery(
        "compress", "--base", FOLDERS[kind](tmp_path / "base"), "-o", tmp_path / "out", "--bits", 4,
        "--coder", "rows-4bit", "--coder", "kmeans-2", "--coder", "kmeans-8", "--examples", 40, *EXAM,
    )  # fmt: skip
    assert said.code == 0
    assert "of the energy of the layers' outputs" in said.out
    assert "times smaller" in said.out
    assert sum(line.startswith("accuracy: parity") for line in said.out.splitlines()) == 1
    assert "code" in said.err  # progress


def test_a_text_calibrates_and_json_holds_all(bloomery, base, tmp_path):
    (tmp_path / "text").write_text("the quick brown fox jumps over the lazy dog. " * 20)
    said = bloomery("compress", "--base", base, "-o", tmp_path / "out", "--coder", "kmeans-8", "--text",
                    tmp_path / "text", "--seq-len", 16, "--json")  # fmt: skip
    found = json.loads(said.out)
    assert found["coding"]["calibrated"] is True
    assert set(found["coding"]["coders"].values()) == {"kmeans-8"}
    assert found["after"]["weight_bytes"] == (tmp_path / "out" / "model.safetensors").stat().st_size


def perplexities(bloomery, base, place, coder, examples):
    """What the table says of it before and after."""
    place.mkdir()
    (place / "text").write_text("the quick brown fox jumps over the lazy dog. " * 20)
    said = bloomery(
        "compress", "--base", base, "-o", place / "out", "--coder", coder, "--text", place / "text",
        "--seq-len", 16, "--examples", examples,
    )  # fmt: skip
    assert said.code == 0
    (line,) = [line for line in said.out.splitlines() if line.startswith("perplexity")]
    return line.split()[1:]


def test_what_follows_in_the_text_shows_what_coding_costs(bloomery, base, tmp_path):
    coarse, fine = (
        perplexities(bloomery, base, tmp_path / coder, coder, 30) for coder in ("kmeans-1", "rows-8bit")
    )
    assert coarse[0] == fine[0] == fine[1]  # to three digits, at 8 bits a weight
    assert coarse[1] != coarse[0]


def test_a_text_that_ends_with_what_calibrates_has_no_perplexity(bloomery, base, tmp_path):
    assert perplexities(bloomery, base, tmp_path / "all", "rows-4bit", 99)[:2] == ["not", "measured,"]


def test_the_verb_writes_what_the_function_writes(bloomery, base, tmp_path):
    said = bloomery("compress", "--base", base, "-o", tmp_path / "verb", "--coder", "rows-4bit")
    compress_folder(base, tmp_path / "function", CodingConfig(coders=("rows-4bit",)))
    assert files_of(tmp_path / "verb") == files_of(tmp_path / "function")
    assert "not calibrated" in said.out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "name one coder, or give mean bits"),
        (["--bits", 0], "expected more than 0 and at most 32"),
        (["--bits", 33], "bits is 33, expected more than 0 and at most 32"),
        (["--bits", 0.2, "--coder", "rows-4bit"], "0.2 bits a weight are too few"),
        (["--coder", "kmeens-8"], "did you mean 'kmeans-8'"),
        (["--coder", "kmeans-8", "--text", "no/such/text"], "there is no text"),
        (["--coder", "kmeans-8", *EXAM, "--examples", 1], "the calibration set is too small"),
    ],
)
def test_a_callers_mistake_is_one_line_and_leaves_nothing(bloomery, base, tmp_path, options, says):
    said = bloomery("compress", "--base", base, "-o", tmp_path / "out", *options)
    assert (said.code, said.out) == (2, "")
    assert says in said.err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def _flip(data):
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


DAMAGES = {"altered": _flip, "truncated": lambda data: data[:-100], "empty": lambda data: b""}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_packed_folder_says_so_in_one_line(bloomery, packed, tmp_path, damage):
    for name, data in files_of(packed).items():
        changed = DAMAGES[damage](data) if name == "model.safetensors" else data
        (tmp_path / name).write_bytes(changed)
    said = bloomery("eval", tmp_path, "-t", "parity", "-d", 10, "--count", 4)
    assert (said.code, said.out, said.err.count("\n")) == (1, "", 1)
    assert "altered" in said.err
    assert "get it again" in said.err
