"""A buffer as a folder of two files, kept in a store under its CID: equal buffers have equal names.

    entries.safetensors   the entries, slot by slot
    manifest.json         fields, config, tasks, tallies and the generator's state; sizes and SHA-256 of both

Nothing is written over: an earlier version stays under its own CID. A loaded buffer draws what the saved one
would have drawn, to the bit.
"""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from bloomery.core.disk import full_disk_named
from bloomery.core.errors import DamagedArtifact, FormatRefused
from bloomery.core.store import Store

from .contents import Field
from .ledger import COLUMNS
from .statistics import Tally
from .trajectories import BufferConfig, TrajectoryBuffer

FORMAT = 1
KIND = "trajectory buffer"
ENTRIES, MANIFEST = "entries.safetensors", "manifest.json"


def save(buffer: TrajectoryBuffer, store: Store) -> str:
    """Keep the buffer in a store; its CID.

    Raises: DiskFull, with nothing half-written.
    """
    with store.incoming() as folder:
        write(buffer, folder / "buffer")
        return store.put(folder / "buffer")


def load(store: Store, cid: str) -> TrajectoryBuffer:
    """The buffer that was kept under a CID, verified.

    Raises: MissingFile; DamagedArtifact; FormatRefused for something else or another version's.
    """
    return read(store.path(cid))


def write(buffer: TrajectoryBuffer, folder: Path) -> None:
    """Write a buffer into a folder that is not there yet."""
    folder.mkdir()
    count = len(buffer)
    columns = {f"ledger/{name}": column for name, column in buffer.holdings.ledger.take(slice(count)).items()}
    contents = {f"content/{name}": array[:count] for name, array in buffer.holdings.contents.arrays.items()}
    with full_disk_named(folder):
        save_file(columns | contents, folder / ENTRIES)
        described = _described(buffer) | {"entries": _entries_of(folder)}
        (folder / MANIFEST).write_text(json.dumps(_sealed(described), indent=1), "utf-8")


def read(folder: Path) -> TrajectoryBuffer:
    """The buffer in a folder, verified.

    Raises: DamagedArtifact when a file is missing, cut short or altered; FormatRefused.
    """
    try:
        described = _unsealed(json.loads((folder / MANIFEST).read_text("utf-8")), folder)
        if described["entries"] != _entries_of(folder):
            raise _damaged(folder, f"{ENTRIES} is not what was written")
        return _restored(described, load_file(folder / ENTRIES))
    except (OSError, KeyError, TypeError, AttributeError, ValueError, SafetensorError) as error:
        raise _damaged(folder, f"{type(error).__name__}: {error}") from error


def _described(buffer: TrajectoryBuffer) -> dict[str, Any]:
    held, fields = buffer.holdings, buffer.holdings.contents.fields
    return {
        "kind": KIND,
        "format": FORMAT,
        "fields": {name: {"shape": list(f.shape), "dtype": f.dtype} for name, f in fields.items()},
        "config": dataclasses.asdict(buffer.config),
        "tasks": held.names,
        "tallies": [[origin, round_, vars(tally)] for (origin, round_), tally in held.tallies.items()],
        "random": buffer.random.bit_generator.state,
        "drawn": buffer.drawn,
        "added": held.added,
        "hand": held.hand,
    }


def _restored(described: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> TrajectoryBuffer:
    fields = {name: Field(tuple(f["shape"]), f["dtype"]) for name, f in described["fields"].items()}
    buffer = TrajectoryBuffer(fields, BufferConfig(**described["config"]), seed=0)
    held = buffer.holdings
    held.names = list(described["tasks"])
    held.numbers = {name: number for number, name in enumerate(held.names)}
    held.refill(
        {name: arrays[f"content/{name}"] for name in fields},
        {name: arrays[f"ledger/{name}"] for name in COLUMNS},
    )
    held.tallies = {(origin, round_): Tally(**told) for origin, round_, told in described["tallies"]}
    held.added, held.hand, buffer.drawn = (described[name] for name in ("added", "hand", "drawn"))
    buffer.random.bit_generator.state = described["random"]
    return buffer


def _sealed(described: dict[str, Any]) -> dict[str, Any]:
    return {"sha256": _digest(described), "buffer": described}


def _unsealed(document: dict[str, Any], folder: Path) -> dict[str, Any]:
    described: dict[str, Any] = document["buffer"]
    if described["kind"] != KIND or described["format"] != FORMAT:
        raise FormatRefused(
            f"{folder} holds a {described['kind']} of format {described['format']}; this version reads a "
            f"{KIND} of format {FORMAT}"
        )
    if document["sha256"] != _digest(described):
        raise _damaged(folder, f"{MANIFEST} is not what was written")
    return described


def _digest(described: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def _entries_of(folder: Path) -> dict[str, Any]:
    path = folder / ENTRIES
    with path.open("rb") as file:
        return {
            "sha256": hashlib.file_digest(file, "sha256").hexdigest(),
            "size_bytes": path.stat().st_size,
        }


def _damaged(folder: Path, why: str) -> DamagedArtifact:
    return DamagedArtifact(
        f"the buffer in {folder} is damaged ({why}); load an earlier version by its CID, or restore a backup"
    )
