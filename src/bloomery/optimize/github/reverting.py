"""Taking a merged pull request back out: its change reversed by git, put up like any other."""

import tempfile
from pathlib import Path

from bloomery.core.errors import UserError
from bloomery.core.evidence import Bar, Check, Evidence, judge
from bloomery.optimize.changes import About, Ledger, Patch, attach, propose
from bloomery.optimize.github import calls
from bloomery.optimize.github.connection import Connection
from bloomery.optimize.github.pulling import changed_texts

REVERT = "revert"  # the proposer of what takes something out again: it claims nothing, and may change meaning
MERGES = Check(name="conflicts of taking it out", bar=Bar(op="==", value=0.0), unit="files")
AS_BEFORE = Check(
    name="files unlike before it", bar=Bar(op="==", value=0.0), unit="files", required=False,
    meaning="they were changed again later",
)  # fmt: skip


def reverse(github: Connection, ledger: Ledger, number: int) -> Patch:
    """The patch that takes a merged pull request out of what is checked out; publish it then.

    Raises: UserError for one that is not merged or not here, and where later changes are in the way.
    """
    pull = calls.pull(github, number)
    if not pull.merged or pull.merge_commit is None:
        raise UserError(f"#{number} is not merged: there is nothing to take out")
    if ledger.repository.missing([pull.merge_commit]):
        raise UserError(f"#{number} became {pull.merge_commit[:12]}, which is not here: fetch it first")
    texts = _texts_without(ledger, number, pull.merge_commit)
    said = About(proposer=REVERT, operator=REVERT, description=f"Takes #{number} out again: {pull.title}")
    patch = propose(ledger, said, texts=texts, branch=pull.base)
    attach(ledger, patch.cid, _evidence(ledger, pull.merge_commit, texts), by="git")
    ledger.records.note("github", "reverted", patch.cid, {"pull": number, "commit": pull.merge_commit})
    ledger.seal()
    return patch


def _texts_without(ledger: Ledger, number: int, commit: str) -> dict[str, str | None]:
    repository = ledger.repository
    diff = repository.git("diff-tree", "-p", "--full-index", "--binary", f"{commit}^", commit)
    with tempfile.TemporaryDirectory() as scratch:
        index = Path(scratch) / "index"
        repository.git("read-tree", "HEAD", index=index)
        answer = repository.ask("apply", "--3way", "--cached", "--reverse", "-", stdin=diff, index=index)
        if answer.code:
            why = answer.said.splitlines()[0].removeprefix("error: ")
            raise UserError(f"#{number} cannot be taken out by itself: {why}; revert it by hand")
        tree = repository.git("write-tree", index=index).decode().strip()
    texts = changed_texts(ledger, "HEAD^{tree}", tree)
    if not texts:
        raise UserError(f"#{number} is not in what is checked out: nothing to take out")
    return texts


def _evidence(ledger: Ledger, commit: str, texts: dict[str, str | None]) -> list[Evidence]:
    git = ledger.repository.git
    before = ledger.repository.listed(f"{commit}^", texts)
    blobs = {path: git("cat-file", "blob", blob).decode() for path, (_, blob) in before.items()}
    unlike = sum(blobs.get(path) != text for path, text in texts.items())
    how = f"git apply --3way --reverse of {commit[:12]}"
    return [
        judge(MERGES, 0.0, how=how, duration_s=0.0),
        judge(AS_BEFORE, float(unlike), how=how, duration_s=0.0),
    ]
