"""What is validated: a change of the files that a repository has committed, as two of git's trees."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bloomery.core.errors import UserError
from bloomery.optimize.changes.access import check_path
from bloomery.optimize.changes.making import Made, from_diff, from_texts
from bloomery.optimize.changes.repository import Repository
from bloomery.optimize.changes.worktree import checked_out, clear_below, home_in


@dataclass(frozen=True)
class Change:
    """`before` and `after` are ids of trees, `texts` the changed files' new texts (None: removed).

    Paths are relative to `root`, a folder of the repository; `prefix` is where that lies in its trees.
    `loose`: other files whose uncommitted changes are no part of what is validated.
    """

    repository: Repository
    root: Path
    prefix: str
    commit: str
    before: str
    after: str
    texts: Mapping[str, str | None]
    loose: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(sorted(self.texts))

    @property
    def nothing(self) -> bool:
        """Whether the files are as they were committed."""
        return self.before == self.after


def change_of_texts(root: Path, texts: Mapping[str, str | None]) -> Change:
    """The change that gives files below `root` other texts than the last commit has.

    Raises: UserError where there is no repository, for a path outside of it or a file that is no text.
    """
    repository, prefix = _opened(root)
    for path in texts:
        check_path(path)
    commit, tree = _head(repository)
    given = {f"{prefix}{path}": text for path, text in texts.items()}
    different = {path: text for path, text in given.items() if text != _committed(repository, tree, path)}
    after = from_texts(repository, tree, different).tree if different else tree
    return _change(repository, root, prefix, commit, tree, after, texts)


def change_of_diff(root: Path, diff: str) -> Change:
    """The change that a diff makes to the last commit. Raises: as `change_of_texts`, and where it does not
    apply."""
    repository, prefix = _opened(root)
    commit, tree = _head(repository)
    return _change_made(repository, root, prefix, commit, tree, from_diff(repository, tree, diff))


def _head(repository: Repository) -> tuple[str, str]:
    """The last commit and its tree, asked for once: somebody may commit meanwhile."""
    commit = repository.object("HEAD^{commit}", "commit once")
    return commit, repository.object(f"{commit}^{{tree}}", "commit once")


def _change_made(
    repository: Repository, root: Path, prefix: str, commit: str, tree: str, made: Made
) -> Change:
    paths = list(made.content.base.blobs)
    outside = [path for path in paths if not path.startswith(prefix)]
    if outside:
        raise UserError(f"{outside[0]} lies outside of {root}: name the repository's own folder as the root")
    listed = repository.listed(made.tree, paths)
    texts = {
        path.removeprefix(prefix): _text(repository, listed[path][1]) if path in listed else None
        for path in paths
    }
    return _change(repository, root, prefix, commit, tree, made.tree, texts)


def _opened(root: Path) -> tuple[Repository, str]:
    repository = Repository.open(root)
    inner = root.resolve().relative_to(repository.root.resolve()).as_posix()
    return repository, "" if inner == "." else f"{inner}/"


def _change(
    repository: Repository,
    root: Path,
    prefix: str,
    commit: str,
    before: str,
    after: str,
    texts: Mapping[str, str | None],
) -> Change:
    loose = tuple(path for path in _loose(repository) if path.removeprefix(prefix) not in texts)
    return Change(repository, root.resolve(), prefix, commit, before, after, dict(texts), loose)


def _committed(repository: Repository, tree: str, path: str) -> str | None:
    entry = repository.listed(tree, [path]).get(path)
    if entry is None or not entry[0].startswith("100"):
        return None
    return _text(repository, entry[1])


def _text(repository: Repository, blob: str) -> str | None:
    try:
        return repository.git("cat-file", "blob", blob).decode()
    except UnicodeDecodeError:
        return None


def _loose(repository: Repository) -> Iterator[str]:
    """Files of git's that are not as committed, and sources that git does not have."""
    told = repository.git("status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=normal")
    for row in told.decode(errors="replace").split("\0"):
        state, path = row[:2], row[3:]
        if state.strip() and (state != "??" or PurePosixPath(path).suffix == ".py"):
            yield path


@dataclass(frozen=True)
class Trees:
    """Two worktrees, the change applied in one of them; both begin at the change's root."""

    before: Path
    after: Path

    @property
    def both(self) -> tuple[Path, Path]:
        return self.before, self.after


@contextmanager
def checked_out_both(change: Change) -> Iterator[Trees]:
    """Worktrees of the repository, kept in git's own folder, gone afterwards; those of the dead, too."""
    home = home_in(change.repository)
    clear_below(change.repository, home)
    with ExitStack() as stack:
        folders = [
            stack.enter_context(checked_out(change.repository, home, name, change.commit, tree))
            for name, tree in (("before", None), ("after", change.after))
        ]
        yield Trees(*(folder / change.prefix for folder in folders))
