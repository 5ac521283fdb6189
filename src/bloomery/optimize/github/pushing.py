"""A patch as a commit and a branch of GitHub's, made through its API: no remote and no push is needed.

Git names a tree by its content, so GitHub's tree has to have the name that it has here: what is put up is
what was validated, to the byte.
"""

import base64
from datetime import UTC
from typing import Any

from bloomery.core.errors import Failure, UserError
from bloomery.optimize.changes import Ledger, Patch
from bloomery.optimize.changes.proposing import result_tree
from bloomery.optimize.github import calls
from bloomery.optimize.github.connection import Connection
from bloomery.optimize.github.ensuring import ensured
from bloomery.optimize.github.errors import NotThere, Rejected

PREFIX = "bloomery/"
PERSON = {"name": "bloomery", "email": "bloomery@users.noreply.github.com"}


def branch_of(cid: str) -> str:
    return f"{PREFIX}{cid[-12:]}"


def push(github: Connection, ledger: Ledger, patch: Patch, message: str) -> tuple[str, bool]:
    """Make the patch's commit and its branch; the commit, and whether the branch is new.

    Made again, it is the same commit.
    Raises: UserError for a base that GitHub has not got, or a branch that somebody has changed.
    """
    base, tree = _base(ledger, patch), result_tree(ledger, patch)
    rows = _entries(ledger, f"{base}^{{tree}}", tree)
    entries = [_sent(github, ledger, row) for row in rows]
    sent = {"base_tree": ledger.repository.object(f"{base}^{{tree}}", "fetch it"), "tree": entries}
    made = _made(github, "trees", sent, base)
    if made != tree:
        raise Failure(
            f"GitHub made the tree {made} of {patch.cid}, and here it is {tree}: nothing was put up"
        )
    commit = _commit(github, ledger, patch, (base, tree), message)
    return commit, calls.ensure_branch(github, branch_of(patch.cid), commit)


def _base(ledger: Ledger, patch: Patch) -> str:
    base = patch.about.commit
    if base is None or ledger.repository.missing([base]):
        raise UserError(f"the commit that {patch.cid} was made on is not here: fetch it, or propose it anew")
    return base


def _made(github: Connection, what: str, sent: dict[str, Any], base: str) -> str:
    """Trees and commits: made twice, they are the same ones, so that a lost answer is asked for again."""
    try:
        answer = ensured(lambda: None, lambda: github.change("POST", f"{github.here}/git/{what}", sent))
    except (NotThere, Rejected) as error:
        raise UserError(f"has GitHub got {base[:12]}? push that commit first ({error})") from None
    return str(answer["sha"])


def _commit(github: Connection, ledger: Ledger, patch: Patch, places: tuple[str, str], message: str) -> str:
    base, tree = places
    made_at = ledger.records.patch(patch.cid).created_at
    moment = made_at.replace(tzinfo=made_at.tzinfo or UTC, microsecond=0).isoformat()
    who = {**PERSON, "date": moment}  # its name follows from all of this, so a second one is the same
    sent = {"tree": tree, "parents": [base], "message": message, "author": who, "committer": who}
    return _made(github, "commits", sent, base)


def _entries(ledger: Ledger, old: str, new: str) -> list[tuple[str, str, str]]:
    """Path, mode and blob of each changed file; a mode of zeros for one that is removed."""
    raw = ledger.repository.git("diff-tree", "-r", "-z", "--no-renames", old, new).decode().split("\0")
    return [
        (path, facts.split()[1], facts.split()[3]) for facts, path in zip(raw[::2], raw[1::2], strict=False)
    ]


def _sent(github: Connection, ledger: Ledger, row: tuple[str, str, str]) -> dict[str, Any]:
    path, mode, blob = row
    if not mode.strip("0"):
        return {"path": path, "mode": "100644", "type": "blob", "sha": None}
    data = ledger.repository.git("cat-file", "blob", blob)
    entry = {"path": path, "mode": mode, "type": "blob"}
    try:
        return {**entry, "content": data.decode()}
    except UnicodeDecodeError:
        sent = {"content": base64.b64encode(data).decode(), "encoding": "base64"}
        return {**entry, "sha": github.change("POST", f"{github.here}/git/blobs", sent)["sha"]}
