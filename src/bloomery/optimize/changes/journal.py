"""The journal of a change on its way into a working tree: what was there before, what will be.

<journals>/<id>/journal.json     what is being changed; without it the change never began
<journals>/<id>/before/<n>       the files as they were, `before/index` the index as it was
<git dir>/bloomery-<id>/<n>      the files as they will be, on the tree's own disk: each takes its place
                                 by a rename; `index` and `lock` likewise
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from bloomery.core.disk import remove_tree, write_atomically
from bloomery.optimize.changes import index_lock
from bloomery.optimize.changes.repository import Blob

State = tuple[str, int] | None  # digest and permissions of a file; None: it is not there


@dataclass(frozen=True)
class Slot:
    """One file of a change."""

    path: str
    before: State
    after: State
    old_entry: Blob | None
    new_entry: Blob | None


@dataclass(frozen=True)
class Placing:
    """A change on its way into a working tree; `folders` are those that it makes."""

    folder: Path
    id: str
    root: Path
    git_dir: Path
    slots: tuple[Slot, ...]
    folders: tuple[str, ...]

    @property
    def stage(self) -> Path:
        return self.git_dir / f"bloomery-{self.id}"

    @property
    def journal(self) -> Path:
        return self.folder / "journal.json"

    @property
    def begun(self) -> Path:
        """There once files take their places: before that, there is nothing to undo."""
        return self.folder / "begun"

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """The change of a journal; None if it never began."""
        try:
            plain = json.loads((folder / "journal.json").read_text())
        except FileNotFoundError:
            return None
        slots = tuple(
            Slot(row["path"], *(tuple(row[name]) if row[name] else None for name in _PAIRS))
            for row in plain["slots"]
        )
        root, git_dir = Path(plain["root"]), Path(plain["git_dir"])
        return cls(folder, plain["id"], root, git_dir, slots, tuple(plain["folders"]))

    def write(self) -> None:
        plain = {"id": self.id, "root": str(self.root), "git_dir": str(self.git_dir)}
        rows = [asdict(slot) for slot in self.slots]
        data = json.dumps(plain | {"folders": self.folders, "slots": rows}, indent=1)
        write_atomically(self.journal, data.encode())

    def forget(self) -> None:
        """The end of a change, made or undone."""
        index_lock.give_back(self.stage, self.git_dir)
        self.journal.unlink(missing_ok=True)
        shutil.rmtree(self.stage, ignore_errors=True)  # a dying git may still write there: swept later
        remove_tree(self.folder)


_PAIRS = ("before", "after", "old_entry", "new_entry")


def pending(journals: Path) -> Iterator[Placing]:
    """Changes that were begun by a process that is dead; what never began is removed."""
    for folder in sorted(journals.iterdir()) if journals.is_dir() else []:
        placing = Placing.read(folder)
        if placing is None:
            remove_tree(folder)
        else:
            yield placing


def state_of(path: Path) -> State:
    if not os.path.lexists(path):
        return None
    if path.is_symlink() or not path.is_file():
        return ("no plain file", 0)
    return (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mode & 0o777)


def bytes_of(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None
