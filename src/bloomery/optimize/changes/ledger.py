"""The ledger of a repository's changes: patches, decisions about them, what is applied, the audit."""

import json
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from bloomery.core.catalog import check_chain
from bloomery.core.catalog.audit import unbacked
from bloomery.core.catalog.changes import ChangeRecords
from bloomery.core.disk import write_atomically
from bloomery.core.errors import BloomeryError, UnknownName, UserError
from bloomery.core.log import get_log
from bloomery.core.workspace import Workspace
from bloomery.optimize.changes.access import Rules
from bloomery.optimize.changes.journal import pending
from bloomery.optimize.changes.lock import held
from bloomery.optimize.changes.patch import About, Content, Patch
from bloomery.optimize.changes.placing import undo
from bloomery.optimize.changes.repository import Repository

LEAST_PREFIX = 11  # all CIDs of small files begin with the same seven characters
_log = get_log("changes")


@dataclass(frozen=True)
class Ledger:
    """A workspace's knowledge of one repository's changes, and the rules that hold for them."""

    workspace: Workspace
    repository: Repository
    rules: Rules

    @property
    def records(self) -> ChangeRecords:
        return self.workspace.catalog.changes

    @property
    def folder(self) -> Path:
        return self.workspace.root / "changes"

    @property
    def journals(self) -> Path:
        return self.folder / "journals"

    @property
    def root(self) -> str:
        return str(self.repository.root)

    def find(self, prefix: str) -> str:
        """The CID of the one patch whose CID begins so. Raises: UnknownName; UserError for several."""
        known = [record.cid for record in self.records.patches()]
        found = [cid for cid in known if cid.startswith(prefix)] if len(prefix) >= LEAST_PREFIX else []
        if len(found) > 1:
            raise UserError(f"'{prefix}' begins {len(found)} patches: {', '.join(found)}; give more of it")
        if not found and len(prefix) < LEAST_PREFIX:
            raise UserError(f"'{prefix}' is too short: give at least {LEAST_PREFIX} characters of the CID")
        if not found:
            raise UnknownName("patch", prefix, known)
        return found[0]

    def load(self, prefix: str) -> Patch:
        """A patch, its content and what was said of it verified. Raises: DamagedArtifact, UnknownName."""
        record = self.records.patch(self.find(prefix))
        content = Content.decode(self.workspace.store.read(record.cid))
        return Patch(record.cid, content, About.decode(self.workspace.store.read(record.about), record.cid))

    def keep(self, data: bytes, kind: str, name: str, parents: tuple[str, ...] = ()) -> str:
        """Put a document into the store and the catalog, where no cleaning takes it."""
        cid = self.workspace.store.put_bytes(data)
        self.workspace.catalog.add_artifact(
            cid, kind=kind, size_bytes=len(data), name=name, parents=parents, facts={}
        )
        return cid

    @contextmanager
    def changing(self, purpose: str) -> Iterator[None]:
        """Alone in changing the tree, after what a dead process left half done was undone.

        Raises: WorkspaceBusy.
        """
        with held(self.folder / "tree.lock", purpose):
            recover(self)
            yield
        self.seal()

    def new_change(self) -> str:
        """A name for an act of applying or rolling back; its first part is the workspace's own."""
        return f"{self._mark}-{uuid.uuid4().hex}"

    @property
    def _mark(self) -> str:
        return sha256(str(self.workspace.root).encode()).hexdigest()[:8]

    def sweep(self) -> None:
        """Remove what dead changes left in git's folder."""
        begun = {placing.id for placing in pending(self.journals)}
        for stage in self.repository.git_dir.glob(f"bloomery-{self._mark}-*"):
            if stage.name.removeprefix("bloomery-") not in begun:
                shutil.rmtree(stage, ignore_errors=True)

    def seal(self) -> None:
        """Remember the audit's last entry beside the catalog, so that cutting off its end shows."""
        if head := self.records.head():
            write_atomically(self.folder / "audit.head", json.dumps(head).encode())


def recover(ledger: Ledger) -> list[str]:
    """Undo the changes that were begun and never recorded as made; their names. Call it alone.

    Raises: UserError for a file that somebody changed since.
    """
    undone = []
    for placing in pending(ledger.journals):
        if placing.root != ledger.repository.root:
            _log.warning("a change in another repository was cut short: start there", root=str(placing.root))
        elif ledger.records.was_made(placing.id):
            placing.forget()
        else:
            undo(ledger.repository, placing)
            ledger.records.note("bloomery", "recovered", placing.id, {"root": str(placing.root)})
            undone.append(placing.id)
            _log.warning("a change that was cut short was undone", change=placing.id)
    ledger.sweep()
    return undone


def check(ledger: Ledger) -> list[str]:
    """Everything that is not as it was written, one line each: the audit, decisions, patches."""
    head = ledger.folder / "audit.head"
    entries = ledger.records.audit()
    last = tuple(json.loads(head.read_text())) if head.exists() else None
    found = check_chain(entries, last) + unbacked(entries, ledger.records.decisions())
    told = {(entry.subject, entry.body.get("about")) for entry in entries}
    for record in ledger.records.patches():
        try:
            patch = ledger.load(record.cid)
        except BloomeryError as error:
            found.append(f"patch {record.cid}: {error}")
            continue
        said = (patch.about.proposer, patch.about.goal, patch.about.description, patch.about.parents)
        if said != (record.proposer, record.goal, record.description, record.parents):
            found.append(f"patch {record.cid}: the catalog's row is not what was said of it")
        if (record.cid, record.about) not in told:
            found.append(f"patch {record.cid}: what was said of it was replaced")
    return found
