"""A pull request as a patch: what it really holds, read from GitHub, whatever its text says."""

import base64
from dataclasses import dataclass

from bloomery.core.errors import UserError
from bloomery.optimize.changes import About, Ledger, Patch, making, propose
from bloomery.optimize.changes.proposing import result_tree
from bloomery.optimize.github import calls
from bloomery.optimize.github.calls import Pull
from bloomery.optimize.github.connection import Connection
from bloomery.optimize.github.outbox import Outbox
from bloomery.optimize.proposal import Proposal

MOST_FILES = 300  # GitHub lists no more


@dataclass(frozen=True)
class Outcome:
    """What merging a patch makes of the commit that is checked out: the commit, the tree, the new texts."""

    base: str
    tree: str
    proposal: Proposal


def patch_of(github: Connection, ledger: Ledger, outbox: Outbox, pull: Pull) -> Patch:
    """The change of a pull request, kept as a patch: the same one, by its CID, if it was put up from here.

    Raises: UserError for a start that is not here, and for what no patch may hold.
    """
    sent = outbox.of_pull(pull.number)
    if sent is not None and sent.commit == pull.head:  # a commit is named by all that is in it
        return ledger.load(sent.patch)
    found = github.get(f"{github.here}/compare/{calls.branch_head(github, pull.base)}...{pull.head}")
    if len(found["files"]) >= MOST_FILES:
        raise UserError(f"#{pull.number} changes {MOST_FILES} files or more: that is no patch of an agent")
    start = found["merge_base_commit"]["sha"]
    if ledger.repository.missing([start]):
        raise UserError(
            f"#{pull.number} starts at {start[:12]}, which is not here: run `git fetch --unshallow`"
        )
    texts: dict[str, str | None] = {}
    for file in found["files"]:
        if "previous_filename" in file:
            texts[file["previous_filename"]] = None
        texts[file["filename"]] = None if file["status"] == "removed" else _text(github, file)
    said = About(proposer="github", operator="pull request", description=pull.title, commit=start)
    patch = propose(ledger, said, texts=texts, branch=pull.base)
    if result_tree(ledger, patch) != calls.tree_of(github, pull.head):
        raise UserError(f"#{pull.number} changes more than texts (modes, links, line ends): merge it by hand")
    return patch


def outcome(github: Connection, ledger: Ledger, pull: Pull, patch: Patch) -> Outcome:
    """The patch merged three-way into the newest base, which has to be what is checked out.

    Raises: UserError for another commit, a conflict, nothing to merge, or a file that is removed.
    """
    repository = ledger.repository
    base = repository.object("HEAD^{commit}", "commit once")
    if (newest := calls.branch_head(github, pull.base)) != base:
        raise UserError(
            f"{pull.base} is at {str(newest)[:12]} on GitHub, and {base[:12]} is checked out: update"
        )
    old = repository.object(f"{base}^{{tree}}", "fetch it")
    try:
        tree = making.after(repository, old, [patch.content])
    except UserError as error:
        raise UserError(f"#{pull.number} does not merge with {pull.base} any more: {error}") from error
    if tree == old:
        raise UserError(f"#{pull.number} changes nothing: what it does is in {pull.base} already")
    texts = changed_texts(ledger, old, tree)
    kept = {path: text for path, text in texts.items() if text is not None}
    if removed := sorted(set(texts) - set(kept)):
        raise UserError(f"#{pull.number} removes {', '.join(removed)}: that is for a person to merge")
    about = patch.about
    return Outcome(base, tree, Proposal(about.proposer, about.operator, about.description, kept))


def changed_texts(ledger: Ledger, old: str, new: str) -> dict[str, str | None]:
    """The new text of each file that differs between two trees; None for one that is gone."""
    git = ledger.repository.git
    raw = git("diff-tree", "-r", "-z", "--no-renames", old, new).decode().split("\0")
    rows = [(path, facts.split()[3]) for facts, path in zip(raw[::2], raw[1::2], strict=False)]
    return {path: git("cat-file", "blob", blob).decode() if blob.strip("0") else None for path, blob in rows}


def _text(github: Connection, file: dict[str, str]) -> str:
    found = github.get(f"{github.here}/git/blobs/{file['sha']}")
    try:
        return base64.b64decode(found["content"]).decode()
    except UnicodeDecodeError:
        raise UserError(f"{file['filename']} is no text in UTF-8: merge it by hand") from None
