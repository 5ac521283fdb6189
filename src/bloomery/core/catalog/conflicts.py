"""What agents offered, what became of it, and which offers get in each other's way."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, insert, select, update

from bloomery.core.catalog.audit import append
from bloomery.core.catalog.connection import Database, alone
from bloomery.core.catalog.coordination import conflicts, offers
from bloomery.core.errors import UnknownName

OfferState = Literal["offered", "ready", "merged", "contested", "redone", "refused", "withdrawn"]
ConflictState = Literal["merged", "redoing", "open", "decided"]
_LOCK = 0x636F6E66  # an arbitrary number that all our processes agree on


@dataclass(frozen=True, kw_only=True)
class OfferRecord:
    """A patch that came of a task. "ready": it waits for approval; "merged": it became part of `became`;
    "redone": its task is worked on again, on top of what it was in conflict with."""

    task: str
    cid: str
    root: str
    agent: str
    state: OfferState
    became: str | None
    reason: str
    offered_at: datetime
    decided_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ConflictRecord:
    """Two offers that overlap: merged, one of them made anew on top of the other, open until a person
    decides, or decided.

    `shown` is the CID of the page with both sides, `merged` that of the patch that does what both do.
    """

    name: str
    root: str
    one: str
    other: str
    overlaps: tuple[str, ...]
    state: ConflictState
    merged: str | None
    shown: str | None
    decision: str | None
    by: str | None
    reason: str
    found_at: datetime
    settled_at: datetime | None


class Conflicts:
    """Offers and conflicts in the catalog; how a conflict ends is in the audit, too."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def offers(
        self, *states: OfferState, root: str | None = None, cid: str | None = None
    ) -> list[OfferRecord]:
        """The offers in these states (none: in any), the oldest first."""
        query = select(*(column for column in offers.columns if column.name != "id")).order_by(offers.c.id)
        if states:
            query = query.where(offers.c.state.in_(states))
        if root is not None:
            query = query.where(offers.c.root == root)
        if cid is not None:
            query = query.where(offers.c.cid == cid)
        with self._database.reading() as connection:
            return [OfferRecord(**row._mapping) for row in connection.execute(query)]

    def decide(
        self, cid: str, state: OfferState, *, now: datetime, became: str | None = None, reason: str = ""
    ) -> None:
        """Record what became of a patch, whichever tasks offered it."""
        with self._database.writing() as connection:
            _decide(connection, cid, state, now, became, reason)

    def record(
        self, root: str, one: str, other: str, *, overlaps: Sequence[str], state: ConflictState, by: str,
        now: datetime, fates: Mapping[str, OfferState], merged: str | None = None, shown: str | None = None,
        decision: str | None = None, reason: str = "",
    ) -> ConflictRecord:  # fmt: skip
        """Record where a conflict stands and what that makes of each offer; one that is decided stays so.

        `merged` is a patch that takes the place of both: it is offered for the tasks of both, and ready.
        """
        values: dict[str, Any] = {
            "state": state,
            "merged": merged,
            "decision": decision,
            "by": by,
            "reason": reason,
        }
        values |= {"shown": shown} if shown else {}
        values |= {"settled_at": now} if state in ("merged", "decided") else {}
        with alone(self._database, _LOCK) as connection:
            known = _find(connection, one, other)
            if known is not None and (known.state == "decided" or _is(known, values)):
                return known
            found = _put(connection, known, (root, one, other), overlaps, now, values)
            tasks = _tasks_of(connection, (one, other))
            for cid, fate in fates.items():
                _decide(connection, cid, fate, now, merged if fate == "merged" else None, reason)
            if merged is not None:
                _offer(connection, tasks, merged, root, by, now)
            body = {"one": one, "other": other, "merged": merged, "decision": decision, "why": reason}
            append(connection, by, f"conflict_{state}", found.name, body)
            return found

    def conflict(self, name: str) -> ConflictRecord:
        """Raises: UnknownName."""
        with self._database.reading() as connection:
            return _named(connection, name)

    def all(self, state: ConflictState | None = None, *, root: str | None = None) -> list[ConflictRecord]:
        """The conflicts, the oldest first."""
        query = select(conflicts).order_by(conflicts.c.id)
        if state is not None:
            query = query.where(conflicts.c.state == state)
        if root is not None:
            query = query.where(conflicts.c.root == root)
        with self._database.reading() as connection:
            return [_record(row) for row in connection.execute(query)]


def _decide(
    connection: Connection, cid: str, state: OfferState, now: datetime, became: str | None, reason: str
) -> None:
    values = {"state": state, "became": became, "reason": reason, "decided_at": now}
    connection.execute(update(offers).where(offers.c.cid == cid).values(values))


def _is(known: ConflictRecord, values: Mapping[str, Any]) -> bool:
    return all(getattr(known, key) == value for key, value in values.items() if key != "settled_at")


def _tasks_of(connection: Connection, cids: Collection[str]) -> list[str]:
    found = select(offers.c.task).where(offers.c.cid.in_(list(cids))).order_by(offers.c.id)
    return list(dict.fromkeys(row.task for row in connection.execute(found)))


def _offer(connection: Connection, tasks: Sequence[str], cid: str, root: str, by: str, now: datetime) -> None:
    known = {row.task for row in connection.execute(select(offers.c.task).where(offers.c.cid == cid))}
    rows = [
        {"task": task, "cid": cid, "root": root, "agent": by, "state": "ready", "reason": "",
         "offered_at": now, "decided_at": now}
        for task in tasks
        if task not in known
    ]  # fmt: skip
    if rows:
        connection.execute(insert(offers), rows)
    _decide(connection, cid, "ready", now, None, "")


def _put(
    connection: Connection, known: ConflictRecord | None, between: tuple[str, str, str],
    overlaps: Sequence[str], now: datetime, values: Mapping[str, Any],
) -> ConflictRecord:  # fmt: skip
    name = known.name if known else uuid.uuid4().hex[:12]
    if known is None:
        root, one, other = between
        row = {
            "name": name, "root": root, "one": one, "other": other, "overlaps": list(overlaps),
            "found_at": now,
        }  # fmt: skip
        connection.execute(insert(conflicts), row | dict(values))
    else:
        connection.execute(update(conflicts).where(conflicts.c.name == name).values(**values))
    return _named(connection, name)


def _find(connection: Connection, one: str, other: str) -> ConflictRecord | None:
    same = (conflicts.c.one == one) & (conflicts.c.other == other)
    row = connection.execute(select(conflicts).where(same)).first()
    return _record(row) if row else None


def _named(connection: Connection, name: str) -> ConflictRecord:
    row = connection.execute(select(conflicts).where(conflicts.c.name == name)).first()
    if row is None:
        raise UnknownName(
            "conflict", name, [one.name for one in connection.execute(select(conflicts.c.name))]
        )
    return _record(row)


def _record(row: Any) -> ConflictRecord:
    values = {key: value for key, value in row._mapping.items() if key != "id"}
    return ConflictRecord(**{**values, "overlaps": tuple(row.overlaps)})
