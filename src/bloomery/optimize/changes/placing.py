"""Putting changed files into a working tree, all or none, whatever kills the process.

    <journals>/<id>/journal.json     what is being changed; without it the change never began
    <journals>/<id>/before/<n>       the files as they were, `before/index` the index as it was
    <git dir>/bloomery-<id>/<n>      the files as they will be, on the tree's own disk: each takes its place
                                     by a rename; `index` and `lock` likewise

Git's own lock on the index is held while files take their places, so that no commit can see half a change. A
journal whose change was not recorded as made is undone at the next start. An undo that finds a file that is
neither as it was nor as it was put stops before it touches anything.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from bloomery.core.disk import full_disk_named, remove_tree, sync_folder, sync_tree, write_atomically
from bloomery.core.errors import Failure, UserError, WorkspaceBusy
from bloomery.optimize.changes.merging import Merged
from bloomery.optimize.changes.repository import Blob, Repository

WAIT_S = 5.0  # for git's lock on the index: `git status` takes it for a moment
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
        _unlock(self)
        self.journal.unlink(missing_ok=True)
        shutil.rmtree(self.stage, ignore_errors=True)  # a dying git may still write there: swept later
        remove_tree(self.folder)


_PAIRS = ("before", "after", "old_entry", "new_entry")


def place(repository: Repository, merged: Merged, folder: Path, change: str) -> Placing:
    """Bring the working tree and its index to what was merged; undo it, or `forget` it once it is recorded.

    Raises, with nothing changed: WorkspaceBusy while git is at work; UserError if a file changed meanwhile.
    """
    stage = repository.git_dir / f"bloomery-{change}"
    with full_disk_named(stage):
        placing = _prepared(repository, merged, folder, change)
        try:
            _put(repository, placing)
        except BaseException:
            undo(repository, placing)
            raise
    return placing


def undo(repository: Repository, placing: Placing) -> None:
    """Bring everything back to what it was before; may be killed and begun again.

    Raises: UserError, with nothing touched, for a file that somebody has changed since.
    """
    if not placing.begun.exists():
        placing.forget()
        return
    altered = [
        slot.path
        for slot in placing.slots
        if _state(placing.root / slot.path) not in (slot.before, slot.after)
    ]
    if altered:
        raise UserError(
            f"{', '.join(altered)} changed while a patch was being applied, which did not come to its end: "
            f"what was there before lies in {placing.folder / 'before'}; save your version elsewhere, put "
            "that one back, then try again"
        )
    placing.stage.mkdir(exist_ok=True)
    _lock(placing)
    for number, slot in enumerate(placing.slots):
        if _state(placing.root / slot.path) != slot.before:
            _restore(placing, number, slot)
    for made in reversed(placing.folders):
        with suppress(OSError):  # it holds something else, or is gone
            (placing.root / made).rmdir()
    _restore_index(repository, placing)
    placing.forget()


def pending(journals: Path) -> Iterator[Placing]:
    """Changes that were begun by a process that is dead; what never began is removed."""
    for folder in sorted(journals.iterdir()) if journals.is_dir() else []:
        placing = Placing.read(folder)
        if placing is None:
            remove_tree(folder)
        else:
            yield placing


def _prepared(repository: Repository, merged: Merged, folder: Path, change: str) -> Placing:
    """Everything that is needed, written and synced; the journal last."""
    root, entries = repository.root, merged.changed
    draft = Placing(folder, change, root, repository.git_dir, (), ())
    before = folder / "before"
    before.mkdir(parents=True)
    draft.stage.mkdir()
    _stage_files(repository, merged, draft.stage)
    slots = []
    for number, entry in enumerate(entries):
        if entry.before is not None:
            shutil.copy2(root / entry.path, before / str(number))
        slots.append(
            Slot(
                entry.path,
                _state(before / str(number)),
                _state(draft.stage / str(number)),
                entry.staged,
                entry.after if entry.staged == entry.before else entry.staged,
            )
        )
    _stage_index(repository, draft.stage, before, slots)
    folders = _missing_folders(root, [entry.path for entry in entries if entry.after is not None])
    placing = Placing(folder, change, root, repository.git_dir, tuple(slots), folders)
    sync_tree(before)
    sync_tree(draft.stage)
    placing.write()
    return placing


def _stage_files(repository: Repository, merged: Merged, stage: Path) -> None:
    """The files as they will be, by number, with the permissions that they have now."""
    names = "".join(f"{entry.path}\0" for entry in merged.changed if entry.after is not None)
    words = ("checkout-index", f"--prefix={stage}/files/", "-z", "--stdin")
    repository.git(*words, stdin=names.encode(), index=merged.index)
    for number, entry in enumerate(merged.changed):
        if entry.after is not None:
            staged = stage / str(number)
            (stage / "files" / entry.path).rename(staged)
            if entry.before is not None and entry.before[0] == entry.after[0]:
                staged.chmod((repository.root / entry.path).stat().st_mode & 0o777)
    shutil.rmtree(stage / "files", ignore_errors=True)


def _stage_index(repository: Repository, stage: Path, before: Path, slots: Sequence[Slot]) -> None:
    own = repository.git_dir / "index"
    if own.exists():
        shutil.copyfile(own, before / "index")
        shutil.copy(own, stage / "index")
    else:
        repository.git("read-tree", "--empty", index=stage / "index")
    changed = {slot.path: slot.new_entry for slot in slots if slot.new_entry != slot.old_entry}
    repository.set_entries(stage / "index", changed)
    (stage / "lock").touch()


def _put(repository: Repository, placing: Placing) -> None:
    _lock(placing)
    _check_nothing_moved(placing)
    placing.begun.touch()
    sync_folder(placing.folder)
    _replace_files(placing)
    repository.ask("update-index", "-q", "--refresh", index=placing.stage / "index")
    shutil.copyfile(placing.stage / "index", placing.stage / "index.after")
    (placing.stage / "index").replace(placing.git_dir / "index")
    _unlock(placing)


def _check_nothing_moved(placing: Placing) -> None:
    if _bytes(placing.git_dir / "index") != _bytes(placing.folder / "before" / "index"):
        raise WorkspaceBusy("git changed the index meanwhile; wait until it ends, then try again")
    for slot in placing.slots:
        if _state(placing.root / slot.path) != slot.before:
            raise UserError(f"{slot.path} was changed while the patch was being applied; try again")


def _replace_files(placing: Placing) -> None:
    for slot in placing.slots:
        if slot.after is None:
            (placing.root / slot.path).unlink()
            _remove_empty_folders(placing.root, slot.path)
    for number, slot in enumerate(placing.slots):
        if slot.after is not None:
            target = placing.root / slot.path
            target.parent.mkdir(parents=True, exist_ok=True)
            (placing.stage / str(number)).replace(target)
    for folder in {(placing.root / slot.path).parent for slot in placing.slots}:
        if folder.is_dir():
            sync_folder(folder)


def _restore(placing: Placing, number: int, slot: Slot) -> None:
    target = placing.root / slot.path
    if slot.before is None:
        target.unlink()
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    spare = placing.stage / f"old-{number}"
    shutil.copy2(placing.folder / "before" / str(number), spare)
    sync_tree(spare)
    spare.replace(target)


def _restore_index(repository: Repository, placing: Placing) -> None:
    """The index as it was; what somebody else has put into it since stays."""
    own, before = placing.git_dir / "index", placing.folder / "before" / "index"
    now = _bytes(own)
    if now == _bytes(before):
        return
    spare = placing.stage / "index.old"
    if now == _bytes(placing.stage / "index.after"):
        if not before.exists():
            own.unlink()
            return
        shutil.copyfile(before, spare)
    else:
        shutil.copyfile(own, spare)
        repository.set_entries(spare, _to_reset(repository, placing))
    spare.replace(own)


def _to_reset(repository: Repository, placing: Placing) -> Mapping[str, Blob | None]:
    paths = [slot.path for slot in placing.slots]
    now = repository.staged(paths) if paths else {}
    return {slot.path: slot.old_entry for slot in placing.slots if now.get(slot.path) == slot.new_entry}


def _lock(placing: Placing) -> None:
    """Git's own lock on the index, by a link: it is there with its owner's mark, or not at all."""
    mark, lock = placing.stage / "lock", placing.git_dir / "index.lock"
    until = time.monotonic() + WAIT_S
    mark.touch()
    while not _owns_lock(placing):
        try:
            os.link(mark, lock)
        except FileExistsError:
            if time.monotonic() > until:
                raise WorkspaceBusy(
                    f"git is at work in {placing.root}, or died there: wait until it ends; if none runs, "
                    f"remove {lock}"
                ) from None
            time.sleep(0.05)
        except OSError as error:
            raise Failure(f"{placing.git_dir} cannot hold a lock ({error}): move the repository") from error


def _owns_lock(placing: Placing) -> bool:
    with suppress(FileNotFoundError):
        return (placing.git_dir / "index.lock").samefile(placing.stage / "lock")
    return False


def _unlock(placing: Placing) -> None:
    if _owns_lock(placing):
        (placing.git_dir / "index.lock").unlink()


def _state(path: Path) -> State:
    if not os.path.lexists(path):
        return None
    if path.is_symlink() or not path.is_file():
        return ("no plain file", 0)
    return (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mode & 0o777)


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _missing_folders(root: Path, paths: Sequence[str]) -> tuple[str, ...]:
    """Folders that are not there and will be, outer ones first."""
    parents = {parent for path in paths for parent in (root / path).parents if not parent.exists()}
    return tuple(sorted(str(parent.relative_to(root)) for parent in parents))


def _remove_empty_folders(root: Path, path: str) -> None:
    for parent in (root / path).parents:
        if parent == root or any(parent.iterdir()):
            return
        parent.rmdir()
