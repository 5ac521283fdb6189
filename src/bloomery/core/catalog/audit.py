"""The audit: a chain of entries, each of which covers the former one's hash.

Altering, removing, inserting or reordering entries breaks the chain, wherever it happens. What a chain cannot
show is that its end was cut off: `head`, kept elsewhere, shows that.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, text

from bloomery.core.catalog.records import ApprovalRecord, AuditRecord
from bloomery.core.catalog.tables import audit

START = "0" * 64
DECISIONS = ("approved", "rejected")


def append(connection: Connection, actor: str, event: str, subject: str, body: Mapping[str, Any]) -> int:
    """Add an entry in the transaction of what it tells of, and return its number."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE audit IN EXCLUSIVE MODE"))  # readers go on
    last = connection.execute(select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)).first()
    entry = {
        "seq": last.seq + 1 if last else 1,
        "at": datetime.now(UTC).isoformat(),
        "actor": actor,
        "event": event,
        "subject": subject,
        "body": dict(body),
        "previous": last.hash if last else START,
    }
    connection.execute(insert(audit), entry | {"hash": _hash(entry)})
    return int(str(entry["seq"]))


def check_chain(entries: Iterable[AuditRecord], head: tuple[int, str] | None = None) -> list[str]:
    """What is wrong with the audit, one line each; nothing if every entry is there as it was written.

    `head` is the number and the hash of an entry that is known to have been there.
    """
    entries = list(entries)
    found = list(_breaks(entries))
    if head is not None and head not in {(entry.seq, entry.hash) for entry in entries}:
        found.append(f"entry {head[0]} was there once and is gone or altered: the audit was cut off")
    return found


def unbacked(entries: Iterable[AuditRecord], approvals: Iterable[ApprovalRecord]) -> list[str]:
    """Decisions that the audit does not tell of in the same words, and those that it alone tells of."""
    sound = (entry for entry in entries if entry.hash == _hash(_covered(entry)))
    told = {entry.seq: entry for entry in sound if entry.event in DECISIONS}
    found = []
    for approval in approvals:
        entry = told.pop(approval.seq, None)
        if entry is None or not _same(entry, approval):
            found.append(
                f"the decision {approval.seq} by {approval.by} about {approval.cid} is not in the audit"
            )
    return found + [f"the decision of entry {seq} was removed" for seq in told]


def _same(entry: AuditRecord, approval: ApprovalRecord) -> bool:
    said = (entry.event, entry.subject, entry.actor, entry.body.get("evidence"), entry.body.get("kind"))
    return said == (approval.decision, approval.cid, approval.by, approval.evidence, approval.kind)


def _breaks(entries: list[AuditRecord]) -> Iterator[str]:
    previous, expected = START, 1
    for entry in entries:
        if entry.seq != expected:
            yield f"entry {expected} is missing: the next one is {entry.seq}"
        elif entry.previous != previous:
            yield f"entry {entry.seq} does not follow the one before it: one of them was altered"
        if entry.hash != _hash(_covered(entry)):
            yield f"entry {entry.seq} ({entry.event} by {entry.actor}) was altered"
        previous, expected = entry.hash, entry.seq + 1


def _covered(entry: AuditRecord) -> dict[str, Any]:
    names = ("seq", "at", "actor", "event", "subject", "body", "previous")
    return {name: getattr(entry, name) for name in names}


def _hash(covered: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(covered, sort_keys=True).encode()).hexdigest()
