"""Safetensors files one tensor at a time, against the library itself."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from bloomery.core.errors import DamagedArtifact, FormatRefused, MissingFile
from bloomery.forge.merging.tensorfile import DTYPES, SINGLE, Spec, in_file_order, opened, write_tensors
from tests.forge.merging.families import equal

MIXED = {
    "b": torch.arange(6, dtype=torch.float32).view(2, 3), "a": torch.ones(5, dtype=torch.bfloat16),
    "steps": torch.tensor(7), "mask": torch.tensor([True, False, True]), "none": torch.zeros(0, 4),
    "ä.weight": torch.full((2, 2), -1.5, dtype=torch.float64),
}  # fmt: skip


def spec(tensor):
    return Spec(tensor.dtype, tuple(tensor.shape))


def write(path, tensors):
    specs = in_file_order({name: spec(tensor) for name, tensor in tensors.items()})
    write_tensors(path, specs, ((name, tensors[name]) for name in specs))


def test_what_is_written_the_library_reads(tmp_path):
    write(tmp_path / "file", MIXED)
    assert equal(load_file(tmp_path / "file"), MIXED)


def test_every_tensor_begins_at_a_multiple_of_its_width():
    specs = list(in_file_order({name: spec(tensor) for name, tensor in MIXED.items()}).values())
    starts = [sum(one.size_bytes for one in specs[:place]) for place in range(len(specs))]
    assert [start % one.dtype.itemsize for start, one in zip(starts, specs, strict=True)] == [0] * len(specs)


def test_what_the_library_writes_is_read(tmp_path):
    save_file(MIXED, tmp_path / SINGLE, metadata={"format": "pt", "who": "else"})
    with opened(tmp_path) as tensors:
        assert tensors.specs == {name: spec(tensor) for name, tensor in MIXED.items()}
        assert equal({name: tensors.read(name) for name in tensors.specs}, MIXED)


@pytest.mark.parametrize("dtype", DTYPES.values())
def test_every_type_survives(tmp_path, dtype):
    tensors = {"x": torch.tensor([0, 1, 1, 0, 1]).to(dtype)}
    write(tmp_path / SINGLE, tensors)
    with opened(tmp_path) as read:
        assert equal({"x": read.read("x")}, tensors)


def test_strided_tensors_are_written_in_their_own_order(tmp_path):
    x = torch.arange(6.0).view(2, 3).t()
    write(tmp_path / "file", {"x": x})
    assert torch.equal(load_file(tmp_path / "file")["x"], x)


@pytest.mark.parametrize(
    "made",
    [[("y", torch.zeros(2))], [("x", torch.zeros(3))], [("x", torch.zeros(2).half())], []],
    ids=["name", "shape", "type", "nothing"],
)
def test_a_tensor_that_was_not_announced_is_an_error(tmp_path, made):
    with pytest.raises(ValueError, match=r"expected x|shorter"):
        write_tensors(tmp_path / "file", {"x": spec(torch.zeros(2))}, made)


def test_types_without_a_mean_of_their_own_are_refused(tmp_path):
    save_file({"x": torch.zeros(2).to(torch.float8_e4m3fn)}, tmp_path / SINGLE)
    with pytest.raises(FormatRefused, match="x is F8_E4M3, which does not merge"), opened(tmp_path):
        pass


def test_a_file_that_shrinks_while_it_is_read_is_damage(tmp_path):
    save_file({"x": torch.zeros(20_000)}, tmp_path / SINGLE)
    with opened(tmp_path) as tensors:
        (tmp_path / SINGLE).write_bytes((tmp_path / SINGLE).read_bytes()[:-8])
        with pytest.raises(DamagedArtifact, match="truncated at x"):
            tensors.read("x")


def test_several_files_without_an_index_are_no_model(tmp_path):
    for name in ("one", "two"):
        save_file({"x": torch.zeros(2)}, tmp_path / f"{name}.safetensors")
    with pytest.raises(MissingFile, match=r"2 \*\.safetensors and no"), opened(tmp_path):
        pass
