"""Everything that a change of a working tree needs, written beside it before anything in it is touched."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from bloomery.core.disk import sync_tree
from bloomery.optimize.changes.journal import Placing, Slot, state_of
from bloomery.optimize.changes.merging import Merged
from bloomery.optimize.changes.repository import Repository


def prepared(repository: Repository, merged: Merged, folder: Path, change: str) -> Placing:
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
                state_of(before / str(number)),
                state_of(draft.stage / str(number)),
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


def _missing_folders(root: Path, paths: Sequence[str]) -> tuple[str, ...]:
    """Folders that are not there and will be, outer ones first."""
    parents = {parent for path in paths for parent in (root / path).parents if not parent.exists()}
    return tuple(sorted(str(parent.relative_to(root)) for parent in parents))
