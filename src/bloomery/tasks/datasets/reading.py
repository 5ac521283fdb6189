"""Data sets by name and split, from a mirror on this machine or from the network."""

import gzip
import io
import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bloomery.core.errors import ConfigError, DamagedArtifact, FormatRefused, UnknownName, UserError
from bloomery.tasks.datasets.catalog import SOURCES, File, Part, Source
from bloomery.tasks.datasets.download import Progress, download
from bloomery.tasks.datasets.idx import read_idx

MIRROR = "BLOOMERY_DATA"
GZIP = b"\x1f\x8b"
Purpose = Literal["train", "evaluate"]
Record = dict[str, Any]


class TestSplitRefused(UserError):
    """A split that is for evaluation was asked for to train on."""

    __test__ = False


@dataclass(frozen=True, kw_only=True)
class Split:
    """One split of a data set; `benchmark` stands beside every score on it."""

    name: str
    split: str
    benchmark: str
    licence: str
    content: list[Record] | str | tuple[NDArray[Any], NDArray[Any]]

    @property
    def records(self) -> list[Record]:
        if not isinstance(self.content, list):
            raise FormatRefused(f"'{self.name}' holds no records")
        return self.content

    @property
    def text(self) -> str:
        if not isinstance(self.content, str):
            raise FormatRefused(f"'{self.name}' is not a text")
        return self.content

    @property
    def images(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Shapes: (N, 28, 28) grey values and (N,) digits."""
        if not isinstance(self.content, tuple):
            raise FormatRefused(f"'{self.name}' holds no images")
        return self.content

    def __len__(self) -> int:
        return len(self.content[1] if isinstance(self.content, tuple) else self.content)


def dataset(
    name: str, split: str, *, purpose: Purpose, cache: Path | None = None, progress: Progress | None = None
) -> Split:
    """A split, whole and with the right checksums, for training or for evaluation.

    Files come from the folder that the variable BLOOMERY_DATA names, else from `cache`, else from the
    network into it.

    Raises: UnknownName; TestSplitRefused for a training purpose and a split that is for evaluation;
    DownloadFailed; DamagedArtifact.
    """
    source = _source(name)
    if split not in source.splits:
        raise UnknownName(f"split of '{name}'", split, source.splits)
    part = source.splits[split]
    check_purpose(name, split, purpose)
    files = [read(file, name, cache=cache, progress=progress) for file in part.files]
    content = _parse(name, source, part, files)
    found = Split(
        name=name,
        split=split,
        benchmark=f"{name} {split} ({source.version})",
        licence=source.licence,
        content=content,
    )
    if len(found) != part.size:
        raise DamagedArtifact(f"'{name}' {split} has {len(found)} rows, expected {part.size}")
    return found


def check_purpose(name: str, split: str, purpose: Purpose) -> None:
    """Raises: TestSplitRefused where the split is not for training and the purpose is."""
    splits = _source(name).splits
    if purpose not in ("train", "evaluate"):
        raise ConfigError(f"purpose is 'train' or 'evaluate', not {purpose!r}")
    if purpose == "train" and not splits[split].train:
        allowed = [other for other, part in splits.items() if part.train]
        remedy = f"train on '{allowed[0]}'" if allowed else "it has no training split; train on other data"
        raise TestSplitRefused(f"split '{split}' of '{name}' is for evaluation only; {remedy}")


def read(file: File, name: str, *, cache: Path | None = None, progress: Progress | None = None) -> bytes:
    """The unpacked bytes of one file of the data set `name`."""
    remote = file.remote
    mirrored = _in_mirror(file.mirror)
    if mirrored:
        return _unpacked(_verified(mirrored, file.mirror_sha256))
    download_name = f"{name}/{remote.urls[0].rsplit('/', 1)[-1]}"
    path = _in_mirror(download_name) or (cache or default_cache()) / download_name
    if not path.exists():
        hint = f"Without a network, set {MIRROR} to a folder that holds {file.mirror or download_name}."
        download(remote.urls, path, remote.sha256, hint=hint, progress=progress)
    data = _verified(path, remote.sha256)
    return _member(data, remote.member, path) if remote.member else _unpacked(data)


def default_cache() -> Path:
    """`$XDG_CACHE_HOME/bloomery/datasets`, by default in ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "bloomery" / "datasets"


def _source(name: str) -> Source:
    if name not in SOURCES:
        raise UnknownName("data set", name, SOURCES)
    return SOURCES[name]


def _in_mirror(path: str) -> Path | None:
    folder = os.environ.get(MIRROR)
    found = Path(folder) / path if folder and path else None
    return found if found and found.exists() else None


def _verified(path: Path, checksum: str) -> bytes:
    data = path.read_bytes()
    found = sha256(data).hexdigest()
    if found != checksum:
        raise DamagedArtifact(f"{path} has sha256 {found}, expected {checksum}; delete it and get it again")
    return data


def _unpacked(data: bytes) -> bytes:
    return gzip.decompress(data) if data[:2] == GZIP else data


def _member(data: bytes, member: str, path: Path) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [name for name in archive.namelist() if f"/{name}".endswith(f"/{member}")]
        if len(names) != 1:
            raise DamagedArtifact(f"{path} holds {len(names)} files named {member}, expected one")
        return archive.read(names[0])


def _parse(
    name: str, source: Source, part: Part, files: Sequence[bytes]
) -> list[Record] | str | tuple[NDArray[Any], NDArray[Any]]:
    if source.kind == "images":
        images, labels = map(read_idx, files)
        return images, labels.astype(np.int64)
    if source.kind == "text":
        return _share(files[0].decode(), part.share)
    rows = _records(files[0])
    if part.ids:
        first, last = part.ids
        rows = [row for row in rows if first <= row["task_id"] <= last]
    return _labelled(rows, files[1]) if len(files) > 1 else rows


def _records(data: bytes) -> list[Record]:
    """A JSON array, or JSON lines."""
    text = data.decode()
    if text.lstrip().startswith("["):
        return list(json.loads(text))
    return [json.loads(line) for line in io.StringIO(text) if line.strip()]


def _labelled(rows: list[Record], labels: bytes) -> list[Record]:
    lines = labels.decode().split()
    return [row | {"label": int(label)} for row, label in zip(rows, lines, strict=True)]


def _share(text: str, share: tuple[float, float] | None) -> str:
    if share is None:
        return text
    begin, end = (int(len(text) * fraction) for fraction in share)
    return text[begin:end]
