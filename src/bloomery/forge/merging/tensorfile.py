"""Safetensors read and written one tensor at a time.

Tensors are read into memory of their own, not mapped: pages of a mapped file count as the process's memory
until the system wants them back, and a merge would look as large as its models.
"""

import json
import struct
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bloomery.core.errors import DamagedArtifact, FormatRefused, MissingFile

DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8,
    "BOOL": torch.bool,
}  # fmt: skip
NAMES = {dtype: name for name, dtype in DTYPES.items()}
SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"


class Spec(NamedTuple):
    """A tensor's type and shape."""

    dtype: torch.dtype
    shape: tuple[int, ...]

    @property
    def size_bytes(self) -> int:
        return self.dtype.itemsize * int(np.prod(self.shape, dtype=np.int64))


class Place(NamedTuple):
    """Where a tensor's bytes begin."""

    file: BufferedReader
    offset: int
    spec: Spec


class TensorFolder:
    """The tensors of a model folder, by name; each is read when it is asked for."""

    def __init__(self, places: Mapping[str, Place]) -> None:
        self._places = places
        self.specs = {name: place.spec for name, place in places.items()}

    def read(self, name: str) -> Tensor:
        """Raises: DamagedArtifact if the file has become shorter."""
        file, offset, spec = self._places[name]
        buffer = bytearray(spec.size_bytes)
        file.seek(offset)
        if file.readinto(buffer) != len(buffer):
            raise DamagedArtifact(f"{file.name} is truncated at {name}; get it again")
        if not buffer:
            return torch.empty(spec.shape, dtype=spec.dtype)
        return torch.frombuffer(buffer, dtype=spec.dtype).view(spec.shape)


@contextmanager
def opened(folder: Path) -> Iterator[TensorFolder]:
    """The tensors of a folder, in one file or in shards. Raises: MissingFile, FormatRefused."""
    with ExitStack() as stack:
        places: dict[str, Place] = {}
        for path in weight_files(folder):
            places |= _places(stack.enter_context(path.open("rb")))
        yield TensorFolder(places)


def weight_files(folder: Path) -> list[Path]:
    """The files that hold a folder's weights. Raises: MissingFile for a shard that is not there."""
    if (folder / SINGLE).is_file() or not (folder / INDEX).is_file():
        found = [folder / SINGLE] if (folder / SINGLE).is_file() else sorted(folder.glob("*.safetensors"))
        if len(found) != 1:
            raise MissingFile(f"{folder} has {len(found)} *.safetensors and no {INDEX}: expected one of both")
        return found
    shards = sorted(set(json.loads((folder / INDEX).read_text())["weight_map"].values()))
    for shard in shards:
        if Path(shard).name != shard or not (folder / shard).is_file():
            raise MissingFile(f"{folder} lacks the shard {shard} that its index names; get it again")
    return [folder / shard for shard in shards]


def write_tensors(path: Path, specs: Mapping[str, Spec], tensors: Iterable[tuple[str, Tensor]]) -> None:
    """Write a safetensors file while its tensors are being made; they come in the order of `specs`.

    Raises: OSError; ValueError for a tensor that is not the announced one.
    """
    with path.open("wb") as file:
        file.write(_header(specs))
        for (name, spec), (came, tensor) in zip(specs.items(), tensors, strict=True):
            if name != came or spec != Spec(tensor.dtype, tuple(tensor.shape)):
                raise ValueError(f"expected {name} {spec}, came {came} {tensor.dtype} {tuple(tensor.shape)}")
            file.write(tensor.contiguous().flatten().view(torch.uint8).numpy().data)


def in_file_order(specs: Mapping[str, Spec]) -> dict[str, Spec]:
    """Wider types first, then by name: every tensor is aligned, and the order is safetensors' own."""
    return dict(sorted(specs.items(), key=lambda item: (-item[1].dtype.itemsize, item[0])))


def _places(file: BufferedReader) -> dict[str, Place]:
    (length,) = struct.unpack("<Q", file.read(8))
    header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    for name, entry in header.items():
        if entry["dtype"] not in DTYPES:
            raise FormatRefused(f"{file.name}: {name} is {entry['dtype']}, which does not merge")
    return {
        name: Place(
            file, 8 + length + entry["data_offsets"][0], Spec(DTYPES[entry["dtype"]], tuple(entry["shape"]))
        )
        for name, entry in header.items()
    }


def _header(specs: Mapping[str, Spec]) -> bytes:
    entries: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, spec in specs.items():
        start, end = end, end + spec.size_bytes
        entries[name] = {"dtype": NAMES[spec.dtype], "shape": spec.shape, "data_offsets": [start, end]}
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text
