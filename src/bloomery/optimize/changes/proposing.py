"""Proposing a change: made into a patch, checked against the rules, kept under its CID."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from bloomery.core.errors import UserError
from bloomery.optimize.changes import making
from bloomery.optimize.changes.access import check_branch, check_patch, check_paths
from bloomery.optimize.changes.ledger import Ledger
from bloomery.optimize.changes.patch import About, Content, Patch, masked


def propose(
    ledger: Ledger,
    about: About,
    *,
    texts: Mapping[str, str | None] | None = None,
    diff: str | None = None,
    folder: Path | None = None,
    branch: str | None = None,
) -> Patch:
    """Keep a change as a patch: new texts of files, a diff, or what was changed in a worktree's `folder`.

    Its base is HEAD, or what its parents lead to. `branch` is where it is meant to go, the current one unless
    it is given. Proposed again, it is the same patch.
    Raises: UserError for an empty change, one of a binary file, a link, a submodule or a path outside, one
    that adds a token, or one that the proposer's rules do not allow.
    """
    if sum(given is not None for given in (texts, diff, folder)) != 1:
        raise UserError("a patch is made of new texts, of a diff, or of a folder: give one of them")
    if not about.proposer.strip():
        raise UserError("a patch needs its proposer's name")
    branch = branch or ledger.repository.branch()
    if branch is not None:
        check_branch(ledger.rules, about.proposer, branch)
    about, tree = _based(ledger, about)
    if texts is not None:
        check_paths(ledger.rules, about.proposer, texts)
        made = making.from_texts(ledger.repository, tree, texts)
    elif diff is not None:
        made = making.from_diff(ledger.repository, tree, diff)
    else:
        assert folder is not None
        made = making.from_folder(ledger.repository, tree, folder)
    return keep(ledger, made.content, about)


def keep(ledger: Ledger, content: Content, about: About, event: str = "proposed") -> Patch:
    """Put a patch that was made or received into the store and the catalog.

    Raises: UserError for what the proposer's rules do not allow, or for a path in the workspace itself.
    """
    check_patch(ledger.rules, about.proposer, content.base.blobs, network=about.network)
    _check_spares_workspace(ledger, content)
    about = replace(about, **{name: masked(getattr(about, name)) for name in _TEXTS})
    cid = ledger.keep(content.encoded(), "patch", f"patch of {about.proposer}", about.parents)
    said = ledger.keep(about.encoded(cid), "patch-about", "what was said of a patch", (cid,))
    ledger.records.add_patch(
        cid,
        about=said,
        goal=about.goal,
        proposer=about.proposer,
        description=about.description,
        parents=about.parents,
        paths=sorted(content.base.blobs),
        event=event,
    )
    ledger.seal()
    return ledger.load(cid)


_TEXTS = ("proposer", "goal", "operator", "description", "facts")


def result_tree(ledger: Ledger, patch: Patch) -> str:
    """The tree that a patch makes of its base. Raises: UserError if the base is not in the repository."""
    base = patch.content.base.tree
    ledger.repository.object(f"{base}^{{tree}}", f"fetch the base of {patch.cid}, then try again")
    return making.after(ledger.repository, base, [patch.content])


def _based(ledger: Ledger, about: About) -> tuple[About, str]:
    """What is said with its base's commit and whole CIDs of its parents, and the tree to start from."""
    head = ledger.repository.object("HEAD^{commit}", "commit once")
    if not about.parents:
        commit = about.commit or head
        return replace(about, commit=commit), ledger.repository.object(f"{commit}^{{tree}}", "fetch it")
    first, *others = (ledger.load(parent) for parent in about.parents)
    tree = result_tree(ledger, first)
    tree = making.after(ledger.repository, tree, [other.content for other in others]) if others else tree
    cids = (first.cid, *(other.cid for other in others))
    return replace(about, parents=cids, commit=first.about.commit), tree


def _check_spares_workspace(ledger: Ledger, content: Content) -> None:
    root = ledger.repository.root
    if root.is_relative_to(ledger.workspace.root):  # an agent's worktree: what counts is where it goes
        root = ledger.repository.common.parent
    for path in content.base.blobs:
        if (root / path).is_relative_to(ledger.workspace.root):
            raise UserError(f"{path} lies in the workspace, which no patch may change")
