"""The start: whatever dead processes left in a repository or a workspace is put in order first."""

from pathlib import Path

from bloomery.core.errors import WorkspaceBusy
from bloomery.core.log import get_log
from bloomery.core.workspace import Workspace
from bloomery.optimize.changes.access import Rules
from bloomery.optimize.changes.ledger import Ledger, recover
from bloomery.optimize.changes.lock import held
from bloomery.optimize.changes.repository import Repository
from bloomery.optimize.changes.rules import rules_of
from bloomery.optimize.changes.worktree import clear_worktrees

_log = get_log("changes")


def open_ledger(workspace: Workspace, path: Path | str = ".", rules: Rules | None = None) -> Ledger:
    """The ledger of the repository that `path` lies in. A change that was cut short is undone, and worktrees
    without a living process are removed. Without `rules`, those that `bloomery.toml` says hold.

    Raises: UserError where there is no repository with a working tree and a commit, or for a file that
    somebody edited in the middle of a change; ConfigError for rules that cannot be read.
    """
    repository = Repository.open(path)
    ledger = Ledger(workspace, repository, rules_of(repository) if rules is None else rules)
    ledger.folder.mkdir(parents=True, exist_ok=True)
    try:
        with held(ledger.folder / "tree.lock", "recovery"):
            recover(ledger)
    except WorkspaceBusy as busy:
        _log.debug("another process is changing the tree", why=str(busy))
    clear_worktrees(ledger)
    return ledger
