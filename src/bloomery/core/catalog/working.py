"""The agents that are or were at work, by their heartbeats; and what happened that statistics count."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import insert, select, update

from bloomery.core.catalog.connection import Database
from bloomery.core.catalog.coordination import agents, events
from bloomery.core.errors import UnknownName

AgentState = Literal["idle", "working", "validating", "waiting", "stopped", "dead"]


@dataclass(frozen=True, kw_only=True)
class AgentRecord:
    """An agent. `life` is another one each time it is started; `lost` counts leases that it let run out."""

    name: str
    life: str
    host: str
    pid: int
    state: AgentState
    task: str | None
    worktree: str | None
    started_at: datetime
    seen_at: datetime
    done: int
    failed: int
    lost: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class EventRecord:
    """Something that happened to a subject (a patch, a task, a file), with a figure where there is one."""

    key: str | None
    at: datetime
    kind: str
    root: str
    subject: str
    value: float | None
    facts: Mapping[str, Any]


class Agents:
    """Agents in the catalog; their counts are kept by the queue, where tasks end."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, name: str, *, life: str, host: str, pid: int, now: datetime) -> None:
        """Record that an agent begins a life; what it did in others stays counted."""
        values = {
            "life": life, "host": host, "pid": pid, "state": "idle", "task": None, "worktree": None,
            "started_at": now, "seen_at": now, "reason": "",
        }  # fmt: skip
        with self._database.writing() as connection:
            changed = connection.execute(update(agents).where(agents.c.name == name).values(values))
            if not changed.rowcount:
                counts = {"done": 0, "failed": 0, "lost": 0}
                connection.execute(insert(agents), {"name": name} | values | counts)

    def beat(self, name: str, life: str, *, now: datetime, **values: Any) -> bool:
        """Record that it lives, and what it is at (`state`, `task`, `worktree`, `reason`); false if another
        life has its name."""
        mine = (agents.c.name == name) & (agents.c.life == life)
        with self._database.writing() as connection:
            changed = connection.execute(update(agents).where(mine).values(seen_at=now, **values))
        return bool(changed.rowcount)

    def end(self, name: str, life: str, state: AgentState, reason: str = "") -> None:
        """Record that a life is over."""
        mine = (agents.c.name == name) & (agents.c.life == life)
        values = {"state": state, "task": None, "worktree": None, "reason": reason}
        with self._database.writing() as connection:
            connection.execute(update(agents).where(mine).values(values))

    def agent(self, name: str) -> AgentRecord:
        """Raises: UnknownName."""
        known = {record.name: record for record in self.all()}
        if name not in known:
            raise UnknownName("agent", name, known)
        return known[name]

    def all(self) -> list[AgentRecord]:
        """All agents, by name."""
        query = select(*(column for column in agents.columns if column.name != "id")).order_by(agents.c.name)
        with self._database.reading() as connection:
            return [AgentRecord(**row._mapping) for row in connection.execute(query)]


class Events:
    """What statistics count and nothing else records: measured changes, findings, requests."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(
        self,
        kind: str,
        subject: str,
        *,
        root: str = "",
        value: float | None = None,
        facts: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> bool:
        """Record an event; whether it is new: one with a key that is there already is not recorded again."""
        row = {
            "key": key, "at": datetime.now(UTC), "kind": kind, "root": root, "subject": subject,
            "value": value, "facts": dict(facts or {}),
        }  # fmt: skip
        with self._database.writing() as connection:
            same = select(events.c.id).where(events.c.key == key)
            if key is not None and connection.execute(same).first() is not None:
                return False
            connection.execute(insert(events), row)
        return True

    def all(self, kind: str | None = None, *, since: datetime | None = None) -> list[EventRecord]:
        """The events, the oldest first."""
        query = select(*(column for column in events.columns if column.name != "id")).order_by(events.c.id)
        if kind is not None:
            query = query.where(events.c.kind == kind)
        if since is not None:
            query = query.where(events.c.at >= since)
        with self._database.reading() as connection:
            return [EventRecord(**row._mapping) for row in connection.execute(query)]
