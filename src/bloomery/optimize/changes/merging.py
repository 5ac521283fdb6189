"""What patches would make of a working tree: worked out beside it, so that nothing is touched."""

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bloomery.core.errors import UserError
from bloomery.optimize.changes.patch import FETCH, Patch
from bloomery.optimize.changes.repository import Blob, Repository

Known = Callable[[str], set[str]]  # blobs that an earlier change left in a file


@dataclass(frozen=True)
class Conflict:
    """A patch that does not merge with what the tree holds now, the files where, and git's words."""

    cid: str
    paths: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Entry:
    """What one file of a change is now and will be, as git keeps it; `staged` is what the index says now."""

    path: str
    before: Blob | None
    after: Blob | None
    staged: Blob | None


@dataclass(frozen=True)
class Merged:
    """The outcome of merging: `index` holds every file as it will be."""

    index: Path
    entries: tuple[Entry, ...]
    conflict: Conflict | None = None

    @property
    def changed(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry.before != entry.after)


def merge(
    repository: Repository,
    patches: Sequence[Patch],
    folder: Path,
    *,
    reverse: bool = False,
    known: Known = lambda path: set(),
) -> Merged:
    """Merge patches three-way into what the working tree holds, in a copy of its index in `folder`.

    Raises: UserError for a touched file with changes of its own, a link, or a base that is not here.
    """
    index = _copied_index(repository, folder)
    paths = sorted({path for patch in patches for path in patch.paths})
    before, staged = _working(repository, paths), repository.staged(paths)
    _check_clean(repository, paths, before, staged, known)
    repository.set_entries(index, {path: before.get(path) for path in paths})
    for patch in patches:
        if found := _apply(repository, patch, index, reverse=reverse):
            return Merged(index, (), found)
    after = repository.staged(paths, index)
    entries = (Entry(path, before.get(path), after.get(path), staged.get(path)) for path in paths)
    return Merged(index, tuple(entries))


def is_contained(repository: Repository, patch: Patch, folder: Path) -> bool:
    """Whether the index holds what the patch does, so that it could be taken back out."""
    index = _copied_index(repository, folder)
    words = ("apply", "--cached", "--check", "--reverse", "-")
    return repository.ask(*words, stdin=patch.content.diff.encode(), index=index).code == 0


def _copied_index(repository: Repository, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    index, own = folder / "index", repository.git_dir / "index"
    if own.exists():
        shutil.copyfile(own, index)
    else:
        repository.git("read-tree", "--empty", index=index)
    return index


def _apply(repository: Repository, patch: Patch, index: Path, *, reverse: bool) -> Conflict | None:
    _check_base_is_here(repository, patch)
    words = ["apply", "--3way", "--cached", *(["--reverse"] if reverse else []), "-"]
    answer = repository.ask(*words, stdin=patch.content.diff.encode(), index=index)
    if answer.code == 0:
        return None
    unmerged = repository.git("ls-files", "--unmerged", "-z", index=index).decode().split("\0")
    paths = {line.split("\t", 1)[1] for line in unmerged if line}
    named = tuple(sorted(paths)) or tuple(path for path in patch.paths if path in answer.said) or patch.paths
    return Conflict(patch.cid, named, answer.said.splitlines()[0].removeprefix("error: "))


def _check_base_is_here(repository: Repository, patch: Patch) -> None:
    """Merging three-way takes the file as it was when the patch was made; without it git would guess."""
    blobs = [blob for blob in patch.content.base.blobs.values() if blob is not None]
    if repository.missing(blobs):
        commit = patch.about.commit or patch.about.facts.get(FETCH)
        raise UserError(
            f"the base of {patch.cid} is not in {repository.root}: fetch "
            + (f"the commit {commit[:12]}" if commit else "the commits that it was made on")
        )


def _working(repository: Repository, paths: Sequence[str]) -> dict[str, Blob]:
    """The files that are there, as git would keep them."""
    there = [path for path in paths if _is_there(repository.root, path)]
    if not there:
        return {}
    names = "".join(f"{path}\n" for path in there)
    blobs = repository.git("hash-object", "-w", "--stdin-paths", stdin=names.encode()).decode().split()
    modes = ("100755" if (repository.root / path).stat().st_mode & 0o100 else "100644" for path in there)
    return {path: (mode, blob) for path, mode, blob in zip(there, modes, blobs, strict=True)}


def _is_there(root: Path, path: str) -> bool:
    """Raises: UserError where a link, a folder or a device is in the way."""
    place = root
    for part in path.split("/")[:-1]:
        place = place / part
        if place.is_symlink() or (place.exists() and not place.is_dir()):
            raise UserError(f"{path} cannot be patched: {place.relative_to(root)} is not a plain folder")
    place = root / path
    if place.is_symlink() or (place.exists() and not place.is_file()):
        raise UserError(f"{path} cannot be patched: it is not a plain file")
    return place.exists()


def _check_clean(
    repository: Repository,
    paths: Iterable[str],
    working: dict[str, Blob],
    staged: dict[str, Blob],
    known: Known,
) -> None:
    """A file must be as it was committed, or as an earlier change left it: what is lost else is not ours."""
    committed = repository.listed("HEAD", paths)
    for path in paths:
        now, index, head = working.get(path), staged.get(path), committed.get(path)
        ours = now == head or (now[1] if now else "") in known(path)
        if ours and index in (now, head):
            continue
        if now is not None and index is None and head is None:
            raise UserError(f"{path} is there and git does not track it: commit it, or move it away")
        raise UserError(f"{path} has changes that are not committed: commit or stash them, then try again")
