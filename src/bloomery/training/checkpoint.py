"""Checkpoints as safetensors and JSON, never a pickle: whole or not there at all.

A folder holds `step-00000120/` folders of two files: `tensors.safetensors`, and `state.json` with the tree
that the tensors hang in, the size and SHA-256 of the tensors and of the tree.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from .errors import CheckpointDamaged, CheckpointRefused

FORMAT = 1
TENSORS = "tensors.safetensors"
STATE = "state.json"
PICKLES = frozenset({".pt", ".pth", ".bin", ".pkl", ".ckpt"})


@dataclass(frozen=True)
class Restored:
    """The newest whole checkpoint, and why newer ones were passed over."""

    step: int
    path: Path
    state: dict[str, Any]
    skipped: tuple[str, ...]


def save_checkpoint(folder: Path, step: int, state: Mapping[str, Any], *, keep: int = 2) -> Path:
    """Writes one checkpoint atomically (temporary folder, fsync, rename); keeps the newest `keep`, 0: all."""
    folder.mkdir(parents=True, exist_ok=True)
    for abandoned in folder.glob(".writing-*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    temporary = folder / f".writing-{step:08d}-{os.getpid()}"
    temporary.mkdir()
    try:
        _write(temporary, step, state)
        path = _publish(temporary, folder / f"step-{step:08d}")
    except BaseException:  # raised again: a stop from the keyboard too leaves nothing half-written
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    for old in checkpoints(folder)[:-keep] if keep else []:
        shutil.rmtree(old)
    return path


def load_newest(folder: Path) -> Restored | None:
    """The newest checkpoint that is whole, or None where there is none.

    Raises: CheckpointDamaged when there are some and none is whole; CheckpointRefused for a pickle.
    """
    skipped: list[str] = []
    for path in reversed(checkpoints(folder)):
        try:
            step, state = read_checkpoint(path)
        except CheckpointDamaged as damage:
            skipped.append(str(damage))
            continue
        return Restored(step, path, state, tuple(skipped))
    if skipped:
        raise CheckpointDamaged(
            f"no checkpoint in {folder} is whole: {'; '.join(skipped)}; remove it to start again"
        )
    return None


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoint folders, oldest first.

    Raises: CheckpointRefused when the folder holds pickled checkpoints.
    """
    if not folder.is_dir():
        return []
    pickled = sorted(path.name for path in folder.iterdir() if path.suffix in PICKLES)
    if pickled:
        raise CheckpointRefused(
            f"{folder / pickled[0]} is a pickle, which can run code: only safetensors are read"
        )
    return sorted(path for path in folder.glob("step-*") if path.is_dir())


def read_checkpoint(path: Path) -> tuple[int, dict[str, Any]]:
    """The step and the state of one checkpoint, verified.

    Raises: CheckpointDamaged when a file is missing, truncated or altered.
    """
    try:
        document = json.loads((path / STATE).read_text("utf-8"))
        if document["format"] != FORMAT:
            raise CheckpointRefused(f"{path} has format {document['format']}, this version reads {FORMAT}")
        tree, described = document["tree"], document["tensors"]
        _expect(_digest_of_tree(tree), document["tree_sha256"], path / STATE)
        _expect((path / TENSORS).stat().st_size, described["size_bytes"], path / TENSORS)
        _expect(_digest_of_file(path / TENSORS), described["sha256"], path / TENSORS)
        state = _join(tree, load_file(path / TENSORS))
    except (OSError, KeyError, TypeError, UnicodeDecodeError, json.JSONDecodeError, SafetensorError) as error:
        raise CheckpointDamaged(f"{path} is damaged ({type(error).__name__}: {error})") from error
    return document["step"], state


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file.

    Raises: CheckpointRefused for a pickle, by its name or its first bytes; CheckpointDamaged when truncated.
    """
    with path.open("rb") as file:
        head = file.read(2)
    if path.suffix in PICKLES or head == b"PK" or head[:1] == b"\x80":
        raise CheckpointRefused(f"{path} is a pickle, which can run code: convert it to safetensors first")
    try:
        return load_file(path)
    except SafetensorError as error:
        raise CheckpointDamaged(f"{path} is not a whole safetensors file: {error}") from error


def _write(folder: Path, step: int, state: Mapping[str, Any]) -> None:
    tensors: dict[str, Tensor] = {}
    tree = _split(state, "", tensors, {})
    save_file(tensors, folder / TENSORS)
    document = {
        "format": FORMAT,
        "step": step,
        "tensors": {
            "sha256": _digest_of_file(folder / TENSORS),
            "size_bytes": (folder / TENSORS).stat().st_size,
        },
        "tree_sha256": _digest_of_tree(tree),
        "tree": tree,
    }
    (folder / STATE).write_text(json.dumps(document), "utf-8")
    for name in (TENSORS, STATE):
        _sync(folder / name)


def _publish(temporary: Path, final: Path) -> Path:
    _sync(temporary)
    if final.exists():  # it was damaged, or a run went over the same steps again
        shutil.rmtree(final)
    temporary.rename(final)
    _sync(final.parent)
    return final


def _split(value: Any, name: str, tensors: dict[str, Tensor], known: dict[tuple[Any, ...], str]) -> Any:
    """The tree as JSON, with every tensor moved to `tensors` (once, if it is tied) and named in its place."""
    if isinstance(value, Tensor):
        memory = value.data_ptr() if value.numel() else name
        key = (value.device, memory, value.dtype, tuple(value.shape), value.stride())
        if key not in known:
            known[key] = name
            tensors[name] = value.detach().cpu().clone(memory_format=torch.contiguous_format)
        return {"$tensor": known[key]}
    if isinstance(value, Mapping):
        return {"$map": [[k, _split(v, f"{name}/{k}", tensors, known)] for k, v in value.items()]}
    if isinstance(value, list | tuple):
        kind = "$list" if isinstance(value, list) else "$tuple"
        return {kind: [_split(v, f"{name}/{i}", tensors, known) for i, v in enumerate(value)]}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(
        f"a checkpoint holds tensors, numbers, text, lists and maps; {name} is a {type(value).__name__}"
    )


def _join(tree: Any, tensors: Mapping[str, Tensor]) -> Any:
    if not isinstance(tree, dict):
        return tree
    ((kind, value),) = tree.items()
    if kind == "$tensor":
        return tensors[value]
    if kind == "$map":
        return {k: _join(v, tensors) for k, v in value}
    items = [_join(v, tensors) for v in value]
    return items if kind == "$list" else tuple(items)


def _expect(found: Any, recorded: Any, path: Path) -> None:
    if found != recorded:
        raise CheckpointDamaged(f"{path} is damaged (recorded {recorded}, found {found})")


def _digest_of_tree(tree: Any) -> str:
    return hashlib.sha256(json.dumps(tree).encode()).hexdigest()


def _digest_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
