"""What the catalog knows of changes. Whatever is recorded here enters the audit in the same transaction."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Select, insert, select, update

from bloomery.core.catalog.audit import append
from bloomery.core.catalog.connection import Database
from bloomery.core.catalog.records import (
    ApplicationRecord,
    ApprovalRecord,
    ApprovedBy,
    AuditRecord,
    Decision,
    PatchRecord,
    PatchStatus,
)
from bloomery.core.catalog.tables import applications, approvals, audit, patches
from bloomery.core.errors import UnknownName

Files = Mapping[str, tuple[str | None, str | None]]


class ChangeRecords:
    """Patches, decisions about them, and where they were applied, with the audit of all of it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_patch(
        self,
        cid: str,
        *,
        about: str,
        goal: str,
        proposer: str,
        description: str,
        parents: Sequence[str],
        paths: Sequence[str],
        event: str = "proposed",
    ) -> None:
        """Record a patch. Of a known one only the audit gains an entry: what was said first stays."""
        row = {
            "cid": cid, "about": about, "goal": goal, "proposer": proposer, "description": description,
            "parents": list(parents), "paths": list(paths), "status": "proposed", "evidence": None,
            "created_at": datetime.now(UTC),
        }  # fmt: skip
        with self._database.writing() as connection:
            append(connection, proposer, event, cid, {"about": about})
            if connection.execute(select(patches.c.cid).where(patches.c.cid == cid)).first() is None:
                connection.execute(insert(patches), row)

    def patch(self, cid: str) -> PatchRecord:
        """Raises: UnknownName."""
        for record in self._patches(select(patches).where(patches.c.cid == cid)):
            return record
        raise UnknownName("patch", cid, [record.cid for record in self.patches()])

    def patches(self, status: PatchStatus | None = None) -> list[PatchRecord]:
        """All patches, or those of one status, the oldest first."""
        query = select(patches).order_by(patches.c.created_at, patches.c.cid)
        return self._patches(query if status is None else query.where(patches.c.status == status))

    def set_evidence(self, cid: str, evidence: str, *, passed: bool, actor: str) -> None:
        """Record that the patch was validated; decisions about other evidence count no more."""
        status = "validated" if passed else "failed"
        with self._database.writing() as connection:
            append(connection, actor, status, cid, {"evidence": evidence})
            _update(connection, cid, evidence=evidence)
            applied = applications.c.rolled_back.is_(None) & (applications.c.cid == cid)
            if connection.execute(select(applications.c.id).where(applied)).first() is None:
                _update(connection, cid, status=status)

    def add_decision(
        self, cid: str, *, evidence: str, decision: Decision, kind: ApprovedBy, by: str, reason: str
    ) -> ApprovalRecord:
        """Record who decided about a patch with which evidence."""
        body = {"evidence": evidence, "kind": kind, "reason": reason}
        with self._database.writing() as connection:
            seq = append(connection, by, decision, cid, body)
            row: dict[str, Any] = {"seq": seq, "cid": cid, "decision": decision, "by": by, **body}
            connection.execute(insert(approvals), row)
            _update(connection, cid, status=decision)
        return ApprovalRecord(**row)

    def decisions(self, cid: str | None = None) -> list[ApprovalRecord]:
        """All decisions, or those about one patch, the oldest first."""
        query = select(approvals).order_by(approvals.c.seq)
        rows = self._all(query if cid is None else query.where(approvals.c.cid == cid))
        return [ApprovalRecord(**row) for row in rows]

    def add_application(
        self, change: str, cid: str, *, root: str, branch: str, files: Files, actor: str
    ) -> None:
        """Record that a patch is in a working tree now."""
        plain = {path: list(blobs) for path, blobs in files.items()}
        row = {
            "change": change, "cid": cid, "root": root, "branch": branch, "files": plain,
            "applied_at": datetime.now(UTC), "rolled_back": None,
        }  # fmt: skip
        with self._database.writing() as connection:
            body = {"change": change, "root": root, "branch": branch, "files": plain}
            append(connection, actor, "applied", cid, body)
            connection.execute(insert(applications), row)
            _update(connection, cid, status="applied")

    def roll_back(
        self, change: str, applied: Sequence[str], *, files: Files, reason: str, actor: str
    ) -> None:
        """Record that `change` undid the acts of applying that are named, and what it left in which file."""
        plain = {path: list(blobs) for path, blobs in files.items()}
        with self._database.writing() as connection:
            for one in applied:
                row = connection.execute(select(applications).where(applications.c.change == one)).one()
                body = {"change": change, "root": row.root, "files": plain, "reason": reason}
                append(connection, actor, "rolled_back", row.cid, body)
                undone = update(applications).where(applications.c.change == one)
                connection.execute(undone.values(rolled_back=change))
                _update(connection, row.cid, status="rolled_back")

    def applications(self, root: str | None = None, *, all: bool = False) -> list[ApplicationRecord]:
        """What is applied, in the order of applying; with `all`, what was rolled back, too."""
        query = select(applications).order_by(applications.c.id)
        if root is not None:
            query = query.where(applications.c.root == root)
        if not all:
            query = query.where(applications.c.rolled_back.is_(None))
        return [_application(row) for row in self._all(query)]

    def was_made(self, change: str) -> bool:
        """Whether an act of applying or rolling back was recorded."""
        table = applications.c
        query = select(table.id).where((table.change == change) | (table.rolled_back == change))
        return bool(self._all(query))

    def note(self, actor: str, event: str, subject: str, body: Mapping[str, Any]) -> None:
        """Put something into the audit that changes nothing else."""
        with self._database.writing() as connection:
            append(connection, actor, event, subject, body)

    def head(self) -> tuple[int, str] | None:
        """Number and hash of the newest entry."""
        query = select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)
        return next(((row["seq"], row["hash"]) for row in self._all(query)), None)

    def audit(self) -> list[AuditRecord]:
        """All entries, the oldest first; `check_chain` says whether they are as they were written."""
        return [AuditRecord(**row) for row in self._all(select(audit).order_by(audit.c.seq))]

    def _patches(self, query: Select[Any]) -> list[PatchRecord]:
        rows = self._all(query)
        return [
            PatchRecord(**{**row, "parents": tuple(row["parents"]), "paths": tuple(row["paths"])})
            for row in rows
        ]

    def _all(self, query: Select[Any]) -> list[dict[str, Any]]:
        with self._database.reading() as connection:
            return [dict(row._mapping) for row in connection.execute(query).all()]


def _update(connection: Connection, cid: str, **values: Any) -> None:
    connection.execute(update(patches).where(patches.c.cid == cid).values(**values))


def _application(row: dict[str, Any]) -> ApplicationRecord:
    files: Iterable[tuple[str, list[str | None]]] = row["files"].items()
    return ApplicationRecord(**{**row, "files": {path: (pair[0], pair[1]) for path, pair in files}})
