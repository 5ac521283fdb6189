"""Trees of a repository as texts, and patches as what they make of the tree that everybody has."""

from collections.abc import Iterable, Sequence

from bloomery.optimize.changes import Ledger, Patch, Repository
from bloomery.optimize.changes.making import after
from bloomery.optimize.coordinating.merging import Texts

_AUTHOR = ("-c", "user.name=bloomery", "-c", "user.email=bloomery@localhost")


def head(ledger: Ledger) -> str:
    """The tree that patches are compared on: what was committed last."""
    return ledger.repository.object("HEAD^{tree}", "commit once")


def effect(ledger: Ledger, patches: Sequence[Patch], tree: str) -> Texts:
    """Whole texts of the files that patches, one after another, change in a tree; it need not be their base.

    Raises: UserError where they do not merge with that tree.
    """
    made = after(ledger.repository, tree, [patch.content for patch in patches])
    return between(ledger.repository, tree, made)


def between(repository: Repository, old: str, new: str) -> Texts:
    """What differs between two trees."""
    listed = repository.git("diff-tree", "-r", "-z", "--no-renames", old, new).decode().split("\0")
    rows = zip(listed[::2], listed[1::2], strict=False)
    return {path: _text(repository, facts.split()[3]) for facts, path in rows}


def texts_at(repository: Repository, tree: str, paths: Iterable[str]) -> Texts:
    """The texts of these files in a tree; None for those that are not there."""
    wanted = list(paths)
    entries = repository.listed(tree, wanted) if wanted else {}
    return {path: _text(repository, entries[path][1]) if path in entries else None for path in wanted}


def commit_of(ledger: Ledger, patch: Patch) -> str:
    """A commit, on no branch, of the tree with the patch in it."""
    repository = ledger.repository
    tree = after(repository, patch.content.base.tree, [patch.content])
    parent = repository.object("HEAD^{commit}", "commit once")
    made = repository.git(*_AUTHOR, "commit-tree", tree, "-p", parent, "-m", f"with {patch.cid}")
    return made.decode().strip()


def _text(repository: Repository, blob: str) -> str | None:
    if set(blob) == {"0"}:
        return None
    return repository.git("cat-file", "blob", blob).decode()
