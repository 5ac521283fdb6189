import errno
import json
import math

import pytest
import torch
from torch import nn

from bloomery.training import checkpoint
from bloomery.training.checkpoint import load_newest, read_checkpoint, read_tensors, save_checkpoint
from bloomery.training.errors import CheckpointDamaged, CheckpointRefused

STATE = {
    "weights": {"a": torch.arange(6.0).view(2, 3), "b": torch.tensor(3, dtype=torch.int64)},
    "half": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
    "empty": torch.zeros(0),
    "groups": [{"betas": (0.9, 0.95), "lr": 0.1 + 0.2, "on": True, "none": None, "params": [0, 1]}],
    "state": {0: {"step": torch.tensor(4.0)}, 7: {}},
    "infinite": math.inf,
    "text": "é",
}


def assert_same(left, right):
    assert type(left) is type(right)
    if isinstance(left, torch.Tensor):
        assert left.dtype == right.dtype
        assert torch.equal(left, right)
    elif isinstance(left, dict):
        assert list(left) == list(right)
        for name in left:
            assert_same(left[name], right[name])
    elif isinstance(left, list | tuple):
        for one, other in zip(left, right, strict=True):
            assert_same(one, other)
    else:
        assert left == right


def test_a_checkpoint_gives_back_what_was_saved_with_its_types(tmp_path):
    path = save_checkpoint(tmp_path, 12, STATE)
    step, state = read_checkpoint(path)
    assert step == 12
    assert_same(state, STATE)


def test_a_checkpoint_is_safetensors_and_json_and_nothing_else(tmp_path):
    path = save_checkpoint(tmp_path, 1, STATE)
    assert sorted(file.name for file in path.iterdir()) == ["state.json", "tensors.safetensors"]
    assert json.loads((path / "state.json").read_text())["step"] == 1


def test_the_same_state_gives_the_same_bytes(tmp_path):
    one, other = (save_checkpoint(tmp_path / name, 1, STATE) for name in "ab")
    for name in ("state.json", "tensors.safetensors"):
        assert (one / name).read_bytes() == (other / name).read_bytes()


def test_tied_weights_are_stored_once_and_come_back_under_both_names(tmp_path):
    model = nn.ModuleDict({"embed": nn.Embedding(50, 8), "head": nn.Linear(8, 50, bias=False)})
    model["head"].weight = model["embed"].weight
    path = save_checkpoint(tmp_path, 1, {"model": model.state_dict()})
    assert len(read_tensors(path / "tensors.safetensors")) == 1
    assert_same(read_checkpoint(path)[1]["model"], dict(model.state_dict()))


def test_views_of_one_memory_come_back_as_they_were(tmp_path):
    base = torch.arange(6.0).view(2, 3)
    state = {"base": base, "turned": base.T, "row": base[1]}
    assert_same(read_checkpoint(save_checkpoint(tmp_path, 1, state))[1], state)


def test_only_the_newest_are_kept_and_zero_keeps_all(tmp_path):
    for step in (1, 2, 3):
        save_checkpoint(tmp_path, step, STATE, keep=2)
    assert [path.name for path in checkpoint.checkpoints(tmp_path)] == ["step-00000002", "step-00000003"]
    save_checkpoint(tmp_path, 4, STATE, keep=0)
    assert len(checkpoint.checkpoints(tmp_path)) == 3


def test_no_folder_and_an_empty_folder_hold_no_checkpoint(tmp_path):
    assert load_newest(tmp_path / "none") is None
    assert load_newest(tmp_path) is None


DAMAGES = {
    "tensors truncated": lambda path: truncate(path / "tensors.safetensors"),
    "tensors altered": lambda path: flip(path / "tensors.safetensors", -3),
    "tensors missing": lambda path: (path / "tensors.safetensors").unlink(),
    "state truncated": lambda path: truncate(path / "state.json"),
    "state altered": lambda path: (path / "state.json").write_text(
        (path / "state.json").read_text().replace("true", "false")
    ),
    "state of another kind": lambda path: (path / "state.json").write_text("[]"),
    "state missing": lambda path: (path / "state.json").unlink(),
}


def truncate(file):
    file.write_bytes(file.read_bytes()[:-5])


def flip(file, position):
    data = bytearray(file.read_bytes())
    data[position] ^= 1
    file.write_bytes(bytes(data))


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before_and_named(tmp_path, damage):
    save_checkpoint(tmp_path, 1, STATE)
    newer = save_checkpoint(tmp_path, 2, STATE)
    damage(newer)
    restored = load_newest(tmp_path)
    assert restored.step == 1
    assert str(newer) in restored.skipped[0]
    assert "damaged" in restored.skipped[0]
    assert_same(restored.state, STATE)


def test_when_no_checkpoint_is_whole_the_error_names_each_and_the_remedy(tmp_path):
    for step in (1, 2):
        truncate(save_checkpoint(tmp_path, step, STATE) / "tensors.safetensors")
    with pytest.raises(CheckpointDamaged, match=r"step-00000002.*step-00000001.*remove it to start again"):
        load_newest(tmp_path)


def test_a_damaged_checkpoint_is_replaced_when_the_run_comes_by_again(tmp_path):
    path = save_checkpoint(tmp_path, 2, STATE)
    truncate(path / "state.json")
    save_checkpoint(tmp_path, 2, STATE)
    assert read_checkpoint(path)[0] == 2


def test_a_full_disk_leaves_what_was_there_and_nothing_half_written(tmp_path, monkeypatch):
    save_checkpoint(tmp_path, 1, STATE)

    def full(tensors, path):
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(tmp_path, 2, STATE)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000001"]
    assert load_newest(tmp_path).step == 1


def test_what_a_killed_process_left_is_no_checkpoint_and_is_cleared(tmp_path):
    abandoned = tmp_path / ".writing-00000009-123"
    abandoned.mkdir()
    (abandoned / "tensors.safetensors").write_bytes(b"half")
    assert load_newest(tmp_path) is None
    save_checkpoint(tmp_path, 1, STATE)
    assert not abandoned.exists()


def test_a_folder_with_a_pickled_checkpoint_is_refused(tmp_path):
    torch.save({"a": 1}, tmp_path / "model.pt")
    with pytest.raises(CheckpointRefused, match=r"model\.pt is a pickle.*only safetensors"):
        load_newest(tmp_path)


@pytest.mark.parametrize("name", ["weights.pt", "weights.safetensors"])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_is_refused_by_its_name_or_its_bytes_and_never_run(tmp_path, name, zipped):
    torch.save({"a": torch.ones(2)}, tmp_path / name, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointRefused, match="is a pickle"):
        read_tensors(tmp_path / name)


def test_a_truncated_weights_file_is_damaged(tmp_path):
    path = save_checkpoint(tmp_path, 1, STATE) / "tensors.safetensors"
    truncate(path)
    with pytest.raises(CheckpointDamaged, match="not a whole safetensors file"):
        read_tensors(path)


def test_a_checkpoint_of_another_format_is_refused(tmp_path):
    path = save_checkpoint(tmp_path, 1, STATE)
    document = json.loads((path / "state.json").read_text())
    (path / "state.json").write_text(json.dumps(document | {"format": 99}))
    with pytest.raises(CheckpointRefused, match="has format 99, this version reads 1"):
        load_newest(tmp_path)


def test_what_json_cannot_hold_is_refused_with_its_place(tmp_path):
    with pytest.raises(TypeError, match="/groups/0/lr is a function"):
        save_checkpoint(tmp_path, 1, {"groups": [{"lr": assert_same}]})
    assert list(tmp_path.iterdir()) == []
