"""Putting changed files into a working tree, all or none, whatever kills the process.

Git's own lock on the index is held while files take their places, so that no commit can see half a change. A
journal whose change was not recorded as made is undone at the next start. An undo that finds a file that is
neither as it was nor as it was put stops before it touches anything.
"""

import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from bloomery.core.disk import full_disk_named, sync_folder, sync_tree
from bloomery.core.errors import UserError, WorkspaceBusy
from bloomery.optimize.changes import index_lock
from bloomery.optimize.changes.journal import Placing, Slot, bytes_of, state_of
from bloomery.optimize.changes.merging import Merged
from bloomery.optimize.changes.preparing import prepared
from bloomery.optimize.changes.repository import Blob, Repository


def place(repository: Repository, merged: Merged, folder: Path, change: str) -> Placing:
    """Bring the working tree and its index to what was merged; undo it, or `forget` it once it is recorded.

    Raises, with nothing changed: WorkspaceBusy while git is at work; UserError if a file changed meanwhile.
    """
    stage = repository.git_dir / f"bloomery-{change}"
    with full_disk_named(stage):
        placing = prepared(repository, merged, folder, change)
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
        if state_of(placing.root / slot.path) not in (slot.before, slot.after)
    ]
    if altered:
        raise UserError(
            f"{', '.join(altered)} changed while a patch was being applied, which did not come to its end: "
            f"what was there before lies in {placing.folder / 'before'}; save your version elsewhere, put "
            "that one back, then try again"
        )
    placing.stage.mkdir(exist_ok=True)
    index_lock.take(placing.stage, placing.git_dir)
    for number, slot in enumerate(placing.slots):
        if state_of(placing.root / slot.path) != slot.before:
            _restore(placing, number, slot)
    for made in reversed(placing.folders):
        with suppress(OSError):  # it holds something else, or is gone
            (placing.root / made).rmdir()
    _restore_index(repository, placing)
    placing.forget()


def _put(repository: Repository, placing: Placing) -> None:
    index_lock.take(placing.stage, placing.git_dir)
    _check_nothing_moved(placing)
    placing.begun.touch()
    sync_folder(placing.folder)
    _replace_files(placing)
    repository.ask("update-index", "-q", "--refresh", index=placing.stage / "index")
    shutil.copyfile(placing.stage / "index", placing.stage / "index.after")
    (placing.stage / "index").replace(placing.git_dir / "index")
    index_lock.give_back(placing.stage, placing.git_dir)


def _check_nothing_moved(placing: Placing) -> None:
    if bytes_of(placing.git_dir / "index") != bytes_of(placing.folder / "before" / "index"):
        raise WorkspaceBusy("git changed the index meanwhile; wait until it ends, then try again")
    for slot in placing.slots:
        if state_of(placing.root / slot.path) != slot.before:
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
    now = bytes_of(own)
    if now == bytes_of(before):
        return
    spare = placing.stage / "index.old"
    if now == bytes_of(placing.stage / "index.after"):
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


def _remove_empty_folders(root: Path, path: str) -> None:
    for parent in (root / path).parents:
        if parent == root or any(parent.iterdir()):
            return
        parent.rmdir()
