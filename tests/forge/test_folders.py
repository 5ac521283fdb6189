"""Model folders: the same model gives the same bytes, and what is not sound is refused."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from bloomery.core.cid import cid_of_path
from bloomery.core.errors import DamagedArtifact, FormatRefused, MissingFile
from bloomery.forge.cognate.growing import new_model
from bloomery.forge.folders import check_folder, drop_machine_dependent, load_model, save_model
from bloomery.tasks.tokenizer import train_tokenizer

SMALL = {
    "hidden_size": 16, "embedding_rank": 8, "num_attention_heads": 2, "intermediate_size": 16,
    "memory_size": 8, "memory_chunk": 8, "gate_hidden": 8, "num_hidden_layers": 1, "memory_layers": [0],
    "max_recursion": 2, "sliding_window": 16,
}  # fmt: skip


def small_pair(texts=()):
    tokenizer = train_tokenizer(texts, 259 if not texts else 270)
    torch.manual_seed(3)
    return new_model("cognate-tiny", SMALL, tokenizer), tokenizer


@pytest.fixture
def folder(tmp_path):
    save_model(*small_pair(), tmp_path / "model")
    return tmp_path / "model"


def test_a_saved_model_comes_back_bit_for_bit(folder):
    model, tokenizer = small_pair()
    again, words = load_model(folder)
    for name, tensor in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name
    assert words.get_vocab() == tokenizer.get_vocab()


def test_the_same_model_has_the_same_cid_in_every_folder(folder, tmp_path):
    save_model(*small_pair(), tmp_path / "elsewhere" / "under another name")
    assert cid_of_path(folder) == cid_of_path(tmp_path / "elsewhere" / "under another name")


def test_a_model_that_was_loaded_and_saved_again_has_the_same_cid(folder, tmp_path):
    save_model(*load_model(folder), tmp_path / "again")
    assert cid_of_path(folder) == cid_of_path(tmp_path / "again")


def test_another_weight_gives_another_cid(folder, tmp_path):
    model, tokenizer = load_model(folder)
    with torch.no_grad():
        next(model.parameters()).view(-1)[0] += 1e-6
    save_model(model, tokenizer, tmp_path / "again")
    assert cid_of_path(folder) != cid_of_path(tmp_path / "again")


SAVE = """
import sys
from pathlib import Path
from bloomery.core.cid import cid_of_path
from bloomery.forge.folders import save_model
from tests.forge.test_folders import small_pair
save_model(*small_pair(), Path(sys.argv[1]))
print(cid_of_path(Path(sys.argv[1])))
"""


@pytest.mark.slow
def test_the_same_model_has_the_same_cid_in_another_process(folder, tmp_path):
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", SAVE, tmp_path / "there"],
        env=os.environ | {"PYTHONHASHSEED": "4711", "PYTHONPATH": str(root), "HOME": str(tmp_path)},
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == cid_of_path(folder)


def test_no_file_of_a_model_tells_where_it_was_made(folder, tmp_path):
    model, tokenizer = load_model(folder)  # both know now where they came from
    save_model(model, tokenizer, tmp_path / "again")
    for path in (tmp_path / "again").rglob("*"):
        assert str(tmp_path).encode() not in path.read_bytes(), path.name
        if path.suffix == ".json":
            assert not {"_name_or_path", "name_or_path"} & set(json.loads(path.read_text()))


def test_words_of_a_vocabulary_stay_whatever_they_are(folder):
    words = {"is_local": 0, "name_or_path": 1, "local_files_only": 2, "a": 3}
    (folder / "vocab.json").write_text(json.dumps(words))
    for name in ("config.json", "tokenizer_config.json", "generation_config.json"):
        values = json.loads((folder / name).read_text()) if (folder / name).exists() else {}
        (folder / name).write_text(json.dumps(values | {"name_or_path": "/here", "kept": 1}))
    drop_machine_dependent(folder)
    assert json.loads((folder / "vocab.json").read_text()) == words
    for name in ("config.json", "tokenizer_config.json", "generation_config.json"):
        left = json.loads((folder / name).read_text())
        assert (left["kept"], "name_or_path" in left) == (1, False)


def test_a_list_is_sound_json_but_no_config(folder):
    (folder / "merges.json").write_text('[["a", "b"]]')
    check_folder(folder)
    (folder / "merges.json").write_text('[["a", "b"')
    with pytest.raises(DamagedArtifact, match=r"merges\.json is truncated or altered"):
        check_folder(folder)
    (folder / "merges.json").unlink()
    for name in ("config.json", "tokenizer_config.json", "generation_config.json"):
        before = (folder / name).read_bytes() if (folder / name).exists() else b"{}"
        (folder / name).write_text("[]")
        with pytest.raises(DamagedArtifact, match=rf"/{name} is truncated or altered"):
            check_folder(folder)
        (folder / name).write_bytes(before)


def test_a_change_of_the_config_goes_into_the_loaded_model(folder):
    model, _ = load_model(folder, memory_capacity=5.0, halt_threshold=0.75)
    assert (model.config.memory_capacity, model.config.halt_threshold) == (5.0, 0.75)


def test_the_folders_own_code_is_not_run(folder):
    (code,) = folder.glob("modeling_*.py")
    code.write_text("raise SystemExit('the code of the folder ran')\n")
    model, _ = load_model(folder)
    assert type(model).__module__ == "bloomery.models.modeling_cognate"


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.ckpt", "model.pkl"])
def test_weights_in_a_pickle_are_refused_unread(folder, name):
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(b"\x80\x04cos\nsystem\n")
    with pytest.raises(FormatRefused, match=rf"{name}.*safe_serialization"):
        load_model(folder)


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_truncated_weights_are_damage_and_named(folder, kept):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DamagedArtifact, match=r"model\.safetensors is truncated or altered"):
        load_model(folder)


def test_weights_of_other_shapes_than_the_configs_are_refused(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"hidden_size": 32}))
    with pytest.raises(DamagedArtifact):
        load_model(folder)


@pytest.mark.parametrize("cut", [0, 50])
def test_a_truncated_config_is_damage(folder, cut):
    (folder / "config.json").write_text((folder / "config.json").read_text()[:cut])
    with pytest.raises(DamagedArtifact, match=r"config\.json is truncated or altered"):
        load_model(folder)


def test_a_kind_of_model_that_only_its_own_code_knows_is_refused(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "strange"}))
    with pytest.raises(FormatRefused, match=r"'strange' model.*is not run"):
        load_model(folder)


@pytest.mark.parametrize("cut", [0, 50])
def test_a_truncated_tokenizer_is_damage(folder, cut):
    (folder / "tokenizer.json").write_text((folder / "tokenizer.json").read_text()[:cut])
    with pytest.raises(DamagedArtifact, match=r"tokenizer\.json is truncated or altered"):
        load_model(folder)


def test_a_tokenizer_of_another_vocabulary_is_refused_both_ways(folder, tmp_path):
    model, _ = small_pair()
    _, wider = small_pair(["hello there hello there"] * 9)
    assert len(wider) > model.config.vocab_size
    with pytest.raises(FormatRefused, match="not a pair"):
        save_model(model, wider, tmp_path / "wrong")
    wider.save_pretrained(folder)
    with pytest.raises(FormatRefused, match="not a pair"):
        load_model(folder)


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_a_folder_without_config_or_weights_is_no_model(folder, missing):
    (folder / missing).unlink()
    with pytest.raises(MissingFile, match="not a model folder"):
        check_folder(folder)


def test_a_folder_that_is_not_there_is_missing(folder):
    shutil.rmtree(folder)
    with pytest.raises(MissingFile, match="no model folder"):
        load_model(folder)
