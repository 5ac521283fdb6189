"""Worktrees for agents: one each, in the workspace, theirs as long as their process lives.

    <workspace>/worktrees/bloomery-<agent>-<n>/       the tree
    <workspace>/worktrees/bloomery-<agent>-<n>.lock   held by its process, and by git while it makes the tree

Whatever has no living process is removed at the next start, with what git keeps about it; worktrees that are
not ours are left alone, those on a disk that is not there, too (`git worktree prune` would forget them).
"""

import os
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bloomery.core.disk import remove_tree
from bloomery.core.errors import Failure, WorkspaceBusy
from bloomery.optimize.changes.ledger import Ledger
from bloomery.optimize.changes.lock import alone_in, held, is_dead, is_held
from bloomery.optimize.changes.patch import Patch
from bloomery.optimize.changes.repository import Repository

WAIT_S = 10.0  # for a git that outlives the process that started it
GUARD_S = 60.0  # for others that make or remove worktrees of the repository, a moment each


@contextmanager
def worktree(ledger: Ledger, agent: str, *, patch: str | None = None, commit: str = "HEAD") -> Iterator[Path]:
    """A folder with the repository at `commit`, or at a patch's base with the patch in it; gone afterwards.

    Its HEAD is detached. Agents may change it as they like; `propose(folder=...)` makes a patch of it.
    Raises: UserError for a commit or a base that is not in the repository.
    """
    clear_worktrees(ledger)
    change = ledger.load(patch) if patch else None
    start = _start(ledger, change, commit)
    with checked_out(ledger.repository, _folder(ledger), agent, start) as folder:
        if change is not None:
            _put(folder, change)
        yield folder


@contextmanager
def checked_out(
    repository: Repository, home: Path, agent: str, commit: str, tree: str | None = None
) -> Iterator[Path]:
    """A worktree below `home` with the files of a commit, or of another tree, without a ledger."""
    name = f"bloomery-{re.sub(r'[^A-Za-z0-9]+', '-', agent).strip('-') or 'agent'}-{uuid.uuid4().hex[:12]}"
    folder, lock = home / name, home / f"{name}.lock"
    with held(lock, f"worktree of {agent}", wait_s=WAIT_S) as descriptor:  # somebody may be clearing
        try:
            _add(repository, folder, commit, descriptor)
            if tree is not None:
                Repository.open(folder).git("read-tree", "-u", "--reset", tree)
            yield folder
        finally:
            _remove(repository, folder)


def clear_worktrees(ledger: Ledger) -> list[str]:
    """Remove what dead processes left; the names of what was removed."""
    homes = _folder(ledger), home_in(ledger.repository)
    return [name for home in homes for name in clear_below(ledger.repository, home)]


def home_in(repository: Repository) -> Path:
    """Where worktrees are made for whoever has no workspace: in git's own folder."""
    return repository.common / "bloomery" / "worktrees"


def clear_below(repository: Repository, folder: Path) -> list[str]:
    """Remove what dead processes left below a folder; the names of what was removed."""
    removed = []
    admin = repository.common / "worktrees"
    names = {path.name.removesuffix(".lock") for path in _entries(folder)}
    names |= {entry.name for entry in _entries(admin) if _is_ours(entry, folder)}
    for name in sorted(names):
        lock = folder / f"{name}.lock"
        _await_orphans(lock)
        with suppress(WorkspaceBusy), held(lock, "clearing"):
            _remove(repository, folder / name)
            removed.append(name)
    return removed


def _entries(folder: Path) -> list[Path]:
    """What is ours in a folder, which may go at any moment."""
    try:
        return [path for path in folder.iterdir() if path.name.startswith("bloomery-")]
    except FileNotFoundError:
        return []


def _folder(ledger: Ledger) -> Path:
    return ledger.workspace.root / "worktrees"


def _start(ledger: Ledger, patch: Patch | None, commit: str) -> str:
    if patch is None:
        return ledger.repository.object(f"{commit}^{{commit}}", "name a commit that is here")
    tree = patch.content.base.tree
    ledger.repository.object(f"{tree}^{{tree}}", f"fetch the base of {patch.cid}, then try again")
    known = patch.about.commit and not ledger.repository.missing([patch.about.commit])
    return ledger.repository.object(f"{patch.about.commit if known else 'HEAD'}^{{commit}}", "fetch it")


def _add(repository: Repository, folder: Path, commit: str, lock: int) -> None:
    """Git reads what it knows of all worktrees and fails at one that is half made: one at a time."""
    words = ("worktree", "add", "--quiet", "--detach", "--no-checkout", "--lock")
    reason = f"--reason=process {os.getpid()}"
    with alone_in(repository.common, wait_s=GUARD_S) as guard:
        answer = repository.ask(*words, reason, "--", str(folder), commit, keep_open=(lock, guard))
    if not answer.code:
        answer = Repository.open(folder).ask("reset", "--hard", "--quiet", keep_open=(lock,))
    if answer.code:
        raise Failure(f"git made no worktree in {folder}: {answer.said}")


def _put(folder: Path, patch: Patch) -> None:
    """The tree that the patch was made on, which need not be a commit's, then the patch."""
    tree = Repository.open(folder)
    tree.git("read-tree", "-u", "--reset", patch.content.base.tree)
    tree.git("apply", "--index", "-", stdin=patch.content.diff.encode())


def _remove(repository: Repository, folder: Path) -> None:
    _make_writable(folder)
    remove_tree(folder)
    admin = repository.common / "worktrees" / folder.name
    if admin.exists():
        with alone_in(repository.common, wait_s=GUARD_S):
            remove_tree(admin)
            with suppress(OSError):  # others have worktrees
                admin.parent.rmdir()
    folder.with_name(f"{folder.name}.lock").unlink(missing_ok=True)


def _make_writable(folder: Path) -> None:
    """What tests leave may be read-only folders, which nobody could remove."""
    for place, folders, _ in os.walk(folder):
        for one in folders:
            path = Path(place) / one
            if not path.is_symlink():
                path.chmod(0o755)


def _is_ours(entry: Path, folder: Path) -> bool:
    """Whether what git knows of a worktree is about one below our folder, or was left half-written."""
    try:
        return Path((entry / "gitdir").read_text().strip()).parent.parent == folder
    except FileNotFoundError:
        return False


def _await_orphans(lock: Path) -> None:
    """Wait for a git whose process is dead: it holds the lock, too, and would go on writing."""
    until = time.monotonic() + WAIT_S
    while is_held(lock) and is_dead(lock) and time.monotonic() < until:
        time.sleep(0.02)
